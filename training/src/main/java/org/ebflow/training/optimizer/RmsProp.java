package org.ebflow.training.optimizer;

import java.util.Collections;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import org.ebflow.linalg.Matrix;
import org.ebflow.linalg.OptimizerKernels;

/**
 * RMSprop, not centred, without momentum: v ← decay·v + (1-decay)·g², p ← p - rate·g/(√v +
 * epsilon).
 *
 * <p>Source: Hinton 2012, lecture 6e; as the published recipes use it.
 *
 * @param learningRate of the first epoch
 * @param decay of the squared gradient's average
 * @param epsilon added outside the root
 * @param weightDecay L2 penalty's factor, added to the gradient
 * @param rates factors of the learning rate by the ends of parameters' names
 */
public record RmsProp(
    double learningRate,
    double decay,
    double epsilon,
    double weightDecay,
    SortedMap<String, Double> rates)
    implements Optimizer {
  /** Refuses impossible values. */
  public RmsProp {
    Ranges.requireRate(learningRate);
    Ranges.requireDecay("decay", decay);
    Ranges.requireAtLeastZero("epsilon", epsilon);
    Ranges.requireAtLeastZero("weight_decay", weightDecay);
    rates = Ranges.requireRates(rates);
  }

  /** With one learning rate for all weights. */
  public RmsProp(double learningRate, double decay, double epsilon, double weightDecay) {
    this(learningRate, decay, epsilon, weightDecay, Collections.emptySortedMap());
  }

  /** With the published decay .99, epsilon 1e-8 and no weight decay. */
  public RmsProp(double learningRate) {
    this(learningRate, 0.99, 1e-8, 0);
  }

  @Override
  public String name() {
    return "rmsprop";
  }

  @Override
  public RmsProp withRates(Map<String, Double> factors) {
    return new RmsProp(learningRate, decay, epsilon, weightDecay, new TreeMap<>(factors));
  }

  @Override
  public int moments() {
    return 1;
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
    kernels.rmsProp(
        weights,
        gradient,
        moments[0],
        average,
        rate,
        decay,
        epsilon,
        weightDecay,
        gradientScale,
        averageDecay);
  }
}
