package org.ebflow.flow;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.ebflow.flow.Numbers.assertClose;
import static org.ebflow.flow.Numbers.dot;
import static org.ebflow.flow.Numbers.flat;
import static org.ebflow.flow.Numbers.stack;
import static org.ebflow.flow.Numbers.zeros;

import java.util.Arrays;
import java.util.stream.Stream;
import org.ebflow.flow.LayersUnderTest.Subject;
import org.ebflow.flow.layer.Layer;
import org.ebflow.flow.pass.Parameter;
import org.ebflow.flow.pass.Parameters;
import org.ebflow.linalg.Matrix;
import org.ebflow.linalg.Precision;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * What every layer of {@link LayersUnderTest} promises, besides the right derivatives ({@link
 * LayerDerivativesTest}).
 */
class LayerContractTest {
  private static final double ROUNDING = 1e-12;
  private static final double SINGLE_ROUNDING = 2e-5;
  private static final int BATCH = LayerRun.BATCH;
  private static final int TOP = 2;

  static Stream<Subject> layers() {
    return LayersUnderTest.all();
  }

  static Stream<Arguments> layersAndTeams() {
    return Stream.concat(layers(), LayersUnderTest.wide())
        .flatMap(
            subject ->
                Stream.of(2, 3, 8)
                    .flatMap(
                        size ->
                            Stream.of(Precision.values())
                                .map(precision -> Arguments.of(subject, size, precision))));
  }

  @ParameterizedTest
  @MethodSource("layers")
  void ordersPushedOneByOneGiveTheSameNumbers(Subject subject) {
    Matrix x = LayerRun.randomStreams(subject, BATCH, TOP);
    try (LayerRun together = LayerRun.alone(subject, x);
        LayerRun apart = LayerRun.alone(subject, x);
        LayerRun lowerFirst = LayerRun.alone(subject, x)) {
      together.forward();
      apart.forward(0, 0).forward(1, 1).forward(2, 2);
      lowerFirst.forward(0, 1).forward(2, 2);
      for (LayerRun other : new LayerRun[] {apart, lowerFirst}) {
        assertClose(flat(other.y), flat(together.y), ROUNDING);
        assertClose(flat(other.logDet()), flat(together.logDet()), ROUNDING);
      }
    }
  }

  @ParameterizedTest
  @MethodSource("layers")
  void adjointIdentityHoldsForEveryStream(Subject subject) {
    int n = subject.dimension();
    Matrix x = LayerRun.randomStreams(subject, BATCH, TOP);
    Matrix zero = zeros(LayerRun.random(n, BATCH, 106));
    Matrix bar = LayerRun.random(n, BATCH, 106);
    Matrix none = Matrix.allocate(Precision.FLOAT64, 1, BATCH);
    Matrix logDetBar = LayerRun.random(BATCH, 1, 107);
    try (LayerRun run = LayerRun.alone(subject, x)) {
      run.forward();
      // order 0: the tangent's own pair
      run.backward(bar, logDetBar, 0, false, 1);
      double tangent =
          dot(bar, run.y.rows(BATCH, 2 * BATCH)) + dot(logDetBar, run.logDet().rows(1, 2));
      assertPair(dot(run.xBar.rows(0, BATCH), x.rows(BATCH, 2 * BATCH)), tangent);
      // order 1: y1 and d1 are linear in x1
      run.backward(stack(zero, bar), stack(none, logDetBar), 1, false, 1);
      assertPair(dot(run.xBar.rows(BATCH, 2 * BATCH), x.rows(BATCH, 2 * BATCH)), tangent);
      // order 2: y2 and d2 are affine in x2
      run.backward(stack(zero, zero, bar), stack(none, none, logDetBar), 2, false, 1);
      double second =
          dot(bar, run.y.rows(2 * BATCH, 3 * BATCH)) + dot(logDetBar, run.logDet().rows(2, 3));
      double pulled = dot(run.xBar.rows(2 * BATCH, 3 * BATCH), x.rows(2 * BATCH, 3 * BATCH));
      run.x.rows(2 * BATCH, 3 * BATCH).fill(0);
      run.forward();
      double atZero =
          dot(bar, run.y.rows(2 * BATCH, 3 * BATCH)) + dot(logDetBar, run.logDet().rows(2, 3));
      assertPair(pulled, second - atZero);
    }
  }

  private static void assertPair(double pulled, double pushed) {
    assertThat(pulled).isNotZero().isCloseTo(pushed, within(1e-11 * Math.max(1, Math.abs(pushed))));
  }

  @ParameterizedTest
  @MethodSource("org.ebflow.flow.LayersUnderTest#withOrders")
  void fewerInputCotangentsAreTheSameNumbers(Subject subject, int passOrder, int cotangentOrder) {
    Matrix x = LayerRun.randomStreams(subject, BATCH, passOrder);
    Matrix yBar = LayerRun.random(subject.dimension(), (cotangentOrder + 1) * BATCH, 104);
    Matrix logDetBar = LayerRun.random(BATCH, cotangentOrder + 1, 105);
    try (LayerRun run = LayerRun.alone(subject, x)) {
      run.forward().backward(yBar, logDetBar, cotangentOrder, true, 1);
      double[] all = flat(run.xBar);
      double[] gradient = flat(run.sums.flat());
      for (int toOrder = -1; toOrder < cotangentOrder; toOrder++) {
        run.backward(yBar, logDetBar, toOrder, true, 1);
        int wanted = (toOrder + 1) * BATCH * subject.dimension();
        double[] found = flat(run.xBar);
        assertClose(Arrays.copyOf(found, wanted), Arrays.copyOf(all, wanted), ROUNDING);
        assertThat(flat(run.xBar.rows(cotangentOrder * BATCH, yBar.rows())))
            .containsOnly(LayerRun.UNTOUCHED);
        assertThat(flat(run.sums.flat())).containsExactly(gradient);
      }
    }
  }

  @ParameterizedTest
  @MethodSource("layers")
  void gradientsAccumulate(Subject subject) {
    Matrix x = LayerRun.randomStreams(subject, BATCH, TOP);
    Matrix yBar = LayerRun.random(subject.dimension(), x.rows(), 104);
    Matrix logDetBar = LayerRun.random(BATCH, TOP + 1, 105);
    try (LayerRun run = LayerRun.alone(subject, x)) {
      double[] once = flat(run.forward().backward(yBar, logDetBar, TOP, true, 1).sums.flat());
      double[] thrice = flat(run.backward(yBar, logDetBar, TOP, true, 3).sums.flat());
      assertThat(Arrays.stream(once).anyMatch(value -> value != 0))
          .isEqualTo(run.parameters.count() > 0);
      assertClose(thrice, Arrays.stream(once).map(value -> 3 * value).toArray(), ROUNDING);
      double[] forgotten = flat(run.backward(yBar, logDetBar, TOP, false, 1).sums.flat());
      assertThat(forgotten).containsOnly(new double[once.length == 0 ? 0 : 1]);
    }
  }

  @ParameterizedTest
  @MethodSource("layers")
  void inputsAndWeightsStayUnmodified(Subject subject) {
    Matrix x = LayerRun.randomStreams(subject, BATCH, TOP);
    Matrix yBar = LayerRun.random(subject.dimension(), x.rows(), 104);
    Matrix logDetBar = LayerRun.random(BATCH, TOP + 1, 105);
    try (LayerRun run = LayerRun.alone(subject, x)) {
      double[] weights = flat(run.parameters.flat());
      double[] output = flat(run.forward().y);
      run.backward(yBar, logDetBar, TOP, true, 1).inverse();
      assertThat(flat(run.x)).containsExactly(flat(x));
      assertThat(flat(run.y)).containsExactly(output);
      assertThat(flat(run.parameters.flat())).containsExactly(weights);
    }
  }

  @ParameterizedTest
  @MethodSource("layers")
  void inverseRoundTrips(Subject subject) {
    Matrix x = LayerRun.randomStreams(subject, BATCH, 0);
    try (LayerRun run = LayerRun.alone(subject, x)) {
      Matrix back = run.forward().inverse();
      assertClose(flat(back), flat(x), ROUNDING);
      double[] y = flat(run.y);
      run.x.copyFrom(back);
      assertClose(flat(run.forward().y), y, ROUNDING);
    }
  }

  @ParameterizedTest
  @MethodSource("layers")
  void float32AgreesWithFloat64(Subject subject) {
    Layer layer = subject.layer();
    // both start from numbers that float32 holds exactly
    Matrix x = LayerRun.randomStreams(subject, BATCH, TOP).copy(Precision.FLOAT32);
    Parameters weights = LayerRun.randomParameters(layer).copy(Precision.FLOAT32);
    Matrix yBar = LayerRun.random(subject.dimension(), x.rows(), 104).copy(Precision.FLOAT32);
    Matrix logDetBar = LayerRun.random(BATCH, TOP + 1, 105);
    try (LayerRun single =
            new LayerRun(layer, weights, Precision.FLOAT32, x, BATCH, "openblas", 1);
        LayerRun wide = new LayerRun(layer, weights, Precision.FLOAT64, x, BATCH, "openblas", 1)) {
      assertSame(single, wide, yBar, logDetBar, SINGLE_ROUNDING);
    }
  }

  @ParameterizedTest
  @MethodSource("layersAndTeams")
  void everyTeamSizeGivesTheSameResults(Subject subject, int workers, Precision precision) {
    Layer layer = subject.layer();
    Parameters weights = LayerRun.randomParameters(layer);
    Matrix x = LayerRun.randomStreams(subject, BATCH, TOP);
    Matrix yBar = LayerRun.random(subject.dimension(), x.rows(), 104);
    Matrix logDetBar = LayerRun.random(BATCH, TOP + 1, 105);
    try (LayerRun alone = new LayerRun(layer, weights, precision, x, BATCH, "openblas", 1);
        LayerRun team = new LayerRun(layer, weights, precision, x, BATCH, "openblas", workers)) {
      assertSame(
          team,
          alone,
          yBar,
          logDetBar,
          precision == Precision.FLOAT64 ? ROUNDING : SINGLE_ROUNDING);
    }
  }

  private static void assertSame(
      LayerRun found, LayerRun expected, Matrix yBar, Matrix logDetBar, double tolerance) {
    for (LayerRun run : new LayerRun[] {found, expected}) {
      run.forward(0, 1).forward(2, 2).backward(yBar, logDetBar, TOP, true, 1);
    }
    assertClose(flat(found.y), flat(expected.y), tolerance);
    assertClose(flat(found.logDet()), flat(expected.logDet()), tolerance);
    assertClose(flat(found.xBar), flat(expected.xBar), tolerance);
    for (Parameter block : found.parameters.blocks()) {
      assertClose(flat(found.sums.of(block)), flat(expected.sums.of(block)), tolerance);
    }
    assertClose(flat(found.inverse()), flat(expected.inverse()), 10 * tolerance);
  }
}
