package org.ebflow.training.objective;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.ebflow.flow.Flow;
import org.ebflow.flow.layer.Dense;
import org.ebflow.flow.model.Init;
import org.ebflow.flow.model.LinearConfig;
import org.ebflow.flow.pass.Compute;
import org.ebflow.flow.pass.Parameters;
import org.ebflow.linalg.Blas;
import org.ebflow.linalg.Matrix;
import org.ebflow.linalg.Precision;
import org.ebflow.linalg.Team;
import org.ejml.data.DMatrixRMaj;
import org.ejml.dense.row.CommonOps_DDRM;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/** The relative gradient and self-normalising layers against maximum likelihood. */
class RivalsTest {
  private static final int BATCH = 5;
  private static final double PENALTY = .7;

  /** Flows whose dense layers have those names; the others follow ml. */
  private static final Map<String, List<String>> DENSE =
      Map.of(
          "fc", List.of("0.weight", "2.weight"),
          "spline", List.of("0.weight", "2.weight"),
          "sinh", List.of("0.weight", "2.weight"),
          "coupling, every transform", List.of("1.weight", "3.weight", "5.weight"),
          "linear LU, dense at the end", List.of("1.weight"),
          "convolutions, spectral normalisation", List.of("5.weight"));

  static Stream<Arguments> cases() {
    return DENSE.keySet().stream()
        .sorted()
        .flatMap(
            name ->
                Stream.of(Precision.values())
                    .flatMap(
                        precision ->
                            Stream.of(1, 3)
                                .map(workers -> Arguments.of(name, precision, workers))));
  }

  private static ObjectiveRun run(Flow flow, Objective objective, Matrix data, int workers) {
    return new ObjectiveRun(flow, objective, data, "openblas", workers);
  }

  private static DMatrixRMaj ejml(Matrix matrix) {
    return new DMatrixRMaj(matrix.toRows());
  }

  private static DMatrixRMaj product(
      boolean transposeA, DMatrixRMaj a, boolean transposeB, DMatrixRMaj b) {
    DMatrixRMaj left = transposeA ? CommonOps_DDRM.transpose(a, null) : a;
    DMatrixRMaj right = transposeB ? CommonOps_DDRM.transpose(b, null) : b;
    return CommonOps_DDRM.mult(left, right, null);
  }

  private static void assertClose(
      String name, Matrix found, DMatrixRMaj expected, double tolerance) {
    double scale = Math.max(1e-3, CommonOps_DDRM.elementMaxAbs(expected));
    for (int r = 0; r < found.rows(); r++) {
      for (int c = 0; c < found.columns(); c++) {
        assertThat(found.get(r, c))
            .as("%s (%d,%d)", name, r, c)
            .isCloseTo(expected.get(r, c), within(tolerance * scale));
      }
    }
  }

  private static double tolerance(Precision precision) {
    return precision == Precision.FLOAT64 ? 1e-10 : 1e-3;
  }

  @ParameterizedTest
  @MethodSource("cases")
  void relativeGradientIsThatOfMlTimesTheWeightsSquare(
      String name, Precision precision, int workers) {
    Flow flow = FlowsUnderTest.named(name).copy(precision);
    Matrix data = FlowsUnderTest.data(flow, BATCH);
    try (ObjectiveRun ml = run(flow, new MaximumLikelihood(), data, 1);
        ObjectiveRun rg = run(flow, new RelativeGradient(), data, workers)) {
      double likelihood = ml.meanLossWithGradient();
      double energy = rg.meanLossWithGradient();
      assertThat(likelihood - energy)
          .isCloseTo(flow.logZ(Blas.named("openblas")), within(tolerance(precision) * 10));
      assertThat(rg.meanLoss()).isEqualTo(energy);
      Map<String, Matrix> gradients = rg.gradient().byName();
      ml.gradient()
          .byName()
          .forEach(
              (block, gradient) -> {
                DMatrixRMaj expected = ejml(gradient);
                if (DENSE.get(name).contains(block)) {
                  DMatrixRMaj weight = ejml(flow.parameters().byName().get(block));
                  expected = product(false, expected, false, product(true, weight, false, weight));
                }
                assertClose(block, gradients.get(block), expected, tolerance(precision));
              });
    }
  }

  /** With R = W⁻¹ the reconstruction is exact, and each half is a gradient of the likelihood. */
  @ParameterizedTest
  @MethodSource("cases")
  void selfNormalisingLayersFollowMlWhereTheInverseIsExact(
      String name, Precision precision, int workers) {
    Flow flow = FlowsUnderTest.named(name).copy(precision);
    Matrix data = FlowsUnderTest.data(flow, BATCH);
    try (ObjectiveRun ml = run(flow, new MaximumLikelihood(), data, 1);
        ObjectiveRun snf = run(flow, new SelfNormalizing(PENALTY), data, workers)) {
      ml.meanLossWithGradient();
      Parameters weights = snf.weights();
      for (int i = 0; i < DENSE.get(name).size(); i++) {
        DMatrixRMaj inverse = ejml(weights.byName().get(DENSE.get(name).get(i)));
        assertThat(CommonOps_DDRM.invert(inverse)).isTrue();
        copy(inverse, weights.byName().get("objective.inverse" + i));
      }
      snf.meanLossWithGradient();
      Map<String, Matrix> gradients = snf.gradient().byName();
      ml.gradient()
          .byName()
          .forEach(
              (block, gradient) -> {
                DMatrixRMaj expected = ejml(gradient);
                int dense = DENSE.get(name).indexOf(block);
                if (dense >= 0) { // R = W⁻¹: the likelihood's gradient in R is -Wᵀ G Wᵀ
                  DMatrixRMaj weight = ejml(weights.byName().get(block));
                  DMatrixRMaj other =
                      product(false, product(true, weight, false, expected), true, weight);
                  CommonOps_DDRM.scale(-.5, other);
                  assertClose(
                      "R of " + block,
                      gradients.get("objective.inverse" + dense),
                      other,
                      tolerance(precision));
                  CommonOps_DDRM.scale(.5, expected);
                }
                assertClose(block, gradients.get(block), expected, tolerance(precision));
              });
    }
  }

  private static void copy(DMatrixRMaj from, Matrix to) {
    for (int r = 0; r < to.rows(); r++) {
      for (int c = 0; c < to.columns(); c++) {
        to.set(r, c, from.get(r, c));
      }
    }
  }

  /** R starts as Wᵀ, the inverse of a weight that starts orthogonal; -I and I are their own. */
  @ParameterizedTest
  @EnumSource(Precision.class)
  void inversesStartAsTheTransposedWeights(Precision precision) {
    Dense first =
        new Dense(
            3,
            (values, draws) -> draws.gaussian(values),
            (values, draws) -> draws.gaussian(values));
    Flow flow =
        new SelfNormalizing(1)
            .withParameters(
                Flow.of(3)
                    .seed(7)
                    .precision(precision)
                    .layer(first)
                    .smoothLeakyRelu(.3)
                    .dense()
                    .build(),
                7);
    Map<String, Matrix> blocks = flow.parameters().byName();
    for (int i = 0; i < 2; i++) {
      DMatrixRMaj weight = ejml(blocks.get(i == 0 ? "0.weight" : "2.weight"));
      assertThat(blocks.get("objective.inverse" + i).toRows())
          .isDeepEqualTo(ejmlRows(CommonOps_DDRM.transpose(weight, null)));
    }
    double[][] drawn = blocks.get("0.weight").toRows();
    assertThat(drawn[0][1]).isNotEqualTo(drawn[1][0]);
  }

  private static double[][] ejmlRows(DMatrixRMaj matrix) {
    double[][] rows = new double[matrix.numRows][matrix.numCols];
    for (int r = 0; r < rows.length; r++) {
      for (int c = 0; c < rows[r].length; c++) {
        rows[r][c] = matrix.get(r, c);
      }
    }
    return rows;
  }

  /** What the penalty adds to the gradients, for inputs of the layers that are held constant. */
  @ParameterizedTest
  @MethodSource("cases")
  void penaltyAddsItsGradient(String name, Precision precision, int workers) {
    Flow flow = FlowsUnderTest.named(name).copy(precision);
    Matrix data = FlowsUnderTest.data(flow, BATCH);
    try (ObjectiveRun without = run(flow, new SelfNormalizing(0), data, 1);
        ObjectiveRun with = run(flow, new SelfNormalizing(PENALTY), data, workers)) {
      without.meanLossWithGradient();
      with.meanLossWithGradient();
      Parameters weights = with.weights();
      for (int i = 0; i < DENSE.get(name).size(); i++) {
        String block = DENSE.get(name).get(i);
        String inverse = "objective.inverse" + i;
        int layer = Integer.parseInt(block.substring(0, block.indexOf('.')));
        Matrix x =
            layer == 0
                ? data
                : flow.part(0, layer).forward(data.copy(precision), Blas.named("openblas"));
        Matrix w = weights.byName().get(block).copy(Precision.FLOAT64);
        Matrix r = weights.byName().get(inverse).copy(Precision.FLOAT64);
        DMatrixRMaj expected = differences(w, w, r, x);
        assertThat(CommonOps_DDRM.elementMaxAbs(expected)).isGreaterThan(1e-3);
        assertAdded(block, with, without, expected, precision);
        assertAdded(inverse, with, without, differences(r, w, r, x), precision);
      }
    }
  }

  private static void assertAdded(
      String block,
      ObjectiveRun with,
      ObjectiveRun without,
      DMatrixRMaj expected,
      Precision precision) {
    DMatrixRMaj sum = ejml(without.gradient().byName().get(block));
    CommonOps_DDRM.addEquals(sum, expected);
    double tolerance = precision == Precision.FLOAT64 ? 1e-7 : 1e-3;
    assertClose(block, with.gradient().byName().get(block), sum, tolerance);
  }

  /** Derivatives of the penalty in one of the two matrices; it is quadratic in each. */
  private static DMatrixRMaj differences(Matrix in, Matrix w, Matrix r, Matrix x) {
    DMatrixRMaj result = new DMatrixRMaj(in.rows(), in.columns());
    double step = 1e-3;
    for (int i = 0; i < in.rows(); i++) {
      for (int j = 0; j < in.columns(); j++) {
        double at = in.get(i, j);
        in.set(i, j, at + step);
        double above = penalty(w, r, x);
        in.set(i, j, at - step);
        double below = penalty(w, r, x);
        in.set(i, j, at);
        result.set(i, j, (above - below) / (2 * step));
      }
    }
    return result;
  }

  private static double penalty(Matrix w, Matrix r, Matrix x) {
    DMatrixRMaj error = product(false, product(false, ejml(r), false, ejml(w)), true, ejml(x));
    CommonOps_DDRM.subtractEquals(error, CommonOps_DDRM.transpose(ejml(x), null));
    double sum = 0;
    for (double e : error.data) {
      sum += e * e;
    }
    return PENALTY * sum / x.rows();
  }

  @Test
  void aModelWithoutDenseLayersIsRefused() {
    Flow flow =
        new LinearConfig(1, LinearConfig.Weights.LU, .3, Init.IDENTITY)
            .build(3, Precision.FLOAT64, 1);
    try (Team team = new Team(1)) {
      Compute compute = Compute.of(Precision.FLOAT64, Blas.named("openblas"));
      for (Objective objective : List.of(new RelativeGradient(), new SelfNormalizing(1))) {
        assertThatThrownBy(() -> objective.forTeam(flow, compute, team, 4))
            .isInstanceOf(IllegalArgumentException.class)
            .hasMessageContaining("loss " + objective.name() + ": the model has no dense layer");
      }
    }
    assertThatThrownBy(() -> new SelfNormalizing(-1))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("penalty is -1.0");
  }
}
