package org.ebflow.flow.layer;

import java.util.Arrays;
import java.util.Map;
import org.ebflow.flow.pass.Gradients;
import org.ebflow.flow.pass.Jet;
import org.ebflow.flow.pass.LogDet;
import org.ebflow.flow.pass.Parameters;
import org.ebflow.flow.pass.Workspace;
import org.ebflow.linalg.Blas;
import org.ebflow.linalg.Matrix;
import org.ebflow.linalg.RowKernels;
import org.jspecify.annotations.Nullable;

/**
 * Fixed scale and shift per column, y = scale·x + shift: standardisation, scaling of pixels.
 *
 * <p>Shapes (row-major): x, y [batch,D] per order. log|det ∂y/∂x| = Σ log|scale| nats, the same for
 * every x: part of log Z.
 *
 * <p>Domain and inverse: all reals; no scale may be zero. Cost: 2·D FLOP per row. Threading:
 * immutable.
 */
public final class FixedAffine implements ConstantJacobian {
  static final String TYPE = "fixed_affine";
  private static final int SCALE = 0;
  private static final int SHIFT = 1;

  private final double[] scale;
  private final double[] shift;

  /** One scale and one shift per column. */
  public FixedAffine(double[] scale, double[] shift) {
    if (scale.length != shift.length) {
      throw new IllegalArgumentException(
          "FixedAffine: " + scale.length + " scales and " + shift.length + " shifts");
    }
    for (int c = 0; c < scale.length; c++) {
      if (scale[c] == 0 || !Double.isFinite(scale[c]) || !Double.isFinite(shift[c])) {
        throw new IllegalArgumentException(
            "FixedAffine: column " + c + " has scale " + scale[c] + " and shift " + shift[c]);
      }
    }
    this.scale = scale.clone();
    this.shift = shift.clone();
  }

  /** The same scale and shift for every column. */
  public static FixedAffine uniform(int dimension, double scale, double shift) {
    double[] scales = new double[dimension];
    double[] shifts = new double[dimension];
    Arrays.fill(scales, scale);
    Arrays.fill(shifts, shift);
    return new FixedAffine(scales, shifts);
  }

  static FixedAffine of(Description description, Shape input) {
    return new FixedAffine(description.numbers("scale"), description.numbers("shift"));
  }

  @Override
  public Map<String, Object> description() {
    return Description.of(
        TYPE,
        "scale",
        Arrays.stream(scale).boxed().toList(),
        "shift",
        Arrays.stream(shift).boxed().toList());
  }

  @Override
  public int dimension() {
    return scale.length;
  }

  @Override
  public double logAbsDeterminant(Parameters parameters, Blas blas) {
    return logAbsDeterminant();
  }

  /** A copy of the scales. */
  public double[] scale() {
    return scale.clone();
  }

  /** A copy of the shifts. */
  public double[] shift() {
    return shift.clone();
  }

  /** Σ log|scale| in nats. */
  public double logAbsDeterminant() {
    double sum = 0;
    for (double factor : scale) {
      sum += StrictMath.log(Math.abs(factor));
    }
    return sum;
  }

  @Override
  public void forward(Jet x, Jet y, LogDet logDet, Workspace kept, int fromOrder, int toOrder) {
    RowKernels kernels = kept.kernels().rows();
    Matrix factor = kept.constant(SCALE, scale);
    for (int k = fromOrder; k <= toOrder; k++) {
      if (k == 0) {
        kernels.scaleShiftColumns(x.stream(0), factor, kept.constant(SHIFT, shift), y.stream(0));
      } else {
        kernels.scaleColumns(x.stream(k), factor, y.stream(k));
      }
    }
  }

  @Override
  public void backward(
      Jet yBar,
      LogDet logDetBar,
      Workspace kept,
      Jet xBar,
      int toOrder,
      @Nullable Gradients gradients) {
    for (int k = 0; k <= toOrder; k++) {
      kept.kernels()
          .rows()
          .scaleColumns(yBar.stream(k), kept.constant(SCALE, scale), xBar.stream(k));
    }
  }

  @Override
  public void inverse(Matrix y, Matrix x, Workspace kept) {
    RowKernels kernels = kept.kernels().rows();
    kernels.subtractFromRows(y, kept.constant(SHIFT, shift), x);
    kernels.divideColumns(x, kept.constant(SCALE, scale), x);
  }

  @Override
  public String toString() {
    return "FixedAffine(" + scale.length + ")";
  }
}
