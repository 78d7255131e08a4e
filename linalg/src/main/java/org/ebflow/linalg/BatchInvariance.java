package org.ebflow.linalg;

import java.util.Arrays;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.ConcurrentHashMap;
import org.ebflow.linalg.backend.BlasBackend;
import org.ebflow.linalg.backend.PackedOperand;

/**
 * Tests whether products of a shape are batch-invariant, that is, give a row the same bits at every
 * place in a batch. A batch of equal rows of random numbers is multiplied, and its results are
 * compared bit by bit.
 *
 * <p>Threading: thread-safe.
 */
final class BatchInvariance {
  /**
   * How many random numbers there are; they repeat to fill a matrix. A prime, which divides no
   * usual width.
   */
  private static final int NUMBERS = 4093;

  private final Blas blas;
  private final BlasBackend backend;
  private final Map<Product, Boolean> known = new ConcurrentHashMap<>();

  /** How a product is computed: by the weight itself or by a packed form of it. */
  enum Form {
    PLAIN,
    PACKED,
    PACKED_UPPER
  }

  /**
   * A product x·weightᵀ, [count or few,inner]·[inner,columns]: shape, format, stride of the weight,
   * and form in which the weight is read.
   */
  private record Product(
      int few,
      int count,
      int inner,
      int columns,
      int stride,
      Precision precision,
      boolean rounded,
      Form form) {}

  BatchInvariance(Blas blas, BlasBackend backend) {
    this.blas = blas;
    this.backend = backend;
  }

  /** As {@link Blas#isBatchInvariant}, with the weight in that form. */
  boolean holds(int few, int rows, Operand weight, Form form) {
    boolean rounded = weight instanceof BFloat16Matrix;
    Precision precision = weight instanceof Matrix exact ? exact.precision() : Precision.FLOAT32;
    return known.computeIfAbsent(
        new Product(
            few,
            rows,
            weight.columns(),
            weight.rows(),
            form == Form.PLAIN ? weight.stride() : weight.columns(), // a packed form has none
            precision,
            rounded,
            form),
        this::holds);
  }

  private boolean holds(Product product) {
    Matrix x = Matrix.allocate(product.precision, product.count, product.inner);
    Matrix wide = Matrix.allocate(product.precision, product.columns, product.stride);
    // the products of many rows, and behind them those of few
    Matrix y = Matrix.allocate(product.precision, product.count + product.few, product.columns);
    double[] numbers = new SplittableRandom(1).doubles(NUMBERS, -1, 1).toArray();
    repeat(numbers, x, product.inner);
    repeat(numbers, wide, NUMBERS);
    Matrix weight = wide.columns(0, product.inner);
    Operand left = product.rounded ? rounded(x) : x;
    Operand leftFew = product.rounded ? rounded(x.rows(0, product.few)) : x.rows(0, product.few);
    Operand right = product.rounded ? rounded(weight) : weight;
    if (product.form != Form.PLAIN) {
      PackedOperand packed = backend.pack(product.count, product.form == Form.PACKED_UPPER, right);
      if (packed == null) {
        return false;
      }
      try (packed) {
        packed.multiply(left, y.rows(0, product.count), product.count);
        packed.multiply(leftFew, y.rows(product.count, y.rows()), product.few);
      }
    } else {
      blas.multiply(false, left, true, right, 1, 0, y.rows(0, product.count));
      blas.multiply(false, leftFew, true, right, 1, 0, y.rows(product.count, y.rows()));
    }
    // equal to itself one row further: all rows are the first
    int end = product.columns * (y.rows() - 1);
    return product.precision == Precision.FLOAT32
        ? Arrays.equals(y.floats(), 0, end, y.floats(), product.columns, product.columns + end)
        : Arrays.equals(y.doubles(), 0, end, y.doubles(), product.columns, product.columns + end);
  }

  /**
   * Fills a matrix of its own array with the numbers, from the first again every {@code period}.
   */
  private static void repeat(double[] numbers, Matrix out, int period) {
    int first = Math.min(period, out.size());
    for (int i = 0; i < first; i++) {
      double number = numbers[i % numbers.length];
      if (out.precision() == Precision.FLOAT32) {
        out.floats()[i] = (float) number;
      } else {
        out.doubles()[i] = number;
      }
    }
    // whole periods: large matrices are filled before the JIT compiler knows of this loop
    for (int done = first, next; done < out.size(); done += next) {
      next = Math.min(done, out.size() - done);
      System.arraycopy(out.array(), 0, out.array(), done, next);
    }
  }

  private static BFloat16Matrix rounded(Matrix x) {
    BFloat16Matrix result = BFloat16Matrix.allocate(x.rows(), x.columns());
    KernelChoice.reference(Precision.FLOAT32).bfloat16().round(x, result);
    return result;
  }
}
