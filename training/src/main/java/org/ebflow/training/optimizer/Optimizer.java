package org.ebflow.training.optimizer;

import java.util.Map;
import java.util.SortedMap;
import org.ebflow.linalg.Matrix;
import org.ebflow.linalg.OptimizerKernels;

/**
 * Rule by which a gradient moves the weights; holds hyper-parameters only, its moments lie in
 * {@link OptimizerState}.
 */
public sealed interface Optimizer permits RmsProp, Adam {
  /** Name in recipes: rmsprop, adam or adamw. */
  String name();

  /** Learning rate before any schedule. */
  double learningRate();

  /**
   * Factors of the learning rate for some parameters, by the ends of their dotted names in the
   * model file: {@code bias} for all biases, {@code network.5.log_scale} for those in networks. Of
   * several that fit, the longest counts. The others have 1, and 0 keeps them as they are. Empty
   * unless told otherwise.
   */
  SortedMap<String, Double> rates();

  /**
   * The same rule with those {@link #rates}.
   *
   * @throws IllegalArgumentException if a factor is below 0 or not finite
   */
  Optimizer withRates(Map<String, Double> factors);

  /** How many numbers it keeps per weight. */
  int moments();

  /**
   * Updates weights and their moving average.
   *
   * @param weights read and overwritten, [1,count]
   * @param gradient read, sums over the batch
   * @param moments read and overwritten, {@link #moments} of them
   * @param average read and overwritten
   * @param step number of this update, 1 for the first
   * @param rate learning rate of this step
   * @param gradientScale factor of the sums: 1/B and clipping
   * @param averageDecay decay of the moving average
   */
  void update(
      OptimizerKernels kernels,
      Matrix weights,
      Matrix gradient,
      Matrix[] moments,
      Matrix average,
      long step,
      double rate,
      double gradientScale,
      double averageDecay);
}
