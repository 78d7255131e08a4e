package org.ebflow.training.optimizer;

import java.util.Collections;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import org.ebflow.linalg.Matrix;
import org.ebflow.linalg.OptimizerKernels;

/**
 * Adam, and AdamW when the weight decay is decoupled.
 *
 * <p>Source: Kingma and Ba 2015; Loshchilov and Hutter 2019.
 *
 * @param learningRate of the first epoch
 * @param beta1 decay of the gradient's average
 * @param beta2 decay of the squared gradient's average
 * @param epsilon added to the root
 * @param weightDecay L2 penalty's factor in the gradient, or the decoupled decay of the weights
 * @param decoupled whether the decay acts on the weights themselves (AdamW); at the rate of the
 *     weight, as {@link #rates} make it
 * @param rates factors of the learning rate by the ends of parameters' names
 */
public record Adam(
    double learningRate,
    double beta1,
    double beta2,
    double epsilon,
    double weightDecay,
    boolean decoupled,
    SortedMap<String, Double> rates)
    implements Optimizer {
  /** Refuses impossible values. */
  public Adam {
    Ranges.requireRate(learningRate);
    Ranges.requireDecay("beta1", beta1);
    Ranges.requireDecay("beta2", beta2);
    Ranges.requireAtLeastZero("epsilon", epsilon);
    Ranges.requireAtLeastZero("weight_decay", weightDecay);
    rates = Ranges.requireRates(rates);
  }

  /** With one learning rate for all weights. */
  public Adam(
      double learningRate,
      double beta1,
      double beta2,
      double epsilon,
      double weightDecay,
      boolean decoupled) {
    this(learningRate, beta1, beta2, epsilon, weightDecay, decoupled, Collections.emptySortedMap());
  }

  /** With the usual .9, .999, 1e-8 and no weight decay. */
  public Adam(double learningRate) {
    this(learningRate, 0.9, 0.999, 1e-8, 0, false);
  }

  @Override
  public String name() {
    return decoupled ? "adamw" : "adam";
  }

  @Override
  public Adam withRates(Map<String, Double> factors) {
    return new Adam(
        learningRate, beta1, beta2, epsilon, weightDecay, decoupled, new TreeMap<>(factors));
  }

  @Override
  public int moments() {
    return 2;
  }

  @Override
  public void update(
      OptimizerKernels kernels,
      Matrix weights,
      Matrix gradient,
      Matrix[] moments,
      Matrix average,
      long step,
      double rate,
      double gradientScale,
      double averageDecay) {
    kernels.adam(
        weights,
        gradient,
        moments[0],
        moments[1],
        average,
        rate,
        beta1,
        beta2,
        epsilon,
        1 - StrictMath.pow(beta1, (double) step),
        1 - StrictMath.pow(beta2, (double) step),
        weightDecay,
        decoupled,
        gradientScale,
        averageDecay);
  }
}
