package org.ebflow.flow;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;
import static org.ebflow.flow.Numbers.assertClose;
import static org.ebflow.flow.Numbers.dot;
import static org.ebflow.flow.Numbers.flat;

import java.util.Arrays;
import java.util.function.DoubleFunction;
import java.util.stream.Stream;
import org.ebflow.flow.pass.Compute;
import org.ebflow.flow.pass.Gradients;
import org.ebflow.flow.pass.LogDet;
import org.ebflow.linalg.Blas;
import org.ebflow.linalg.Matrix;
import org.ebflow.linalg.Precision;
import org.ebflow.linalg.Team;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Jets, score and backward passes through whole flows. */
class FlowPassTest {
  private static final double ROUNDING = 1e-11;
  private static final int BATCH = 6;
  private static final int BROKEN = 2;

  static Stream<Flow> flows() {
    return FlowTest.flows();
  }

  /** A pass of order 2 on one worker over random streams. */
  private static final class Run implements AutoCloseable {
    final Team team = new Team(1);
    final FlowPass pass;
    final Gradients gradients;

    Run(Flow flow, Matrix streams, int batch) {
      Compute compute = Compute.of(Precision.FLOAT64, Blas.named("openblas"));
      pass = FlowPass.forTeam(flow, compute, team, batch, 2)[0];
      gradients = new Gradients(team.worker(0), compute, flow.parameters().zeros());
      pass.input().whole(0, 2).copyFrom(streams);
    }

    double[] gradient() {
      return flat(gradients.sums().flat());
    }

    @Override
    public void close() {
      team.close();
    }
  }

  private static Matrix streams(Flow flow) {
    return LayerRun.random(flow.dimension(), 3 * BATCH, 113);
  }

  private static LogDet seed(FlowPass pass) {
    LogDet seed = pass.newSeed();
    seed.fill(0, -.3);
    seed.fill(1, .7);
    seed.fill(2, 1);
    return seed;
  }

  @ParameterizedTest
  @MethodSource("flows")
  void densityHoldsTheDerivativesAlongTheCurve(Flow flow) {
    Matrix x = streams(flow);
    Blas blas = Blas.named("openblas");
    try (Run run = new Run(flow, x, BATCH)) {
      run.pass.forward(0, 2);
      Matrix at = Matrix.allocate(Precision.FLOAT64, BATCH, flow.dimension());
      DoubleFunction<double[]> density =
          t -> {
            for (int r = 0; r < BATCH; r++) {
              for (int c = 0; c < flow.dimension(); c++) {
                at.set(
                    r,
                    c,
                    x.get(r, c) + t * x.get(BATCH + r, c) + t * t / 2 * x.get(2 * BATCH + r, c));
              }
            }
            return flow.unnormalisedLogDensity(at, blas);
          };
      assertClose(flat(run.pass.density().order(0)), density.apply(0), ROUNDING);
      assertClose(flat(run.pass.density().order(1)), Differences.first(density), 1e-7);
      assertClose(flat(run.pass.density().order(2)), Differences.second(density), 1e-6);
      // φ1 = x1·∇ℓ
      Matrix score = run.pass.score();
      double sum = Arrays.stream(flat(run.pass.density().order(1))).sum();
      assertThat(dot(score, x.rows(BATCH, 2 * BATCH)))
          .isCloseTo(sum, within(1e-9 * Math.max(1, Math.abs(sum))));
    }
  }

  @ParameterizedTest
  @MethodSource("flows")
  void backwardAfterScoreIsBackwardWithASeedOfOneOnTop(Flow flow) {
    try (Run after = new Run(flow, streams(flow), BATCH);
        Run plain = new Run(flow, streams(flow), BATCH)) {
      after.pass.forward(0, 1);
      after.pass.score();
      after.pass.forward(2, 2);
      after.gradients.begin(1);
      after.pass.backwardAfterScore(seed(after.pass), after.gradients);
      after.gradients.finish();
      plain.pass.forward(0, 2);
      plain.gradients.begin(1);
      plain.pass.backward(seed(plain.pass), true, plain.gradients);
      plain.gradients.finish();
      assertClose(after.gradient(), plain.gradient(), ROUNDING);
      assertClose(
          flat(after.pass.scoreCotangent()), flat(plain.pass.inputBar().stream(2)), ROUNDING);
    }
  }

  /** ⟨x̄_k, h_k⟩ over all streams is the change of Σ seed_k·φ_k along h. */
  @ParameterizedTest
  @MethodSource("flows")
  void inputCotangentsAreTheDifferencesOfTheSeededDensity(Flow flow) {
    Matrix x = streams(flow);
    for (int stream = 0; stream <= 2; stream++) {
      Matrix along = LayerRun.random(flow.dimension(), BATCH, 127 + stream);
      int first = stream * BATCH;
      try (Run run = new Run(flow, x, BATCH)) {
        DoubleFunction<double[]> seeded =
            t -> {
              Matrix moved = x.copy(Precision.FLOAT64);
              for (int r = 0; r < BATCH; r++) {
                for (int c = 0; c < flow.dimension(); c++) {
                  moved.set(first + r, c, x.get(first + r, c) + t * along.get(r, c));
                }
              }
              run.pass.input().whole(0, 2).copyFrom(moved);
              run.pass.forward(0, 2);
              double[] sum = new double[1];
              for (int k = 0; k <= 2; k++) {
                double[] seeds = flat(seed(run.pass).order(k));
                double[] density = flat(run.pass.density().order(k));
                for (int r = 0; r < BATCH; r++) {
                  sum[0] += seeds[r] * density[r];
                }
              }
              return sum;
            };
        double[] difference = Differences.first(seeded);
        seeded.apply(0);
        run.gradients.begin(1);
        run.pass.backward(seed(run.pass), true, run.gradients);
        run.gradients.finish();
        assertThat(dot(run.pass.inputBar().stream(stream), along))
            .as("stream %d", stream)
            .isCloseTo(difference[0], within(1e-6 * Math.max(1, Math.abs(difference[0]))));
      }
    }
  }

  @ParameterizedTest
  @MethodSource("flows")
  void aForwardOnlyPassHasTheSameBitsAndRefusesBackward(Flow flow) {
    Matrix x = streams(flow);
    try (Run run = new Run(flow, x, BATCH)) {
      FlowPass only =
          FlowPass.forwardOnly(
              flow, Compute.of(Precision.FLOAT64, Blas.named("openblas")), run.team, BATCH)[0];
      only.input().stream(0).copyFrom(x.rows(0, BATCH));
      only.forward(0, 0);
      run.pass.forward(0, 0);
      assertThat(only.output().stream(0).array()).isEqualTo(flat(run.pass.output().stream(0)));
      assertThat(flat(only.density().order(0))).isEqualTo(flat(run.pass.density().order(0)));
      assertThat(flat(only.latentSquares())).isEqualTo(flat(run.pass.latentSquares()));
      LogDet seed = only.newSeed();
      Stream.<Runnable>of(
              only::score, only::inputBar, () -> only.backward(seed, true, run.gradients))
          .forEach(
              backward ->
                  assertThatThrownBy(backward::run)
                      .isInstanceOf(IllegalStateException.class)
                      .hasMessageContaining("for forward passes only"));
    }
  }

  @ParameterizedTest
  @MethodSource("flows")
  void severalFinishesSumWhatWasNotedInBetween(Flow flow) {
    try (Run run = new Run(flow, streams(flow), BATCH)) {
      run.pass.forward(0, 2);
      run.gradients.begin(1);
      run.pass.backward(seed(run.pass), false, run.gradients);
      run.gradients.finish();
      double[] once = run.gradient();
      run.gradients.begin(1);
      for (int i = 0; i < 2; i++) {
        run.pass.backward(seed(run.pass), false, run.gradients);
        run.gradients.finish();
      }
      assertClose(run.gradient(), Arrays.stream(once).map(value -> 2 * value).toArray(), ROUNDING);
    }
  }

  @ParameterizedTest
  @MethodSource("flows")
  void zeroedRowCountsAsNothing(Flow flow) {
    Matrix x = streams(flow);
    Matrix without = Matrix.allocate(Precision.FLOAT64, 3 * (BATCH - 1), flow.dimension());
    for (int r = 0, to = 0; r < x.rows(); r++) {
      if (r % BATCH != BROKEN) {
        without.rows(to, to + 1).copyFrom(x.rows(r, r + 1));
        to++;
      }
    }
    x.set(BROKEN, 0, Double.NaN);
    try (Run broken = new Run(flow, x, BATCH);
        Run clean = new Run(flow, without, BATCH - 1)) {
      for (Run run : new Run[] {broken, clean}) {
        run.pass.forward(0, 1);
        run.pass.score();
        run.pass.forward(2, 2);
        run.gradients.begin(1);
        LogDet seed = seed(run.pass);
        if (run == broken) {
          run.pass.zeroRow(BROKEN);
          for (int k = 0; k <= 2; k++) {
            seed.order(k).set(0, BROKEN, 0);
          }
        }
        run.pass.backwardAfterScore(seed, run.gradients);
        run.gradients.finish();
      }
      assertThat(Arrays.stream(clean.gradient()).map(Math::abs).max().orElseThrow()).isPositive();
      assertClose(broken.gradient(), clean.gradient(), ROUNDING);
    }
  }
}
