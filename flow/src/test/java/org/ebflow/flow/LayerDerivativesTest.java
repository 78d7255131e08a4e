package org.ebflow.flow;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.ebflow.flow.Numbers.assertClose;
import static org.ebflow.flow.Numbers.flat;

import java.util.Arrays;
import java.util.List;
import java.util.function.DoubleFunction;
import java.util.function.Supplier;
import java.util.stream.DoubleStream;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.ebflow.flow.LayersUnderTest.Subject;
import org.ebflow.flow.layer.BlockDiagonal;
import org.ebflow.flow.layer.ColumnPermutation;
import org.ebflow.flow.layer.ConstantJacobian;
import org.ebflow.flow.layer.Dense;
import org.ebflow.flow.pass.Parameter;
import org.ebflow.flow.pass.Parameters;
import org.ebflow.linalg.Blas;
import org.ebflow.linalg.Matrix;
import org.ebflow.linalg.Precision;
import org.ejml.data.DMatrixRMaj;
import org.ejml.dense.row.factory.DecompositionFactory_DDRM;
import org.ejml.interfaces.decomposition.LUDecomposition_F64;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Log-determinants, streams and cotangents of every layer of {@link LayersUnderTest} against finite
 * differences of its values, in float64.
 */
class LayerDerivativesTest {
  /** Of a fourth-order difference, relative to the numbers' size. */
  private static final double DIFFERENCE = 1e-7;

  private static final double SECOND_DIFFERENCE = 1e-6;
  private static final double ROUNDING = 1e-12;
  private static final int BATCH = LayerRun.BATCH;
  private static final int TOP = 2;

  static Stream<Subject> layers() {
    return LayersUnderTest.all();
  }

  @ParameterizedTest
  @MethodSource("layers")
  void logDetMatchesDenseJacobian(Subject subject) {
    Matrix x = LayerRun.randomStreams(subject, BATCH, 0);
    try (LayerRun run = LayerRun.alone(subject, x)) {
      double[] reported = run.forward().logDet().toRows()[0];
      int n = subject.dimension();
      DMatrixRMaj[] jacobians = new DMatrixRMaj[BATCH];
      Arrays.setAll(jacobians, _ -> new DMatrixRMaj(n, n));
      for (int c = 0; c < n; c++) {
        double[] derivatives = inColumn(run.x, 0, c, () -> flat(run.forward().y));
        for (int i = 0; i < BATCH * n; i++) {
          jacobians[i / n].set(i % n, c, derivatives[i]);
        }
      }
      for (int r = 0; r < BATCH; r++) {
        double expected = logAbsDeterminant(jacobians[r]);
        if (run.layer.hasConstantJacobian()) {
          assertThat(reported[r]).isZero();
        }
        double constant = logDetOfConstantParts(run);
        assertThat(reported[r] + constant).isCloseTo(expected, within(DIFFERENCE));
      }
    }
  }

  /**
   * Derivatives of numbers in the elements of a column of one order, all rows at once: no row has
   * any in another's.
   */
  private static double[] inColumn(Matrix x, int order, int column, Supplier<double[]> values) {
    double[] at =
        IntStream.range(0, BATCH).mapToDouble(r -> x.get(order * BATCH + r, column)).toArray();
    DoubleFunction<double[]> moved =
        t -> {
          for (int r = 0; r < BATCH; r++) {
            x.set(order * BATCH + r, column, at[r] + t);
          }
          return values.get();
        };
    double[] derivatives = Differences.first(moved);
    moved.apply(0);
    return derivatives;
  }

  private static double logDetOfConstantParts(LayerRun run) {
    return run.layer.constantParts().stream()
        .mapToDouble(part -> part.logAbsDeterminant(run.parameters, Blas.named("openblas")))
        .sum();
  }

  private static double logAbsDeterminant(DMatrixRMaj matrix) {
    LUDecomposition_F64<DMatrixRMaj> lu =
        DecompositionFactory_DDRM.lu(matrix.numRows, matrix.numCols);
    assertThat(lu.decompose(matrix)).isTrue();
    DMatrixRMaj upper = lu.getUpper(null);
    return IntStream.range(0, matrix.numRows)
        .mapToDouble(i -> Math.log(Math.abs(upper.get(i, i))))
        .sum();
  }

  @ParameterizedTest
  @MethodSource("layers")
  void logDetGradientMatchesDifferences(Subject subject) {
    Matrix x = LayerRun.randomStreams(subject, BATCH, 0);
    try (LayerRun run = LayerRun.alone(subject, x)) {
      run.forward();
      assertThat(run.logDetGradient(-3)).isCloseTo(logDetOfConstantParts(run), within(ROUNDING));
      for (Parameter block : trained(run)) {
        assertGradient(
            run,
            block,
            run.parameters.of(block),
            () -> {
              run.parameters.changed();
              return -3 * logDetOfConstantParts(run);
            });
      }
    }
  }

  /** Such a determinant ends the training; its gradient does not exist. */
  @ParameterizedTest
  @EnumSource(Precision.class)
  void aSingularWeightAddsNoLogDetGradient(Precision precision) {
    Dense dense = Dense.identity(2);
    assertThat(logDetGradient(dense, dense.weight(), precision, 1, 2, 2, 4))
        .containsExactly(Double.NEGATIVE_INFINITY, 0, 0, 0, 0);
    // W = diag(2, 4) has W⁻ᵀ = diag(1/2, 1/4)
    BlockDiagonal blocks = new BlockDiagonal(ColumnPermutation.of(0, 1, 2, 3), 2);
    assertThat(logDetGradient(blocks, blocks.weight(), precision, 1, 2, 2, 4, 2, 0, 0, 4))
        .containsExactly(Double.NEGATIVE_INFINITY, 0, 0, 0, 0, -1.5, 0, 0, -0.75);
  }

  /** log|det|, then -3 times its gradient in the weight. */
  private static double[] logDetGradient(
      ConstantJacobian layer, Parameter weight, Precision precision, double... values) {
    Parameters parameters = Parameters.initial(layer.parametersByName(), Precision.FLOAT64, 1);
    parameters.of(weight).copyFrom(Matrix.of(values, weight.rows(), weight.columns()));
    parameters.changed();
    Matrix x = Matrix.allocate(Precision.FLOAT64, BATCH, layer.dimension());
    try (LayerRun run = new LayerRun(layer, parameters, precision, x, BATCH, "openblas", 1)) {
      double logDet = run.forward().logDetGradient(-3);
      return DoubleStream.concat(DoubleStream.of(logDet), Arrays.stream(flat(run.sums.of(weight))))
          .toArray();
    }
  }

  @ParameterizedTest
  @MethodSource("layers")
  void streamsMatchDifferencesAlongTheCurve(Subject subject) {
    Matrix x = LayerRun.randomStreams(subject, BATCH, TOP);
    try (LayerRun run = LayerRun.alone(subject, x);
        LayerRun values = LayerRun.alone(subject, x.rows(0, BATCH))) {
      run.forward();
      DoubleFunction<double[]> value =
          t -> {
            moveAlong(x, t, values.x);
            return flat(values.forward().y);
          };
      assertClose(flat(run.y.rows(0, BATCH)), value.apply(0), 0);
      assertClose(flat(run.y.rows(BATCH, 2 * BATCH)), Differences.first(value), DIFFERENCE);
      assertClose(
          flat(run.y.rows(2 * BATCH, 3 * BATCH)), Differences.second(value), SECOND_DIFFERENCE);
      DoubleFunction<double[]> logDet =
          t -> {
            moveAlong(x, t, values.x);
            return flat(values.forward().logDet());
          };
      assertClose(run.logDet().toRows()[0], logDet.apply(0), 0);
      assertClose(run.logDet().toRows()[1], Differences.first(logDet), DIFFERENCE);
      assertClose(run.logDet().toRows()[2], Differences.second(logDet), SECOND_DIFFERENCE);
    }
  }

  private static void moveAlong(Matrix streams, double t, Matrix x) {
    for (int r = 0; r < BATCH; r++) {
      for (int c = 0; c < x.columns(); c++) {
        x.set(
            r,
            c,
            streams.get(r, c)
                + t * streams.get(BATCH + r, c)
                + t * t / 2 * streams.get(2 * BATCH + r, c));
      }
    }
  }

  @ParameterizedTest
  @MethodSource("org.ebflow.flow.LayersUnderTest#withOrders")
  void cotangentsMatchDifferences(Subject subject, int passOrder, int cotangentOrder) {
    Matrix x = LayerRun.randomStreams(subject, BATCH, passOrder);
    Matrix yBar = LayerRun.random(subject.dimension(), (cotangentOrder + 1) * BATCH, 104);
    Matrix logDetBar = LayerRun.random(BATCH, cotangentOrder + 1, 105);
    try (LayerRun run = LayerRun.alone(subject, x);
        LayerRun values = LayerRun.alone(subject, x)) {
      run.forward().backward(yBar, logDetBar, cotangentOrder, true, 1);
      Matrix expected = Matrix.allocate(Precision.FLOAT64, yBar.rows(), yBar.columns());
      for (int order = 0; order <= cotangentOrder; order++) {
        for (int c = 0; c < yBar.columns(); c++) {
          double[] derivatives =
              inColumn(values.x, order, c, () -> pairedByRow(values.forward(), yBar, logDetBar));
          for (int r = 0; r < BATCH; r++) {
            expected.set(order * BATCH + r, c, derivatives[r]);
          }
        }
      }
      assertClose(flat(run.xBar.rows(0, yBar.rows())), flat(expected), DIFFERENCE);
      for (Parameter block : trained(run)) {
        assertGradient(
            run,
            block,
            values.parameters.of(block),
            () -> {
              values.parameters.changed();
              return DoubleStream.of(pairedByRow(values.forward(), yBar, logDetBar)).sum();
            });
      }
    }
  }

  /** Of every row, Σ_k ⟨ȳ_k, y_k⟩ + Σ_k c_k·d_k, over the orders that have cotangents. */
  private static double[] pairedByRow(LayerRun run, Matrix yBar, Matrix logDetBar) {
    double[] sums = new double[BATCH];
    for (int k = 0; k < yBar.rows(); k++) {
      for (int c = 0; c < yBar.columns(); c++) {
        sums[k % BATCH] += run.y.get(k, c) * yBar.get(k, c);
      }
    }
    for (int order = 0; order < logDetBar.rows(); order++) {
      for (int r = 0; r < BATCH; r++) {
        sums[r] += run.logDet().get(order, r) * logDetBar.get(order, r);
      }
    }
    return sums;
  }

  /** That of a block which is not trained is zero. */
  private static void assertGradient(
      LayerRun run, Parameter block, Matrix weights, Supplier<Double> value) {
    if (block.trained()) {
      assertGradient(run.sums.of(block), weights, value);
    } else {
      assertThat(flat(run.sums.of(block))).containsOnly(0);
    }
  }

  private static void assertGradient(Matrix gradient, Matrix weights, Supplier<Double> value) {
    Matrix expected = Matrix.allocate(Precision.FLOAT64, weights.rows(), weights.columns());
    for (int r = 0; r < weights.rows(); r++) {
      for (int c = 0; c < weights.columns(); c++) {
        expected.set(r, c, Differences.in(weights, r, c, value));
      }
    }
    assertClose(flat(gradient), flat(expected), DIFFERENCE);
  }

  private static List<Parameter> trained(LayerRun run) {
    return run.parameters.blocks().stream().filter(Parameter::trained).toList();
  }
}
