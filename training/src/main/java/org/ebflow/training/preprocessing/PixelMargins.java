package org.ebflow.training.preprocessing;

import org.ebflow.flow.layer.Shape;
import org.ebflow.linalg.Matrix;
import org.ebflow.linalg.Precision;
import org.ebflow.training.data.Dataset;

/**
 * Probabilities of the levels of each pixel: its counts in the training rows, and pseudo-counts
 * that it shares with the pixels around it.
 *
 * <p>p_c(k) ∝ n_c(k) + {@value #OF_NEIGHBOURS}·Σ n_d(k) + {@value #OF_EVERY_LEVEL}, the sum over
 * the up to eight pixels d around c in the same channel; without that sum where rows are no images.
 *
 * @param probabilities [dimension][levels], of sum 1 per pixel
 */
record PixelMargins(double[][] probabilities) {
  /** Best on validation rows of MNIST: docs/derivations/margins.md. */
  private static final double OF_NEIGHBOURS = 0.1;

  private static final double OF_EVERY_LEVEL = 0.03;

  /** Probability below the first cell and above the last, which keeps Φ⁻¹ finite. */
  private static final double OUTSIDE = 1e-6;

  /** Of the training rows. */
  static PixelMargins of(Dataset train) {
    int[][] counts = counts(train);
    double[][] p = new double[train.dimension()][train.levels()];
    for (int c = 0; c < p.length; c++) {
      for (int k = 0; k < p[c].length; k++) {
        p[c][k] = counts[c][k] + OF_EVERY_LEVEL;
      }
    }
    Shape shape = train.imageShape();
    if (shape != null) {
      addNeighbours(counts, shape, p);
    }
    for (double[] pixel : p) {
      double sum = 0;
      for (double value : pixel) {
        sum += value;
      }
      for (int k = 0; k < pixel.length; k++) {
        pixel[k] /= sum;
      }
    }
    return new PixelMargins(p);
  }

  private static int[][] counts(Dataset train) {
    int[][] counts = new int[train.dimension()][train.levels()];
    Matrix row = Matrix.allocate(Precision.FLOAT32, 1, train.dimension());
    for (int r = 0; r < train.size(); r++) {
      train.copyRows(r, r + 1, row, 0);
      for (int c = 0; c < counts.length; c++) {
        counts[c][(int) row.floats()[c]]++;
      }
    }
    return counts;
  }

  private static void addNeighbours(int[][] counts, Shape shape, double[][] p) {
    for (int c = 0; c < p.length; c++) {
      int channel = c % shape.channels();
      int x = c / shape.channels() % shape.width();
      int y = c / shape.channels() / shape.width();
      for (int v = Math.max(0, y - 1); v <= Math.min(shape.height() - 1, y + 1); v++) {
        for (int u = Math.max(0, x - 1); u <= Math.min(shape.width() - 1, x + 1); u++) {
          int neighbour = (v * shape.width() + u) * shape.channels() + channel;
          for (int k = 0; neighbour != c && k < p[c].length; k++) {
            p[c][k] += OF_NEIGHBOURS * counts[neighbour][k];
          }
        }
      }
    }
  }

  /**
   * The table of {@link org.ebflow.linalg.ElementwiseFunctions#histogramGaussianization}, of
   * numbers that float32 holds, so that it is the same in either precision.
   */
  Matrix table() {
    int levels = probabilities[0].length;
    double[][] rows = new double[probabilities.length][3 * levels];
    for (int c = 0; c < rows.length; c++) {
      double below = OUTSIDE;
      double above = OUTSIDE;
      for (int k = 0; k < levels; k++) {
        double mass = (1 - 2 * OUTSIDE) * probabilities[c][k];
        rows[c][3 * k] = (float) below;
        rows[c][3 * k + 2] = (float) mass;
        below += mass;
      }
      for (int k = levels - 1; k >= 0; k--) {
        rows[c][3 * k + 1] = (float) above;
        above += (1 - 2 * OUTSIDE) * probabilities[c][k];
      }
    }
    return Matrix.ofRows(Precision.FLOAT64, rows);
  }
}
