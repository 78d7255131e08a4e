package org.ebflow.flow.layer;

import java.util.List;
import java.util.Map;
import org.ebflow.flow.pass.Gradients;
import org.ebflow.flow.pass.Jet;
import org.ebflow.flow.pass.LogDet;
import org.ebflow.flow.pass.Parameter;
import org.ebflow.flow.pass.Parameters;
import org.ebflow.flow.pass.Workspace;
import org.ebflow.linalg.Blas;
import org.ebflow.linalg.Matrix;
import org.ebflow.linalg.Precision;
import org.ebflow.linalg.RowKernels;
import org.jspecify.annotations.Nullable;

/**
 * Activation normalisation, y = (x - t)·e^(-s) per column, or per channel of an image.
 *
 * <p>Source: Kingma and Dhariwal 2018, section 3.1; jets: docs/derivations/actnorm.md.
 *
 * <p>Shapes (row-major): x, y [batch,D] per order; t, s [1,C], with C the channels of an image of P
 * pixels, D = P·C; columns are the channels of one pixel. log|det ∂y/∂x| = -P·Σ s nats, the same
 * for every x: part of log Z.
 *
 * <p>Start: t is the mean and s the log of the standard deviation (unbiased, plus 1e-8) of each
 * channel, over all pixels of the first rows; before that the identity. A channel that is constant
 * in those rows, up to rounding, gets s = 0: its deviation says nothing about other rows.
 *
 * <p>Domain and inverse: all reals, x = y·e^s + t. Cost: 2·D FLOP per row and order; keeps
 * [batch,D] per order. Threading: immutable.
 */
public final class ActNorm implements ConstantJacobian {
  static final String TYPE = "actnorm";
  private static final int SCALE = 0;
  private static final int PRODUCTS = 1;
  private static final int COTANGENT = 2;
  private static final int CHANNEL_SCALE = 3;
  private static final int TRANSLATION = 4;
  private static final double SMALLEST_DEVIATION = 1e-8;

  private static final String PER = "per";
  private static final String CHANNEL = "channel";

  private final Parameter translation;
  private final Parameter logScale;
  private final int pixels;

  /** Of columns. The identity until a batch initialises it. */
  public ActNorm(int dimension) {
    this(Shape.plain(dimension));
  }

  /** Of the channels of images. The identity until a batch initialises it. */
  public ActNorm(Shape image) {
    translation = new Parameter("translation", 1, image.channels(), Initializers.constant(0));
    logScale = new Parameter("log_scale", 1, image.channels(), Initializers.constant(0));
    pixels = image.pixels();
  }

  static ActNorm of(Description description, Shape input) {
    if (!description.has(PER)) {
      return new ActNorm(input.size());
    }
    if (!description.text(PER).equals(CHANNEL)) {
      throw new IllegalArgumentException(
          PER + " is " + description.text(PER) + ", expected " + CHANNEL);
    }
    return new ActNorm(input);
  }

  @Override
  public Map<String, Object> description() {
    return pixels == 1 ? Description.of(TYPE) : Description.of(TYPE, PER, CHANNEL);
  }

  @Override
  public List<Parameter> parameters() {
    return List.of(translation, logScale);
  }

  @Override
  public int dimension() {
    return pixels * translation.columns();
  }

  /** Images of other channels are refused. */
  @Override
  public Shape outputShape(Shape input) {
    if (pixels > 1 && input.channels() != translation.columns()) {
      throw new IllegalArgumentException(
          this + ": rows are " + input + ", expected " + translation.columns() + " channels");
    }
    return ConstantJacobian.super.outputShape(input);
  }

  @Override
  public double logAbsDeterminant(Parameters parameters, Blas blas) {
    Matrix s = parameters.of(logScale);
    double sum = 0;
    for (int c = 0; c < s.columns(); c++) {
      sum -= s.get(0, c);
    }
    return pixels * sum;
  }

  @Override
  public double addLogDetGradient(
      double factor, Parameters parameters, Blas blas, Gradients gradients) {
    Matrix sBar = gradients.of(logScale);
    for (int c = 0; c < sBar.columns(); c++) {
      sBar.set(0, c, sBar.get(0, c) - factor * pixels);
    }
    return logAbsDeterminant(parameters, blas);
  }

  @Override
  public void initialize(Jet x, Jet y, LogDet logDet, Workspace kept) {
    setFrom(x.byPixel(pixels).stream(0), kept.parameters());
    forward(x, y, logDet, kept, 0, 0);
  }

  private void setFrom(Matrix x, Parameters parameters) {
    for (int c = 0; c < x.columns(); c++) {
      double mean = 0;
      for (int r = 0; r < x.rows(); r++) {
        mean += x.get(r, c) / x.rows();
      }
      double squares = 0;
      double largest = 0;
      for (int r = 0; r < x.rows(); r++) {
        squares += (x.get(r, c) - mean) * (x.get(r, c) - mean);
        largest = Math.max(largest, Math.abs(x.get(r, c)));
      }
      double deviation = Math.sqrt(squares / Math.max(1, x.rows() - 1));
      parameters.of(translation).set(0, c, mean);
      boolean constant = deviation <= rounding(x) * largest;
      parameters
          .of(logScale)
          .set(0, c, constant ? 0 : StrictMath.log(deviation + SMALLEST_DEVIATION));
    }
  }

  /** What rounding of the values and of their mean does to a deviation, relative to the largest. */
  private static double rounding(Matrix x) {
    double unit = x.precision() == Precision.FLOAT32 ? 0x1p-24 : 0x1p-53;
    return 4 * unit + x.rows() * 0x1p-53;
  }

  @Override
  public void forward(Jet x, Jet y, LogDet logDet, Workspace kept, int fromOrder, int toOrder) {
    RowKernels kernels = kept.kernels().rows();
    Matrix scale = kept.row(SCALE, x.width());
    for (int k = fromOrder; k <= toOrder; k++) {
      if (k == 0) {
        kernels.subtractFromRows(x.stream(0), translation(kept), y.stream(0));
        writeScale(kept, scale);
        kernels.scaleColumns(y.stream(0), scale, y.stream(0)); // y_0 = (x_0 - t) e^(-s)
      } else {
        kernels.scaleColumns(x.stream(k), scale, y.stream(k)); // y_k = x_k e^(-s)
      }
    }
    kept.keep(y);
  }

  @Override
  public void backward(
      Jet yBar,
      LogDet logDetBar,
      Workspace kept,
      Jet xBar,
      int toOrder,
      @Nullable Gradients gradients) {
    RowKernels kernels = kept.kernels().rows();
    Matrix scale = kept.row(SCALE, yBar.width());
    for (int k = 0; k <= toOrder; k++) {
      kernels.scaleColumns(
          yBar.stream(k), scale, xBar.stream(k)); // y_k = x_k e^(-s)   x̄_k = ȳ_k e^(-s)
    }
    if (gradients != null) {
      Jet first = kept.jet(COTANGENT, yBar.width(), 0);
      kernels.scaleColumns(yBar.stream(0), scale, first.stream(0));
      gradients.addColumnSums(translation, -1, first.byPixel(pixels), 0); // t̄ = -Σ ȳ_0 e^(-s)
      Jet products = kept.jet(PRODUCTS, yBar.width());
      for (int k = 0; k <= yBar.order(); k++) {
        kernels.product(yBar.stream(k), kept.jet().stream(k), products.stream(k));
        gradients.addColumnSums(logScale, -1, products.byPixel(pixels), k); // s̄ = -Σ_k Σ ȳ_k y_k
      }
    }
  }

  @Override
  public void inverse(Matrix y, Matrix x, Workspace kept) {
    RowKernels kernels = kept.kernels().rows();
    Matrix scale = kept.row(SCALE, y.columns());
    writeScale(kept, scale);
    kernels.divideColumns(y, scale, x);
    kernels.addToRows(x, translation(kept)); // x = y e^s + t
  }

  /** Overwrites a row [1,D] of this worker's own with e^(-s) of every column. */
  private void writeScale(Workspace kept, Matrix scale) {
    Matrix ofChannels = pixels == 1 ? scale : kept.row(CHANNEL_SCALE, logScale.columns());
    kept.kernels().rows().expNegative(kept.value(logScale), ofChannels);
    if (pixels > 1) {
      kept.kernels().rows().repeatColumns(ofChannels, scale);
    }
  }

  /** t of every column, [1,D]. */
  private Matrix translation(Workspace kept) {
    if (pixels == 1) {
      return kept.value(translation);
    }
    Matrix ofColumns = kept.row(TRANSLATION, dimension());
    kept.kernels().rows().repeatColumns(kept.value(translation), ofColumns);
    return ofColumns;
  }

  @Override
  public String toString() {
    return pixels == 1
        ? "ActNorm(" + translation.columns() + ")"
        : "ActNorm(" + translation.columns() + " channels of " + pixels + " pixels)";
  }
}
