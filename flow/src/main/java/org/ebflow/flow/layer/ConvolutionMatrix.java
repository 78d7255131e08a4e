package org.ebflow.flow.layer;

import java.util.Arrays;
import org.ebflow.flow.pass.Factorization;
import org.ebflow.linalg.BandedLu;
import org.ebflow.linalg.Blas;
import org.ebflow.linalg.ConvolutionShape;
import org.ebflow.linalg.Lu;
import org.ebflow.linalg.LuFactorization;
import org.ebflow.linalg.Matrix;
import org.ebflow.linalg.Precision;

/**
 * LU factors, banded or dense, of the matrix A [D,D] that a convolution from C to C channels is on
 * a row of D = H·W·C numbers.
 *
 * <p>Source: derived here, docs/derivations/convolution.md. With channels innermost an element of A
 * other than zero is at most b = C·(p·W + p) + C - 1 columns from the diagonal, p = (k-1)/2. Banded
 * LU takes 4·D·b² FLOP and D·3b numbers of memory, dense LU ⅔·D³ FLOP and D² numbers.
 *
 * <p>Threading: as {@link Lu}.
 */
abstract sealed class ConvolutionMatrix implements Factorization {
  private final ConvolutionShape shape;
  private final Matrix weight;
  private final double[] sums; // of A⁻ᵀ over the places of each tap, [C,k²·C]
  final BandedLu.Row fill = this::fillRow; // made once: a step allocates nothing
  final BandedLu.Row addToSums = this::addRowToSums;
  final int dimension;
  final int bandwidth;

  private ConvolutionMatrix(ConvolutionShape shape, Matrix weight) {
    this.shape = shape;
    this.weight = weight;
    sums = new double[shape.out() * shape.taps()];
    dimension = shape.outputs();
    bandwidth = bandwidth(shape);
  }

  /** How far from the diagonal elements other than zero are, on either side. */
  static int bandwidth(ConvolutionShape shape) {
    int down = Math.min(shape.padding(), shape.height() - 1);
    int across = Math.min(shape.padding(), shape.width() - 1);
    return shape.out() * (down * shape.width() + across) + shape.out() - 1;
  }

  /** Whether banded LU takes less time: a FLOP of dense LU takes about half as long. */
  static boolean bandedPays(ConvolutionShape shape) {
    double size = shape.outputs();
    double width = bandwidth(shape);
    return 4 * size * width * width < size * size * size / 3;
  }

  /**
   * Factors of the present weight, by whichever LU takes less time.
   *
   * @param weight [C,k²·C], read now and by {@link #factorize}
   * @param precision of dense factors; banded ones are float64
   */
  static ConvolutionMatrix of(
      ConvolutionShape shape, Matrix weight, Blas blas, Precision precision) {
    return bandedPays(shape)
        ? new Banded(shape, weight, blas)
        : new Dense(shape, weight, blas, precision);
  }

  /** Precision of the factors that {@link #of} makes. */
  static Precision precision(ConvolutionShape shape, Precision ofDense) {
    return bandedPays(shape) ? Precision.FLOAT64 : ofDense;
  }

  /** The factors: determinant, condition and solutions. */
  abstract LuFactorization lu();

  @Override
  public final void close() {
    lu().close();
  }

  /** Gives the elements of A⁻ᵀ in the band of A, row by row. */
  abstract void inverseTransposed(BandedLu.Row use);

  /**
   * Adds factor·∂ log|det A|/∂W: the sum of A⁻ᵀ over the places in A of a tap.
   *
   * @param weightBar accumulated into, [C,k²·C]
   */
  final void addGradient(double factor, Matrix weightBar) {
    Arrays.fill(sums, 0);
    inverseTransposed(addToSums);
    for (int o = 0; o < shape.out(); o++) {
      for (int tap = 0; tap < shape.taps(); tap++) {
        weightBar.set(o, tap, weightBar.get(o, tap) + factor * sums[o * shape.taps() + tap]);
      }
    }
  }

  private void fillRow(int r, double[] band) {
    int channels = shape.in();
    int pixel = r / channels;
    int o = r % channels;
    Arrays.fill(band, 0);
    for (int square = 0; square < shape.side() * shape.side(); square++) {
      int neighbour = neighbour(pixel, square);
      if (neighbour >= 0) {
        int at = bandwidth + neighbour * channels - r;
        for (int c = 0; c < channels; c++) {
          band[at + c] = weight.get(o, square * channels + c);
        }
      }
    }
  }

  private void addRowToSums(int r, double[] band) {
    int channels = shape.in();
    int pixel = r / channels;
    int taps = r % channels * shape.taps();
    for (int square = 0; square < shape.side() * shape.side(); square++) {
      int neighbour = neighbour(pixel, square);
      if (neighbour >= 0) {
        int at = bandwidth + neighbour * channels - r;
        for (int c = 0; c < channels; c++) {
          sums[taps + square * channels + c] += band[at + c];
        }
      }
    }
  }

  /** The pixel that a place of the square around another one is; -1 outside of the image. */
  private int neighbour(int pixel, int square) {
    int y = pixel / shape.width() + square / shape.side() - shape.padding();
    int x = pixel % shape.width() + square % shape.side() - shape.padding();
    boolean inside = y >= 0 && y < shape.height() && x >= 0 && x < shape.width();
    return inside ? y * shape.width() + x : -1;
  }

  /** By banded LU in float64. */
  static final class Banded extends ConvolutionMatrix {
    private final BandedLu lu;

    Banded(ConvolutionShape shape, Matrix weight, Blas blas) {
      super(shape, weight);
      lu = blas.factorizeBanded(dimension, bandwidth, bandwidth, fill);
    }

    @Override
    public Precision precision() {
      return Precision.FLOAT64;
    }

    @Override
    public void factorize() {
      lu.factorize(fill);
    }

    @Override
    LuFactorization lu() {
      return lu;
    }

    @Override
    void inverseTransposed(BandedLu.Row use) {
      lu.inverseTransposed(use);
    }
  }

  /** By dense LU. */
  static final class Dense extends ConvolutionMatrix {
    private final Matrix elements; // A, and A⁻ᵀ once that is asked for
    private final double[] band;
    private final Lu lu;

    Dense(ConvolutionShape shape, Matrix weight, Blas blas, Precision precision) {
      super(shape, weight);
      elements = Matrix.allocate(precision, dimension, dimension);
      band = new double[2 * bandwidth + 1];
      fillElements();
      lu = blas.factorize(elements, precision);
    }

    private void fillElements() {
      elements.fill(0);
      for (int r = 0; r < dimension; r++) {
        fill.row(r, band);
        for (int c = first(r); c < end(r); c++) {
          elements.set(r, c, band[bandwidth + c - r]);
        }
      }
    }

    private int first(int r) {
      return Math.max(0, r - bandwidth);
    }

    private int end(int r) {
      return Math.min(dimension, r + bandwidth + 1);
    }

    @Override
    public Precision precision() {
      return elements.precision();
    }

    @Override
    public void factorize() {
      fillElements();
      lu.factorize(elements);
    }

    @Override
    LuFactorization lu() {
      return lu;
    }

    @Override
    void inverseTransposed(BandedLu.Row use) {
      elements.fill(0);
      lu.addInverseTransposed(1, elements);
      for (int r = 0; r < dimension; r++) {
        Arrays.fill(band, 0);
        for (int c = first(r); c < end(r); c++) {
          band[bandwidth + c - r] = elements.get(r, c);
        }
        use.row(r, band);
      }
    }
  }
}
