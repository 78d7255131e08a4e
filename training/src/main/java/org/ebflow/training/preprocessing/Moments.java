package org.ebflow.training.preprocessing;

import org.ebflow.flow.pass.NoisePurpose;
import org.ebflow.linalg.Blas;
import org.ebflow.linalg.KernelChoice;
import org.ebflow.linalg.Matrix;
import org.ebflow.linalg.Noise;
import org.ebflow.linalg.Precision;
import org.ebflow.linalg.RowKernels;
import org.ebflow.linalg.Team;
import org.ebflow.linalg.Worker;
import org.ebflow.training.data.Dataset;

/**
 * Mean and covariance of prepared rows, in float64.
 *
 * <p>One pass over the rows, block by block; all workers of a team share the products. Rows are
 * counted from the mean of the first block, so that columns far from zero lose no digits.
 *
 * @param rows number of rows
 * @param mean [1,D]
 * @param covariance [D,D], divided by the number of rows
 */
public record Moments(long rows, Matrix mean, Matrix covariance) {
  private static final int BLOCK = 1024;

  /** Most columns of a tile of the products. */
  private static final int TILE = 128;

  private static final RowKernels KERNELS = KernelChoice.fastest(Precision.FLOAT64).rows();

  /**
   * Those of a data set.
   *
   * @param preprocessing is applied to every row first
   * @param model precision of the model's rows
   * @param noise of the dequantisation
   */
  public static Moments of(
      Dataset data,
      Preprocessing preprocessing,
      Precision model,
      Noise noise,
      Blas blas,
      Team team) {
    if (data.size() == 0) {
      throw new IllegalArgumentException("Moments: the data set is empty");
    }
    Sums sums = new Sums(data, preprocessing, model, noise, blas, team);
    team.run(sums::add);
    return sums.moments();
  }

  /** Σ + (m - μ)(m - μ)ᵀ: the second moments about another mean μ, [D,D]. */
  Matrix secondMomentsAbout(Matrix center, Blas blas) {
    Matrix deviation = Matrix.allocate(Precision.FLOAT64, 1, mean.columns());
    KERNELS.combine(1, mean, -1, center, deviation);
    Matrix result = covariance.copy(Precision.FLOAT64);
    blas.multiply(true, deviation, false, deviation, 1, 1, result);
    return result;
  }

  /**
   * Exponential average: (1-a) of these moments and a of the later ones, with a = later rows/n and
   * n = min(these rows + later rows, window) the rows of the result. As long as both fit into the
   * window these are the moments of both.
   *
   * @param window at least the later rows
   */
  public Moments averagedWith(Moments later, long window, Blas blas) {
    long count = Math.min(rows + later.rows, window);
    double share = later.rows / (double) count;
    int dimension = mean.columns();
    Matrix average = Matrix.allocate(Precision.FLOAT64, 1, dimension);
    KERNELS.combine(1 - share, mean, share, later.mean, average);
    Matrix difference = Matrix.allocate(Precision.FLOAT64, 1, dimension);
    KERNELS.combine(1, later.mean, -1, mean, difference);
    Matrix result = Matrix.allocate(Precision.FLOAT64, dimension, dimension);
    KERNELS.combine(1 - share, covariance, share, later.covariance, result);
    blas.multiply(true, difference, false, difference, share * (1 - share), 1, result);
    return new Moments(count, average, result);
  }

  /** Sums over the rows that a team fills together. */
  private static final class Sums {
    private final Dataset data;
    private final Noise noise;
    private final Blas blas;
    private final int block;
    private final RowPreparation[] whole;
    private final RowPreparation[] last;
    private final Matrix block64;
    private final Matrix shift;
    private final Matrix sums;
    private final Matrix products;

    Sums(
        Dataset data,
        Preprocessing preprocessing,
        Precision model,
        Noise noise,
        Blas blas,
        Team team) {
      int dimension = data.dimension();
      this.data = data;
      this.noise = noise;
      this.blas = blas;
      block = Math.min(BLOCK, data.size());
      int rest = data.size() % block;
      whole = RowPreparation.forTeam(preprocessing, dimension, model, blas, team, block);
      last =
          rest == 0
              ? whole
              : RowPreparation.forTeam(preprocessing, dimension, model, blas, team, rest);
      block64 = Matrix.allocate(Precision.FLOAT64, block, dimension);
      shift = Matrix.allocate(Precision.FLOAT64, 1, dimension);
      sums = Matrix.allocate(Precision.FLOAT64, 1, dimension);
      products = Matrix.allocate(Precision.FLOAT64, dimension, dimension);
    }

    /** What one worker does: its rows of every block, then its part of all sums. */
    void add(Worker worker) {
      for (int from = 0; from < data.size(); from += block) {
        int count = Math.min(block, data.size() - from);
        Matrix rows = block64.rows(0, count);
        Matrix own = rows.rows(worker.from(count), worker.to(count));
        int firstColumn = worker.from(data.dimension());
        int endColumn = worker.to(data.dimension());
        prepare(worker, from, count, own);
        worker.barrier();
        if (from == 0) {
          KERNELS.addColumnSums(1.0 / count, rows, shift, firstColumn, endColumn);
          worker.barrier();
        }
        KERNELS.subtractFromRows(own, shift, own);
        worker.barrier();
        KERNELS.addColumnSums(1, rows, sums, firstColumn, endColumn);
        addProducts(worker, rows);
        worker.barrier();
      }
    }

    /** Tiles of Σ x xᵀ on the diagonal and above it, which the workers take in turn. */
    private void addProducts(Worker worker, Matrix rows) {
      int dimension = data.dimension();
      int tiles = Math.ceilDiv(dimension, TILE);
      int next = 0;
      for (int i = 0; i < tiles; i++) {
        for (int j = i; j < tiles; j++) {
          if (next++ % worker.size() == worker.rank()) {
            int row = (int) ((long) i * dimension / tiles);
            int endRow = (int) ((i + 1L) * dimension / tiles);
            int column = (int) ((long) j * dimension / tiles);
            int endColumn = (int) ((j + 1L) * dimension / tiles);
            blas.multiply(
                true,
                rows.columns(row, endRow),
                false,
                rows.columns(column, endColumn),
                1,
                1,
                products.rows(row, endRow).columns(column, endColumn));
          }
        }
      }
    }

    private void prepare(Worker worker, int from, int count, Matrix own) {
      RowPreparation preparation = (count == block ? whole : last)[worker.rank()];
      int first = worker.from(count);
      data.copyRows(from + first, from + worker.to(count), preparation.rows(), 0);
      if (preparation.dequantizes()) {
        preparation.drawNoise(noise, NoisePurpose.MOMENTS, from / block, first);
      }
      preparation.prepare(own);
    }

    Moments moments() {
      double n = data.size();
      int dimension = data.dimension();
      Matrix mean = Matrix.allocate(Precision.FLOAT64, 1, dimension);
      KERNELS.combine(1, shift, 1 / n, sums, mean);
      Matrix covariance = Matrix.allocate(Precision.FLOAT64, dimension, dimension);
      for (int r = 0; r < dimension; r++) {
        for (int c = 0; c < dimension; c++) {
          double raw = products.get(Math.min(r, c), Math.max(r, c));
          covariance.set(r, c, (raw - sums.get(0, r) * sums.get(0, c) / n) / n);
        }
      }
      return new Moments(data.size(), mean, covariance);
    }
  }
}
