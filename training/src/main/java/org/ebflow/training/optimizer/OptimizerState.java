package org.ebflow.training.optimizer;

import java.util.LinkedHashMap;
import java.util.Map;
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
  private long updates;

  /** Fresh state for these weights. */
  public OptimizerState(Optimizer optimizer, Parameters weights, double averageDecay) {
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

  /** One worker's part of all that an update touches. */
  public final class Part {
    private final Range trained;
    private final Range untrained;

    /** The part of that worker. */
    public Part(Worker worker, Parameters weights, Parameters gradients) {
      int end = weights.trainedLength();
      trained = new Range(worker, 0, end, weights, gradients);
      untrained = new Range(worker, end, weights.flat().columns(), weights, gradients);
    }

    /** Sum of squares of this part of the gradient, in float64. */
    public double sumOfSquares(OptimizerKernels kernels) {
      return kernels.sumOfSquares(trained.gradient);
    }

    /** Makes update number {@link #updates} + 1 on this part. */
    public void update(OptimizerKernels kernels, double rate, double gradientScale) {
      trained.update(kernels, rate, gradientScale);
      if (untrained.weights.size() > 0) {
        untrained.update(kernels, 0, gradientScale); // a rate of zero only averages
      }
    }
  }

  /** One worker's share of the flat numbers {@code from} to {@code to} (exclusive). */
  private final class Range {
    private final Matrix weights;
    private final Matrix gradient;
    private final Matrix average;
    private final Matrix[] moments;

    Range(Worker worker, int from, int to, Parameters weights, Parameters gradients) {
      int blocks = (to - from + ALIGNMENT - 1) / ALIGNMENT;
      int first = from + worker.from(blocks) * ALIGNMENT;
      int last = Math.min(to, from + worker.to(blocks) * ALIGNMENT);
      this.weights = weights.flat().columns(first, last);
      this.gradient = gradients.flat().columns(first, last);
      this.average = OptimizerState.this.average.flat().columns(first, last);
      this.moments = new Matrix[OptimizerState.this.moments.length];
      for (int i = 0; i < moments.length; i++) {
        moments[i] = OptimizerState.this.moments[i].flat().columns(first, last);
      }
    }

    void update(OptimizerKernels kernels, double rate, double gradientScale) {
      long n = updates + 1;
      double decay = Math.min(averageDecay, (1.0 + n) / (10.0 + n));
      optimizer.update(kernels, weights, gradient, moments, average, n, rate, gradientScale, decay);
    }
  }
}
