package org.ebflow.training.objective;

/** The low-energy regulariser, weight·E(x). */
final class EnergyTerm {
  private EnergyTerm() {}

  /** Refuses impossible weights. */
  static void requireWeight(double weight) {
    if (!(weight >= 0 && weight < Double.POSITIVE_INFINITY)) {
      throw new IllegalArgumentException(
          "lambda gives the energy the weight " + weight + ", expected zero or a positive number");
    }
  }
}
