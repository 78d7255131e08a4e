package org.ebflow.golden;

import org.ebflow.flow.Flow;
import org.ebflow.flow.pass.Parameters;

import java.util.Arrays;
import java.util.stream.IntStream;
import org.ebflow.flow.layer.Activation;
import org.ebflow.flow.layer.Shape;
import org.ebflow.flow.model.ConvolutionalConfig;
import org.ebflow.flow.model.CouplingConfig;
import org.ebflow.flow.model.FullyConnectedConfig;
import org.ebflow.linalg.Matrix;
import org.ebflow.linalg.Precision;

/** The flows of the reference values, in float64, with their published weights. */
public final class GoldenFlows {
  private GoldenFlows() {}

  /** A fully connected flow; {@code 0.weight} is {@code 0.model.weight} in the files. */
  public static Flow fullyConnected(GoldenCase golden) {
    boolean residual = golden.residual();
    Flow flow = new FullyConnectedConfig((int) golden.hyper("num_layers"), golden.hyper("alpha"), residual)
        .build((int) golden.hyper("D"), Precision.FLOAT64, 0);
    read(flow.parameters(), name -> golden.values("param." + fullyConnectedName(name)));
    return flow;
  }

  /** Name in the files of a weight of {@link #fullyConnected}. */
  public static String fullyConnectedName(String name) {
    return name.replace(".", ".model.");
  }

  /** The 2-D coupling flow. */
  public static Flow coupling(GoldenCase golden, String translationActivation) {
    Activation.Kind activation =
        translationActivation.equals("elu") ? Activation.Kind.ELU : Activation.Kind.SWISH;
    // the reference counts the hidden-to-hidden maps
    Flow flow =
        new CouplingConfig((int) golden.hyper("n_blocks"), (int) golden.hyper("hidden"), (int) golden.hyper("n_hidden") + 1, activation)
            .build((int) golden.hyper("input_size"), Precision.FLOAT64, 0);
    read(flow.parameters(), name -> couplingWeight(golden, name));
    return flow;
  }

  private static double[] couplingWeight(GoldenCase golden, String name) {
    double[] values = golden.values("param." + couplingName(name));
    if (name.endsWith(".log_scale")) {
      return Arrays.stream(values).map(scale -> -Math.log(scale)).toArray();
    }
    return isActNormTranslation(name) ? Arrays.stream(values).map(loc -> -loc).toArray() : values;
  }

  /** Gradient of a weight of {@link #coupling} from that of the published parameter: y = scale·(x + loc) there, (x - translation)·e^(-log_scale) here. */
  public static double[] couplingGradient(GoldenCase golden, String loss, String name) {
    double[] values = golden.values("grad_" + loss + "." + couplingName(name));
    if (name.endsWith(".log_scale")) {
      double[] scale = golden.values("param." + couplingName(name));
      Arrays.setAll(values, i -> -scale[i] * values[i]);
    } else if (isActNormTranslation(name)) {
      Arrays.setAll(values, i -> -values[i]);
    }
    return values;
  }

  private static boolean isActNormTranslation(String name) {
    return name.matches("\\d+\\.translation");
  }

  private static String couplingName(String name) {
    if (isActNormTranslation(name)) {
      return "layers." + name.replace("translation", "loc");
    }
    return "layers." + name.replace("log_scale", "scale")
        .replace(".scale.", ".s_net.")
        .replace(".translation.", ".t_net.")
        .replaceFirst("^(\\d+)\\.(weight|bias)$", "$1.linear_layer.$2");
  }

  /**
   * A flow of two blocks of two convolutions. In the files images, kernels and latents are channels first, and a squeezed image has its channels in another order: {@link #channelsLast} and
   * {@link #kernel} bring them here.
   */
  public static Flow convolutional(GoldenCase golden) {
    Flow flow = new ConvolutionalConfig(2, 2, (int) golden.hyper("kernel"), golden.hyper("alpha"), golden.residual())
        .build(dataShape(golden), Precision.FLOAT64, 0);
    read(flow.parameters(), name -> convolutionalValues(golden, "param.", name));
    return flow;
  }

  /** Shape of the rows of {@code x}. */
  public static Shape dataShape(GoldenCase golden) {
    return new Shape(golden.dataShape(0), golden.dataShape(1), golden.dataShape(2));
  }

  /**
   * An array of the files that belongs to a weight of {@link #convolutional}.
   *
   * @param prefix as {@code param.} or {@code grad_ssm.}
   */
  public static double[] convolutionalValues(GoldenCase golden, String prefix, String name) {
    double[] values = golden.values(prefix + name.replace(".", ".model."));
    int channels = golden.dataShape(0);
    boolean squeezed = Integer.parseInt(name.replaceFirst("\\..*", "")) > 4;
    int[] order = squeezed ? squeezedChannels(channels) : identity(channels);
    if (name.endsWith(".bias")) {
      return Arrays.stream(order).mapToDouble(c -> values[c]).toArray();
    }
    int side = (int) golden.hyper("kernel");
    return kernel(values, order, side);
  }

  /** A kernel (out, in, k, k) of the files as [out,k²·in], its channels those of {@code order}. */
  public static double[] kernel(double[] values, int[] order, int side) {
    int channels = order.length;
    int taps = side * side;
    double[] result = new double[values.length];
    for (int i = 0; i < result.length; i++) {
      int out = order[i / (taps * channels)];
      int in = order[i % channels];
      result[i] = values[(out * channels + in) * taps + i / channels % taps];
    }
    return result;
  }

  /** Rows (channel, y, x) of the files as rows (y, x, channel), the channels those of {@code order}. */
  public static Matrix channelsLast(Matrix rows, int[] order) {
    int channels = order.length;
    int pixels = rows.columns() / channels;
    Matrix result = Matrix.allocate(Precision.FLOAT64, rows.rows(), rows.columns());
    for (int r = 0; r < rows.rows(); r++) {
      for (int i = 0; i < rows.columns(); i++) {
        result.set(r, i, rows.get(r, order[i % channels] * pixels + i / channels));
      }
    }
    return result;
  }

  public static int[] identity(int channels) {
    return IntStream.range(0, channels).toArray();
  }

  /** Where channel i of a squeezed image stands in the files: 4·c + 2·dy + dx there, (2·dy + dx)·C + c here. */
  public static int[] squeezedChannels(int channels) {
    return IntStream.range(0, 4 * channels).map(i -> 4 * (i % channels) + i / channels).toArray();
  }

  private interface Weights {
    double[] of(String name);
  }

  private static void read(Parameters parameters, Weights weights) {
    parameters.byName().forEach((name, block) -> block.copyFrom(Matrix.of(weights.of(name), block.rows(), block.columns())));
    parameters.changed();
  }
}
