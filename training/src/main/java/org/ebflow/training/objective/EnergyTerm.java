package org.ebflow.training.objective;

/** The regulariser weight·E(x), which prefers low energies of the data. */
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
