package org.ebflow.flow.layer;

import org.ebflow.flow.pass.Parameter;
import org.ebflow.flow.pass.Parameter.Initializer;
import org.ebflow.linalg.Matrix;

/** Initial values of weights, as the published recipes set them. */
public final class Initializers {
  private Initializers() {}

  /** Every element the same. */
  public static Initializer constant(double value) {
    return (values, draws) -> values.fill(value);
  }

  /** Those of a matrix, copied. */
  public static Initializer values(Matrix matrix) {
    Matrix copy = matrix.copy(matrix.precision());
    return (values, draws) -> values.copyFrom(copy);
  }

  /** {@code factor}·I. */
  public static Initializer scaledIdentity(double factor) {
    return (values, draws) -> {
      for (int i = 0; i < values.rows(); i++) {
        values.set(i, i, factor);
      }
    };
  }

  /**
   * A rotation of columns: element i of the product is element (i + {@code by}) mod n of the
   * factor.
   *
   * @param by at least 0
   */
  public static Initializer rotation(int by) {
    return (values, draws) -> {
      for (int i = 0; i < values.rows(); i++) {
        values.set(i, (i + by) % values.columns(), 1);
      }
    };
  }

  /** A stack of identities [columns,columns]. */
  public static Initializer identities() {
    return (values, draws) -> {
      for (int r = 0; r < values.rows(); r++) {
        values.set(r, r % values.columns(), 1);
      }
    };
  }

  /**
   * {@code factor}·(Dirac delta) of a convolution [C,k²·C], k odd: channel o sees itself at its own
   * pixel alone.
   */
  public static Initializer diracDelta(double factor) {
    return (values, draws) -> {
      int channels = values.rows();
      int middle = values.columns() / channels / 2;
      for (int o = 0; o < channels; o++) {
        values.set(o, middle * channels + o, factor);
      }
    };
  }

  /** Normal with mean zero. */
  public static Initializer gaussian(double deviation) {
    return (values, draws) -> {
      draws.gaussian(values);
      double[] array = values.doubles();
      for (int i = 0; i < array.length; i++) {
        array[i] *= deviation;
      }
    };
  }

  /** Uniform on ±1/√fanIn. */
  public static Initializer uniformByFanIn(int fanIn) {
    return (values, draws) -> {
      draws.uniform(values);
      double[] array = values.doubles();
      double bound = 1 / Math.sqrt(fanIn);
      for (int i = 0; i < array.length; i++) {
        array[i] = bound * (2 * array[i] - 1);
      }
    };
  }

  /** Another block's initial values, transposed. */
  public static Initializer transposed(Parameter of) {
    return (values, draws) -> {
      Matrix other = draws.valuesOf(of);
      for (int r = 0; r < values.rows(); r++) {
        for (int c = 0; c < values.columns(); c++) {
          values.set(r, c, other.get(c, r));
        }
      }
    };
  }

  /** Column r is the Euclidean norm of row r of another block's initial values. */
  public static Initializer rowNorms(Parameter of) {
    return (values, draws) -> {
      Matrix rows = draws.valuesOf(of);
      for (int r = 0; r < rows.rows(); r++) {
        values.set(0, r, Math.sqrt(dot(rows, r, r)));
      }
    };
  }

  /**
   * A random orthogonal matrix: Gaussian rows made orthonormal by Gram and Schmidt, twice for full
   * precision.
   */
  public static Initializer orthogonal() {
    return (values, draws) -> {
      draws.gaussian(values);
      for (int r = 0; r < values.rows(); r++) {
        for (int sweep = 0; sweep < 2; sweep++) {
          for (int before = 0; before < r; before++) {
            addRow(values, r, -dot(values, r, before), before);
          }
        }
        double norm = Math.sqrt(dot(values, r, r));
        for (int c = 0; c < values.columns(); c++) {
          values.set(r, c, values.get(r, c) / norm);
        }
      }
    };
  }

  private static double dot(Matrix m, int r, int other) {
    double sum = 0;
    for (int c = 0; c < m.columns(); c++) {
      sum += m.get(r, c) * m.get(other, c);
    }
    return sum;
  }

  private static void addRow(Matrix m, int r, double factor, int other) {
    for (int c = 0; c < m.columns(); c++) {
      m.set(r, c, m.get(r, c) + factor * m.get(other, c));
    }
  }
}
