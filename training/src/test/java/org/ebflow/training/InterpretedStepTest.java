package org.ebflow.training;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.ebflow.flow.Flow;
import org.ebflow.flow.layer.Activation;
import org.ebflow.flow.layer.MonotoneSpline;
import org.ebflow.flow.layer.Shape;
import org.ebflow.flow.model.SplineConfig;
import org.ebflow.flow.pass.Compute;
import org.ebflow.flow.pass.Parameter;
import org.ebflow.linalg.Blas;
import org.ebflow.linalg.Precision;
import org.ebflow.linalg.Team;
import org.ebflow.training.data.Dataset;
import org.ebflow.training.objective.DenoisingScoreMatching;
import org.ebflow.training.objective.FiniteDifferenceScoreMatching;
import org.ebflow.training.objective.FlowsUnderTest;
import org.ebflow.training.objective.LossScale;
import org.ebflow.training.objective.MaximumLikelihood;
import org.ebflow.training.objective.Objective;
import org.ebflow.training.objective.SampledMaximumLikelihood;
import org.ebflow.training.objective.SlicedScoreMatching;
import org.ebflow.training.optimizer.OptimizerState;
import org.ebflow.training.optimizer.RmsProp;
import org.ebflow.training.preprocessing.Preprocessing;
import org.junit.jupiter.api.Test;

/**
 * Steps under the interpreter with plain kernels, where every {@code new} is an allocation: in
 * compiled code it may vanish in one JVM and stay in the next.
 */
class InterpretedStepTest {
  @Test
  void noStepAllocatesWhateverTheCompilerDoes() throws Exception {
    Process process =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xint",
                "-cp",
                System.getProperty("java.class.path"),
                Steps.class.getName())
            .redirectError(ProcessBuilder.Redirect.DISCARD) // the warning that vectors are missing
            .start();
    List<String> lines = process.inputReader().lines().toList();
    assertThat(process.waitFor()).isZero();
    assertThat(lines).hasSize(8 * 5).allMatch(line -> line.endsWith(": 0 bytes"));
  }

  /** Prints for every flow and objective the bytes of the best of several steps, all workers'. */
  static final class Steps {
    private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    private static final int ROWS = 8;

    private Steps() {}

    public static void main(String[] arguments) {
      Flow twoDense = Flow.of(4).dense().smoothLeakyRelu(0.3).dense().build();
      List<Parameter> last = twoDense.layers().getLast().parameters();
      Map<String, Flow> flows =
          Map.of(
              "frozen last layer", twoDense.withParameters(twoDense.parameters().freezing(last)),
              "fc", Flow.of(4).dense().smoothLeakyRelu(0.3).dense().build(),
              "spline",
                  new SplineConfig(2, 5, 3, MonotoneSpline.Tails.FROZEN)
                      .build(4, Precision.FLOAT64, 1),
              "coupling", FlowsUnderTest.couplings(Precision.FLOAT64),
              "patches", FlowsUnderTest.patches(Precision.FLOAT64),
              "glow", FlowsUnderTest.glow(Activation.Kind.LEAKY_RELU, false),
              "glow, LU-factored", FlowsUnderTest.glow(Activation.Kind.LEAKY_RELU, true),
              "multi-scale", FlowsUnderTest.multiScale(new Shape(1, 4, 4), Precision.FLOAT64));
      List<Objective> objectives =
          List.of(
              new SlicedScoreMatching(),
              new DenoisingScoreMatching(0.5, 0.1, LossScale.PER_DIMENSION),
              new FiniteDifferenceScoreMatching(1, 0, LossScale.PER_DIMENSION),
              new MaximumLikelihood(),
              new SampledMaximumLikelihood(LossScale.PER_DIMENSION));
      flows.forEach(
          (name, flow) ->
              objectives.forEach(
                  objective ->
                      System.out.println(
                          name
                              + ", "
                              + objective.name()
                              + ": "
                              + bytes(flow, objective)
                              + " bytes")));
    }

    private static long bytes(Flow flow, Objective objective) {
      Blas blas = Blas.named("java");
      TrainingSettings settings =
          TrainingSettings.builder()
              .batchSize(ROWS)
              .clip(5)
              .augment(true)
              .dataNoise(0.1)
              .threads(2)
              .build();
      OptimizerState state = new OptimizerState(new RmsProp(1e-5), flow.parameters(), 0.999);
      int[] order = IntStream.range(0, ROWS).toArray();
      byte[] pixels = new byte[ROWS * flow.dimension()];
      try (Team team = new Team(2)) {
        TrainingStep step =
            new TrainingStep(
                flow,
                Compute.of(flow.precision(), blas),
                team,
                objective,
                Dataset.ofPixels(
                    "black", pixels, flow.dimension(), new Shape(1, 1, flow.dimension()), 256),
                Preprocessing.logit(flow.dimension(), 256, 0.5),
                settings,
                state,
                flow.parameters().zeros(),
                ROWS);
        long[] workers = new long[team.size()];
        team.run(worker -> workers[worker.rank()] = Thread.currentThread().threadId());
        long least = Long.MAX_VALUE;
        for (int i = 0; i < 4; i++) {
          long before = allocated(workers);
          step.run(team, order, 0, i, 1e-5, true);
          least = Math.min(least, allocated(workers) - before);
        }
        return least;
      }
    }

    private static long allocated(long[] workers) {
      long sum = 0;
      for (long worker : workers) {
        sum += THREADS.getThreadAllocatedBytes(worker);
      }
      return sum;
    }
  }
}
