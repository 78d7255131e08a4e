package org.ebflow.flow;

import static org.ebflow.flow.Numbers.assertClose;
import static org.ebflow.flow.Numbers.flat;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.ebflow.flow.layer.ActNorm;
import org.ebflow.flow.layer.ConstantJacobian;
import org.ebflow.flow.layer.Dense;
import org.ebflow.flow.layer.Layer;
import org.ebflow.flow.layer.Sequence;
import org.ebflow.flow.layer.SmoothLeakyRelu;
import org.ebflow.flow.layer.Triangular;
import org.ebflow.flow.model.Init;
import org.ebflow.flow.model.LinearConfig;
import org.ebflow.flow.pass.Parameter;
import org.ebflow.golden.GoldenCase;
import org.ebflow.linalg.Blas;
import org.ebflow.linalg.Matrix;
import org.ebflow.linalg.Precision;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * The ten-dimensional nets of linear layers against reference values. The reference has a Laplace
 * base, so that the layers run one by one here; it multiplies rows, y = x M, by M = Wᵀ.
 */
class LinearGoldenTest {
  private static final int D = 10;
  private static final double VALUE = 1e-9;

  /** The reference adds 1e-8 to the activation's derivative, which is .3 or more. */
  private static final double GRADIENT = 1e-7;

  private static final double SLOPE_FLOOR = 1e-8;
  private static final double SCALE_FLOOR = 1e-6;
  private static final Blas BLAS = Blas.named("openblas");

  /** Which folder has which weights. */
  enum Case {
    FULL("toy_linear10_full", LinearConfig.Weights.FULL),
    FACTORED("toy_linear10_trilu", LinearConfig.Weights.LU);

    final String folder;
    final LinearConfig.Weights weights;

    Case(String folder, LinearConfig.Weights weights) {
      this.folder = folder;
      this.weights = weights;
    }
  }

  private static Matrix transposed(double[] m) {
    Matrix result = Matrix.allocate(Precision.FLOAT64, D, D);
    for (int i = 0; i < m.length; i++) {
      result.set(i % D, i / D, m[i]);
    }
    return result;
  }

  /** The layers, those of a sequence one by one, as the reference numbers them. */
  private static List<Layer> flattened(Flow flow) {
    List<Layer> result = new ArrayList<>();
    for (Layer layer : flow.layers()) {
      result.addAll(layer instanceof Sequence parts ? parts.layers() : List.of(layer));
    }
    return result;
  }

  private static void read(GoldenCase golden, Flow flow, Layer layer, int number) {
    String name = "param.layers." + number + ".";
    for (Parameter block : layer.parameters()) {
      Matrix values = flow.parameters().of(block);
      switch (block.name()) {
        case "weight" -> values.copyFrom(transposed(golden.values(name + "weights")));
        case "translation" ->
            values.copyFrom(row(golden.values(name + "loc"), -1));
        case "log_scale" -> {
          double[] scale = golden.values(name + "scale");
          values.copyFrom(row(Arrays.stream(scale).map(Math::log).toArray(), -1));
        }
        default -> values.fill(0); // the reference has no bias
      }
    }
  }

  private static Matrix row(double[] values, double factor) {
    return Matrix.of(Arrays.stream(values).map(v -> factor * v).toArray(), 1, D);
  }

  /** By y = scale·(x + loc) there, (x - translation)·e^(-log_scale) here. */
  private static double[] expectedGradient(
      GoldenCase golden, Parameter block, int number, double[] scale) {
    String name = "grad_ml.layers." + number + ".";
    return switch (block.name()) {
      case "weight" -> flat(transposed(golden.values(name + "weights")));
      case "translation" -> flat(row(golden.values(name + "loc"), -1));
      default -> {
        double[] values = golden.values(name + "scale");
        Arrays.setAll(values, i -> -scale[i] * values[i]);
        yield values;
      }
    };
  }

  @ParameterizedTest
  @EnumSource(Case.class)
  void likelihoodLatentsAndGradientsMatchTheReference(Case which) {
    GoldenCase golden = GoldenCase.open(which.folder);
    Flow flow =
        new LinearConfig(2, which.weights, .3, Init.PUBLISHED).build(D, Precision.FLOAT64, 1);
    List<Layer> layers = flattened(flow);
    for (int i = 0; i < layers.size(); i++) {
      read(golden, flow, layers.get(i), i);
    }
    flow.parameters().changed();
    Matrix x = golden.matrix("x");
    int batch = x.rows();
    List<LayerRun> runs = new ArrayList<>();
    double[] logProb = new double[batch];
    Matrix y = x;
    for (int i = 0; i < layers.size(); i++) {
      Layer layer = layers.get(i);
      LayerRun run =
          new LayerRun(layer, flow.parameters(), Precision.FLOAT64, y, batch, "openblas", 1);
      runs.add(run.forward());
      double[] logDet = logDet(run, y);
      Arrays.setAll(logProb, r -> logProb[r] + logDet[r]);
      y = run.y;
    }
    assertClose(flat(y), golden.values("z"), VALUE);
    assertClose(flat(flow.forward(x, BLAS)), golden.values("z"), VALUE);
    Matrix back = flow.inverse(golden.matrix("z"), BLAS); // some triangles are ill conditioned
    assertClose(flat(flow.forward(back, BLAS)), golden.values("z"), 1e-7);
    Matrix yBar = y.copy(Precision.FLOAT64);
    for (int r = 0; r < batch; r++) {
      for (int c = 0; c < D; c++) {
        logProb[r] -= Math.abs(y.get(r, c)) + Math.log(2);
        yBar.set(r, c, Math.signum(y.get(r, c)) / batch);
      }
    }
    assertClose(logProb, golden.values("logp_laplace"), VALUE);
    Matrix logDetBar = Matrix.allocate(Precision.FLOAT64, 1, batch);
    logDetBar.fill(-1.0 / batch);
    for (int i = layers.size() - 1; i >= 0; i--) {
      LayerRun run = runs.get(i).backward(yBar, logDetBar, 0, true, 1);
      yBar = run.xBar.copy(Precision.FLOAT64);
      if (run.layer instanceof ConstantJacobian linear) {
        assertGradients(golden, linear, run, i);
      }
      run.close();
    }
  }

  private static double[] logDet(LayerRun run, Matrix x) {
    double[] result = run.logDet().toRows()[0];
    if (run.layer instanceof SmoothLeakyRelu) {
      Arrays.setAll(
          result,
          r ->
              Arrays.stream(x.toRows()[r])
                  .map(v -> Math.log(.3 + .7 / (1 + Math.exp(-v)) + SLOPE_FLOOR))
                  .sum());
    } else if (run.layer instanceof ActNorm) {
      double sum =
          Arrays.stream(scale(run)).map(s -> Math.log(Math.abs(s) + SCALE_FLOOR)).sum();
      Arrays.fill(result, sum);
    } else if (run.layer instanceof ConstantJacobian linear) {
      Arrays.fill(result, linear.logAbsDeterminant(run.parameters, BLAS));
    }
    return result;
  }

  private static double[] scale(LayerRun run) {
    return Arrays.stream(flat(run.parameters.of(run.layer.parameters().get(1))))
        .map(s -> Math.exp(-s))
        .toArray();
  }

  private static void assertGradients(
      GoldenCase golden, ConstantJacobian layer, LayerRun run, int number) {
    layer.addLogDetGradient(-1, run.parameters, BLAS, run.gradients());
    double[] scale = layer instanceof ActNorm ? scale(run) : new double[0];
    for (Parameter block : layer.parameters()) {
      if (block.name().equals("bias")) {
        continue; // the reference has none
      }
      double[] found = flat(run.sums.of(block));
      if (block.name().equals("log_scale")) {
        Arrays.setAll(found, c -> found[c] - SCALE_FLOOR / (scale[c] + SCALE_FLOOR));
      }
      assertClose(found, expectedGradient(golden, block, number, scale), GRADIENT);
    }
    if (layer instanceof Triangular || layer instanceof Dense) {
      assertClose(
          flat(run.parameters.of(layer.parameters().getFirst())),
          flat(masked(golden, layer, number)),
          0);
    }
  }

  /** The weight with the zeros that the reference's mask gives it. */
  private static Matrix masked(GoldenCase golden, Layer layer, int number) {
    Matrix weight = transposed(golden.values("param.layers." + number + ".weights"));
    if (layer instanceof Triangular) {
      boolean lower = number % 4 == 0; // the first of the two
      for (int r = 0; r < D; r++) {
        for (int c = 0; c < D; c++) {
          if (lower ? c > r : c < r) {
            weight.set(r, c, 0);
          }
        }
      }
    }
    return weight;
  }
}
