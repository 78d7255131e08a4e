package org.ebflow.training.optimizer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.ebflow.flow.Flow;
import org.ebflow.flow.layer.Layer;
import org.ebflow.flow.pass.Gradients;
import org.ebflow.flow.pass.Jet;
import org.ebflow.flow.pass.LogDet;
import org.ebflow.flow.pass.Parameter;
import org.ebflow.flow.pass.Parameters;
import org.ebflow.flow.pass.Workspace;
import org.ebflow.golden.GoldenCase;
import org.ebflow.linalg.KernelChoice;
import org.ebflow.linalg.Matrix;
import org.ebflow.linalg.OptimizerKernels;
import org.ebflow.linalg.Precision;
import org.ebflow.linalg.Team;
import org.ebflow.training.Schedule;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import tools.jackson.databind.JsonNode;

/**
 * Five updates of each rule against reference values: weights, norms before clipping, learning
 * rates and moving averages, on one worker and on two.
 */
class OptimizerGoldenTest {
  private static final int STEPS = 5;
  private static final double RATE = 1e-12;
  private static final List<String> BLOCKS = List.of("p0", "p1");

  static Stream<Arguments> rules() {
    return eachWay(
        "rmsprop",
        "rmsprop_clip",
        "rmsprop_wd",
        "rmsprop_sched",
        "adam",
        "adam_clip_sched",
        "adam_wd",
        "adamw_wd");
  }

  static Stream<Arguments> averages() {
    return eachWay("ema0p999", "ema0p3");
  }

  private static Stream<Arguments> eachWay(String... names) {
    return Stream.of(names)
        .flatMap(
            name ->
                Stream.of(Precision.values())
                    .flatMap(
                        precision ->
                            Stream.of(1, 2)
                                .map(workers -> Arguments.of(name, precision, workers))));
  }

  @ParameterizedTest
  @MethodSource("rules")
  void weightsNormsAndRatesMatchTheReference(String name, Precision precision, int workers) {
    GoldenCase golden = GoldenCase.open("optim");
    JsonNode hyper = golden.hyper().path(name);
    double[] rates = golden.values(name + ".lr");
    double clip = hyper.path("clip").asDouble(0);
    double tolerance = tolerance(precision);
    try (Updates updates = new Updates(golden, optimizer(golden, hyper), 0, precision, workers)) {
      for (int step = 0; step < STEPS; step++) {
        double rate = updates.optimizer.learningRate() * rateFactor(hyper.path("sched"), step);
        assertThat(rate)
            .as("rate of step %d", step)
            .isCloseTo(rates[step], within(RATE * rates[step]));
        double norm = updates.run(step, rate, clip);
        if (clip > 0) {
          double expected = golden.values(name + ".norms")[step];
          assertThat(norm)
              .as("norm of step %d", step)
              .isCloseTo(expected, within(tolerance * expected));
        }
        assertMoved(updates.weights, golden, name, step, tolerance);
      }
    }
  }

  @ParameterizedTest
  @MethodSource("averages")
  void movingAveragesMatchTheReference(String name, Precision precision, int workers) {
    GoldenCase golden = GoldenCase.open("optim");
    Optimizer optimizer = optimizer(golden, golden.hyper().path("rmsprop"));
    double decay = Double.parseDouble(name.substring("ema".length()).replace('p', '.'));
    try (Updates updates = new Updates(golden, optimizer, decay, precision, workers)) {
      for (int step = 0; step < STEPS; step++) {
        updates.run(step, optimizer.learningRate(), 0);
        assertMoved(updates.state.average(), golden, name, step, tolerance(precision));
      }
    }
  }

  private static double tolerance(Precision precision) {
    return precision == Precision.FLOAT64 ? 1e-9 : 1e-4;
  }

  /** Errors count relative to the furthest that an element of the block has moved. */
  private static void assertMoved(
      Parameters found, GoldenCase golden, String name, int step, double tolerance) {
    for (String block : BLOCKS) {
      double[] start = golden.values(block + "_init");
      double[] expected = ofStep(golden.values(name + "." + block), step);
      double[] values =
          Arrays.stream(found.byName().get("0." + block).toRows())
              .flatMapToDouble(Arrays::stream)
              .toArray();
      double furthest =
          IntStream.range(0, start.length)
              .mapToDouble(i -> Math.abs(expected[i] - start[i]))
              .max()
              .orElseThrow();
      assertThat(furthest).isPositive();
      assertThat(values).hasSameSizeAs(expected);
      for (int i = 0; i < values.length; i++) {
        assertThat(values[i])
            .as("%s, element %d after step %d", block, i, step)
            .isCloseTo(expected[i], within(tolerance * furthest));
      }
    }
  }

  private static double[] ofStep(double[] all, int step) {
    int count = all.length / STEPS;
    return Arrays.copyOfRange(all, step * count, (step + 1) * count);
  }

  private static Optimizer optimizer(GoldenCase golden, JsonNode hyper) {
    double rate = hyper.path("lr").asDouble();
    double weightDecay = hyper.path("weight_decay").asDouble(0);
    String kind = hyper.path("kind").asString();
    if (kind.equals("RMSprop")) {
      JsonNode defaults = golden.hyper().path("defaults").path("rmsprop");
      return new RmsProp(
          rate, defaults.path("alpha").asDouble(), defaults.path("eps").asDouble(), weightDecay);
    }
    JsonNode defaults = golden.hyper().path("defaults").path("adam");
    return new Adam(
        rate,
        defaults.path("betas").path(0).asDouble(),
        defaults.path("betas").path(1).asDouble(),
        defaults.path("eps").asDouble(),
        weightDecay,
        kind.equals("AdamW"));
  }

  /** The reference steps its schedule after updates, we after epochs: a milestone ends an epoch. */
  private static double rateFactor(JsonNode schedule, int step) {
    if (schedule.isNull()) {
      return 1;
    }
    int epoch = 0;
    for (JsonNode milestone : schedule.path("milestones")) {
      epoch += milestone.asInt() <= step ? 1 : 0;
    }
    int gammaEpochs = schedule.path("milestones").size() + 1;
    return Schedule.rateFactor(schedule.path("gamma").asDouble(), gammaEpochs, epoch);
  }

  /** Updates of the published start by the published gradients, as a training step makes them. */
  private static final class Updates implements AutoCloseable {
    private final GoldenCase golden;
    private final Optimizer optimizer;
    private final Parameters weights;
    private final Parameters gradients;
    private final OptimizerState state;
    private final OptimizerState.Part[] parts;
    private final OptimizerKernels kernels;
    private final Team team;

    Updates(
        GoldenCase golden,
        Optimizer optimizer,
        double averageDecay,
        Precision precision,
        int workers) {
      this.golden = golden;
      this.optimizer = optimizer;
      weights = Flow.of(1).precision(precision).layer(new Weights(golden)).build().parameters();
      gradients = weights.zeros();
      state = new OptimizerState(optimizer, weights, averageDecay);
      kernels = KernelChoice.fastest(precision).optimizer();
      team = new Team(workers);
      parts = new OptimizerState.Part[workers];
      for (int rank = 0; rank < workers; rank++) {
        parts[rank] = state.new Part(team.worker(rank), weights, gradients);
      }
    }

    /** Makes one update and returns the gradient's norm before clipping. */
    double run(int step, double rate, double clip) {
      for (int i = 0; i < BLOCKS.size(); i++) {
        Matrix block = gradients.byName().get("0." + BLOCKS.get(i));
        block.copyFrom(
            Matrix.of(ofStep(golden.values("g" + i), step), block.rows(), block.columns()));
      }
      double[] squares = new double[parts.length];
      team.run(
          worker -> {
            squares[worker.rank()] = parts[worker.rank()].sumOfSquares(kernels);
            worker.barrier();
            double scale = OptimizerState.clipScale(OptimizerState.norm(squares), clip);
            parts[worker.rank()].update(kernels, rate, scale);
          });
      state.updates(state.updates() + 1);
      return OptimizerState.norm(squares);
    }

    @Override
    public void close() {
      team.close();
    }
  }

  /** A layer that has the reference's weights and does nothing with them. */
  private static final class Weights implements Layer {
    private final List<Parameter> parameters;

    Weights(GoldenCase golden) {
      parameters = BLOCKS.stream().map(name -> block(golden, name)).toList();
    }

    private static Parameter block(GoldenCase golden, String name) {
      Matrix start = golden.matrix(name + "_init");
      return new Parameter(
          name, start.rows(), start.columns(), (values, draws) -> values.copyFrom(start));
    }

    @Override
    public List<Parameter> parameters() {
      return parameters;
    }

    @Override
    public void forward(Jet x, Jet y, LogDet logDet, Workspace kept, int fromOrder, int toOrder) {
      throw new UnsupportedOperationException();
    }

    @Override
    public void backward(
        Jet yBar,
        LogDet logDetBar,
        Workspace kept,
        Jet xBar,
        int toOrder,
        @Nullable Gradients gradients) {
      throw new UnsupportedOperationException();
    }

    @Override
    public void inverse(Matrix y, Matrix x, Workspace kept) {
      throw new UnsupportedOperationException();
    }
  }
}
