package org.ebflow.training.optimizer;

import java.util.Collections;
import java.util.SortedMap;
import java.util.TreeMap;

/** Which hyper-parameters are possible. */
final class Ranges {
  private Ranges() {}

  static void requireRate(double value) {
    require(value > 0, "lr", value, "a number above 0");
  }

  static void requireDecay(String name, double value) {
    require(value >= 0 && value < 1, name, value, "0 <= " + name + " < 1");
  }

  static void requireAtLeastZero(String name, double value) {
    require(value >= 0, name, value, "a number, 0 or above");
  }

  /** An unmodifiable copy of factors that are possible. */
  static SortedMap<String, Double> requireRates(SortedMap<String, Double> factors) {
    factors.forEach(
        (name, factor) ->
            requireAtLeastZero("rates." + name, factor == null ? Double.NaN : factor));
    return Collections.unmodifiableSortedMap(new TreeMap<>(factors));
  }

  private static void require(boolean holds, String name, double value, String expected) {
    if (!holds || Double.isInfinite(value)) {
      throw new IllegalArgumentException(name + " is " + value + ", expected " + expected);
    }
  }
}
