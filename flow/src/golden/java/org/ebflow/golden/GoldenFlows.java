package org.ebflow.golden;

import org.ebflow.flow.Flow;
import org.ebflow.flow.pass.Parameters;

import java.util.Arrays;
import org.ebflow.flow.layer.Activation;
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

  private interface Weights {
    double[] of(String name);
  }

  private static void read(Parameters parameters, Weights weights) {
    parameters.byName().forEach((name, block) -> block.copyFrom(Matrix.of(weights.of(name), block.rows(), block.columns())));
    parameters.changed();
  }
}
