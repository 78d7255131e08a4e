package org.ebflow.benchmarks.peers;

import java.util.Map;
import org.ebflow.benchmarks.TimedModel;

/**
 * What a checking process prints: of each quantity the largest difference between the library and
 * libtorch, relative to the quantity's root mean square.
 */
record Errors(Map<String, Double> relative) {
  /** Float32 sums of thousands of terms in another order. */
  private static final double TOLERANCE = 1e-3;

  /** fdssm subtracts energies of nearly equal size. */
  private static final double TOLERANCE_FDSSM = 1e-2;

  /**
   * Where an input of a leaky ReLU is nearly zero, the last bit decides which slope counts: of
   * millions of inputs some are, and single elements of gradients show it.
   */
  private static final double TOLERANCE_KINKS = 5e-2;

  /** An update moves a weight near 1 by 1e-5, of which its last bit is a hundredth. */
  private static final double TOLERANCE_UPDATE = 2e-2;

  /** Throws IllegalStateException when libtorch does not compute the same. */
  void orThrow(String work, TimedModel model) {
    double sums =
        work.equals("fdssm")
            ? TOLERANCE_FDSSM
            : model.hasKinks() ? TOLERANCE_KINKS : TOLERANCE;
    relative.forEach(
        (quantity, error) -> {
          double limit = quantity.startsWith("updated") ? TOLERANCE_UPDATE : sums;
          if (!(error <= limit)) {
            throw new IllegalStateException(
                work + ", " + model.name() + ": " + quantity + " differs by " + error + ", allowed " + limit);
          }
        });
  }
}
