package org.ebflow.training.optimizer;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.ebflow.flow.pass.Parameter;
import org.ebflow.flow.pass.Parameters;
import org.ebflow.linalg.Matrix;
import org.ebflow.linalg.OptimizerKernels;
import org.ebflow.linalg.Worker;

/**
 * Moments and moving average of all weights, and the updates made so far. Each worker of a team
 * updates its own part of the flat weights.
 *
 * <p>The average starts as the weights; its decay at update n is min(decay, (1+n)/(10+n)).
 */
public final class OptimizerState {
  private static final int ALIGNMENT = 16;

  private final Optimizer optimizer;
  private final double averageDecay;
  private final Parameters average;
  private final Parameters[] moments;
  private final List<Group> groups;
  private long updates;

  /**
   * Fresh state for these weights.
   *
   * @throws IllegalArgumentException if the optimizer has a rate for a name that no trained block
   *     has
   */
  public OptimizerState(Optimizer optimizer, Parameters weights, double averageDecay) {
    this.groups = groups(weights, optimizer.rates());
    this.optimizer = optimizer;
    this.averageDecay = averageDecay;
    this.average = weights.copy(weights.precision());
    this.moments = new Parameters[optimizer.moments()];
    for (int i = 0; i < moments.length; i++) {
      moments[i] = weights.zeros();
    }
  }

  /** The moving average of the weights. */
  public Parameters average() {
    return average;
  }

  /** The optimizer's moments, in its order. */
  public List<Parameters> moments() {
    return List.of(moments);
  }

  /** Updates made. */
  public long updates() {
    return updates;
  }

  /** Says that all workers have made one more update, or, on resume, how many were made before. */
  public void updates(long count) {
    updates = count;
  }

  /** Moments and average by name, for checkpoints. */
  public Map<String, Parameters> byName() {
    Map<String, Parameters> result = new LinkedHashMap<>();
    result.put("average", average);
    for (int i = 0; i < moments.length; i++) {
      result.put("moment" + i, moments[i]);
    }
    return result;
  }

  /**
   * Global norm of a gradient from the workers' sums of squares, added in the order of their ranks.
   */
  public static double norm(double[] sumsOfSquares) {
    double sum = 0;
    for (double part : sumsOfSquares) {
      sum += part;
    }
    return Math.sqrt(sum);
  }

  /**
   * Factor that brings a gradient of that norm down to {@code limit}: min(1, limit/(norm + 1e-6)),
   * 1 when the limit is 0 (none).
   */
  public static double clipScale(double norm, double limit) {
    return limit > 0 ? Math.min(1, limit / (norm + 1e-6)) : 1;
  }

  /** The flat numbers {@code from} to {@code to} (exclusive), whose learning rate has a factor. */
  private record Group(int from, int to, double factor) {}

  /** All trained numbers in their order, adjacent blocks of one factor as one group. */
  private static List<Group> groups(Parameters weights, Map<String, Double> rates) {
    SortedMap<Integer, Double> factors = new TreeMap<>(); // by the offset of a block
    List<String> names = new ArrayList<>();
    for (int i = 0; i < weights.blocks().size(); i++) {
      Parameter block = weights.blocks().get(i);
      if (weights.trains(block)) {
        String name = weights.names().get(i);
        names.add(name);
        factors.put(
            weights.of(block).offset() - weights.flat().offset(),
            rates.entrySet().stream()
                .filter(rate -> endsWith(name, rate.getKey()))
                .max(Comparator.comparingInt(rate -> rate.getKey().length()))
                .map(Map.Entry::getValue)
                .orElse(1.0));
      }
    }
    for (String end : rates.keySet()) {
      if (names.stream().noneMatch(name -> endsWith(name, end))) {
        throw new IllegalArgumentException(
            "optimizer.rates."
                + end
                + ": expected the end of a parameter's name, as "
                + names.stream()
                    .map(name -> name.substring(name.lastIndexOf('.') + 1))
                    .distinct()
                    .sorted()
                    .collect(Collectors.joining(", ")));
      }
    }
    List<Group> groups = new ArrayList<>();
    factors.forEach(
        (offset, factor) -> {
          Group before = groups.isEmpty() ? null : groups.getLast();
          if (before != null && before.factor == factor) {
            return;
          }
          if (before != null) {
            groups.set(groups.size() - 1, new Group(before.from, offset, before.factor));
          }
          groups.add(new Group(offset, weights.trainedLength(), factor));
        });
    return groups;
  }

  /** Whether the last parts of a dotted name are these. */
  private static boolean endsWith(String name, String end) {
    return ("." + name).endsWith("." + end);
  }

  /** One worker's part of all that an update touches. */
  public final class Part {
    private final Matrix gradient;
    private final List<Range> ranges = new ArrayList<>();

    /** The part of that worker. */
    public Part(Worker worker, Parameters weights, Parameters gradients) {
      int trained = weights.trainedLength();
      int all = weights.flat().columns();
      int from = from(worker, 0, trained);
      int to = to(worker, 0, trained);
      gradient = gradients.flat().columns(from, to);
      for (Group group : groups) {
        add(Math.max(from, group.from), Math.min(to, group.to), group.factor, weights, gradients);
      }
      // a rate of zero only averages
      add(from(worker, trained, all), to(worker, trained, all), 0, weights, gradients);
    }

    private void add(
        int from, int to, double rateFactor, Parameters weights, Parameters gradients) {
      if (from < to) {
        ranges.add(new Range(from, to, rateFactor, weights, gradients));
      }
    }

    /** Sum of squares of this part of the gradient, in float64. */
    public double sumOfSquares(OptimizerKernels kernels) {
      return kernels.sumOfSquares(gradient);
    }

    /** Makes update number {@link #updates} + 1 on this part. */
    public void update(OptimizerKernels kernels, double rate, double gradientScale) {
      for (int i = 0; i < ranges.size(); i++) { // an iterator would be an allocation
        ranges.get(i).update(kernels, rate, gradientScale);
      }
    }
  }

  /** First of a worker's flat numbers among {@code from} to {@code to}, on an aligned place. */
  private static int from(Worker worker, int from, int to) {
    return from + worker.from(alignedBlocks(from, to)) * ALIGNMENT;
  }

  /** End (exclusive) of a worker's flat numbers among {@code from} to {@code to}. */
  private static int to(Worker worker, int from, int to) {
    return Math.min(to, from + worker.to(alignedBlocks(from, to)) * ALIGNMENT);
  }

  private static int alignedBlocks(int from, int to) {
    return (to - from + ALIGNMENT - 1) / ALIGNMENT;
  }

  /** The flat numbers {@code from} to {@code to} (exclusive), updated alike by one worker. */
  private final class Range {
    private final double rateFactor;
    private final Matrix weights;
    private final Matrix gradient;
    private final Matrix average;
    private final Matrix[] moments;

    Range(int from, int to, double rateFactor, Parameters weights, Parameters gradients) {
      this.rateFactor = rateFactor;
      this.weights = weights.flat().columns(from, to);
      this.gradient = gradients.flat().columns(from, to);
      this.average = OptimizerState.this.average.flat().columns(from, to);
      this.moments = new Matrix[OptimizerState.this.moments.length];
      for (int i = 0; i < moments.length; i++) {
        moments[i] = OptimizerState.this.moments[i].flat().columns(from, to);
      }
    }

    void update(OptimizerKernels kernels, double rate, double gradientScale) {
      long n = updates + 1;
      double decay = Math.min(averageDecay, (1.0 + n) / (10.0 + n));
      optimizer.update(
          kernels, weights, gradient, moments, average, n, rate * rateFactor, gradientScale, decay);
    }
  }
}
