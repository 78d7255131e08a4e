package org.ebflow.training.optimizer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.SequencedMap;
import java.util.stream.Stream;
import org.ebflow.flow.layer.Initializers;
import org.ebflow.flow.pass.Parameter;
import org.ebflow.flow.pass.Parameters;
import org.ebflow.linalg.KernelChoice;
import org.ebflow.linalg.Matrix;
import org.ebflow.linalg.OptimizerKernels;
import org.ebflow.linalg.Precision;
import org.ebflow.linalg.Team;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Learning rates of their own for parameters whose names end alike. */
class RatesTest {
  private static final double RATE = 1e-2;
  private static final int UPDATES = 3;
  private static final Map<String, Double> FACTORS =
      Map.of("bias", 3.0, "log_slopes", .5, "map.0.bias", .25);

  /** Blocks of sizes that no vector and no share of a worker divides. */
  private static Parameters weights(Precision precision) {
    SequencedMap<String, Parameter> blocks = new LinkedHashMap<>();
    add(blocks, "0.weight", 7, 7, true);
    add(blocks, "0.bias", 1, 7, true);
    add(blocks, "1.log_slopes", 7, 5, true);
    add(blocks, "1.mean", 1, 7, false);
    add(blocks, "2.map.0.weight", 37, 7, true);
    add(blocks, "2.map.0.bias", 1, 37, true);
    Parameters weights = Parameters.initial(blocks, precision, 1);
    fill(weights, 0);
    return weights;
  }

  private static void add(
      SequencedMap<String, Parameter> blocks, String name, int rows, int columns, boolean trained) {
    blocks.put(
        name,
        new Parameter(
            name.substring(name.lastIndexOf('.') + 1),
            rows,
            columns,
            Initializers.constant(0),
            trained));
  }

  /** Different numbers in every place, of either sign. */
  private static void fill(Parameters values, int phase) {
    int block = 0;
    for (Matrix matrix : values.byName().values()) {
      for (int r = 0; r < matrix.rows(); r++) {
        for (int c = 0; c < matrix.columns(); c++) {
          matrix.set(r, c, value(block, r, c, phase));
        }
      }
      block++;
    }
  }

  private static double value(int block, int row, int column, int phase) {
    return Math.sin(1 + block + 2.3 * row + 0.7 * column + 5 * phase);
  }

  static Stream<Arguments> updates() {
    return Stream.of(
            new RmsProp(RATE, .9, 1e-3, .2),
            new Adam(RATE, .8, .95, 1e-3, .2, false),
            new Adam(RATE, .8, .95, 1e-3, .2, true))
        .flatMap(
            optimizer ->
                Stream.of(Precision.values())
                    .flatMap(
                        precision ->
                            Stream.of(1, 2, 5)
                                .map(workers -> Arguments.of(optimizer, precision, workers))));
  }

  /** Updates as a training step makes them, by the gradients of {@link #value}. */
  private static double[] run(
      Optimizer optimizer, Parameters weights, Parameters average, int workers) {
    Parameters gradients = weights.zeros();
    OptimizerState state = new OptimizerState(optimizer, weights, .5);
    OptimizerKernels kernels = KernelChoice.fastest(weights.precision()).optimizer();
    double[] norms = new double[UPDATES];
    try (Team team = new Team(workers)) {
      OptimizerState.Part[] parts = new OptimizerState.Part[workers];
      for (int rank = 0; rank < workers; rank++) {
        parts[rank] = state.new Part(team.worker(rank), weights, gradients);
      }
      for (int update = 0; update < UPDATES; update++) {
        fill(gradients, update + 1);
        double[] squares = new double[workers];
        team.run(
            worker -> {
              squares[worker.rank()] = parts[worker.rank()].sumOfSquares(kernels);
              parts[worker.rank()].update(kernels, RATE, 1);
            });
        state.updates(update + 1);
        norms[update] = OptimizerState.norm(squares);
      }
    }
    average.copyFrom(state.average());
    return norms;
  }

  @ParameterizedTest
  @MethodSource("updates")
  void updatesAreThoseOfTheFormulaAtTheRateOfTheName(
      Optimizer optimizer, Precision precision, int workers) {
    Parameters weights = weights(precision);
    Parameters average = weights.zeros();
    run(optimizer.withRates(FACTORS), weights, average, workers);
    double tolerance = precision == Precision.FLOAT64 ? 1e-13 : 2e-6;
    int block = 0;
    for (Map.Entry<String, Matrix> entry : weights.byName().entrySet()) {
      String name = entry.getKey();
      double rate =
          RATE
              * switch (name) {
                case "0.bias" -> 3;
                case "1.log_slopes" -> .5;
                case "2.map.0.bias" -> .25; // the longer end counts
                case "1.mean" -> 0; // not trained
                default -> 1;
              };
      for (int r = 0; r < entry.getValue().rows(); r++) {
        for (int c = 0; c < entry.getValue().columns(); c++) {
          double[] expected = byHand(optimizer, rate, block, r, c);
          assertThat(entry.getValue().get(r, c))
              .as("%s[%d,%d]", name, r, c)
              .isCloseTo(expected[0], within(tolerance));
          assertThat(average.byName().get(name).get(r, c))
              .as("average of %s[%d,%d]", name, r, c)
              .isCloseTo(expected[1], within(tolerance));
        }
      }
      block++;
    }
  }

  /** Weight and average after all updates. */
  private static double[] byHand(Optimizer optimizer, double rate, int block, int row, int column) {
    double p = value(block, row, column, 0);
    double average = p;
    double m = 0;
    double v = 0;
    for (int t = 1; t <= UPDATES; t++) {
      double g = value(block, row, column, t);
      switch (optimizer) {
        case RmsProp rms -> {
          g += rms.weightDecay() * p;
          v = rms.decay() * v + (1 - rms.decay()) * g * g;
          p -= rate * g / (Math.sqrt(v) + rms.epsilon());
        }
        case Adam adam -> {
          if (adam.decoupled()) {
            p *= 1 - rate * adam.weightDecay();
          } else {
            g += adam.weightDecay() * p;
          }
          m = adam.beta1() * m + (1 - adam.beta1()) * g;
          v = adam.beta2() * v + (1 - adam.beta2()) * g * g;
          double mean = m / (1 - Math.pow(adam.beta1(), t));
          double square = v / (1 - Math.pow(adam.beta2(), t));
          p -= rate * mean / (Math.sqrt(square) + adam.epsilon());
        }
      }
      double decay = Math.min(.5, (1.0 + t) / (10.0 + t));
      average = decay * average + (1 - decay) * p;
    }
    return new double[] {p, average};
  }

  @ParameterizedTest
  @MethodSource("updates")
  void aFactorOfOneChangesNoBitAndNormsAreThoseWithoutFactors(
      Optimizer optimizer, Precision precision, int workers) {
    Parameters plain = weights(precision);
    Parameters plainAverage = plain.zeros();
    double[] norms = run(optimizer, plain, plainAverage, workers);
    Parameters ones = weights(precision);
    Parameters onesAverage = ones.zeros();
    assertThat(run(optimizer.withRates(Map.of("bias", 1.0)), ones, onesAverage, workers))
        .containsExactly(norms);
    assertThat(ones.flat().toRows()[0]).containsExactly(plain.flat().toRows()[0]);
    assertThat(onesAverage.flat().toRows()[0]).containsExactly(plainAverage.flat().toRows()[0]);
    assertThat(run(optimizer.withRates(FACTORS), weights(precision), plain.zeros(), workers))
        .as("gradients and their norms do not depend on rates")
        .containsExactly(norms);
  }

  @Test
  void aNameThatNoTrainedParameterHasIsRefusedWithThoseThereAre() {
    Parameters weights = weights(Precision.FLOAT32);
    for (String name : new String[] {"slopes", "mean", "1.bias", ".bias", "bias.x", ""}) {
      assertThatThrownBy(
              () -> new OptimizerState(new Adam(1).withRates(Map.of(name, 2.0)), weights, 0))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessage(
              "optimizer.rates."
                  + name
                  + ": expected the end of a parameter's name, as bias, log_slopes, weight");
    }
  }

  @Test
  void factorsBelowZeroAreRefusedAndTheOthersKept() {
    assertThatThrownBy(() -> new RmsProp(1).withRates(Map.of("bias", -1.0)))
        .hasMessage("rates.bias is -1.0, expected a number, 0 or above");
    assertThatThrownBy(() -> new Adam(1).withRates(Map.of("bias", Double.NaN)))
        .hasMessage("rates.bias is NaN, expected a number, 0 or above");
    Adam adam = new Adam(1, .8, .9, .1, .2, true).withRates(FACTORS);
    assertThat(adam.rates()).isEqualTo(FACTORS);
    assertThat(adam.withRates(Map.of())).isEqualTo(new Adam(1, .8, .9, .1, .2, true));
    RmsProp rmsProp = new RmsProp(1, .8, .1, .2).withRates(FACTORS);
    assertThat(rmsProp.rates()).isEqualTo(FACTORS);
    assertThat(rmsProp.withRates(Map.of())).isEqualTo(new RmsProp(1, .8, .1, .2));
  }
}
