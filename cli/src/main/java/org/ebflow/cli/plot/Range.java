package org.ebflow.cli.plot;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;

/** The part of an axis that a plot shows. */
record Range(double min, double max) {
  private static final double MARGIN = .06;

  /** From the smallest to the largest of some values and a margin; never empty. */
  static Range of(double[] values) {
    return between(values, 0, 1);
  }

  /**
   * Between two quantiles of some values and a margin, so that few far values don't flatten the
   * rest; never empty.
   */
  static Range between(double[] values, double lowQuantile, double highQuantile) {
    double[] sorted = Arrays.stream(values).filter(Double::isFinite).sorted().toArray();
    if (sorted.length == 0) {
      return new Range(0, 1);
    }
    double low = sorted[(int) Math.floor(lowQuantile * (sorted.length - 1))];
    double high = sorted[(int) Math.ceil(highQuantile * (sorted.length - 1))];
    double width = high - low;
    double margin =
        width > Math.ulp(Math.max(Math.abs(low), Math.abs(high))) * 8
            ? width * MARGIN
            : Math.max(1e-9, Math.abs(low) * MARGIN);
    return new Range(low - margin, high + margin);
  }

  /** Where a value lies, 0 at the minimum and 1 at the maximum. */
  double share(double value) {
    return (value - min) / (max - min);
  }

  /** The value at a share of the range. */
  double at(double share) {
    return min + share * (max - min);
  }

  boolean contains(double value) {
    return value >= min && value <= max;
  }

  /** Distance of ticks: 1, 2 or 5 times a power of ten, so that about {@code count} fit. */
  private double step(int count) {
    double rough = (max - min) / count;
    double power = Math.pow(10, Math.floor(Math.log10(rough)));
    double digit = rough / power;
    return power * (digit < 1.5 ? 1 : digit < 3.5 ? 2 : digit < 7.5 ? 5 : 10);
  }

  /** Round values inside the range, about {@code count} of them. */
  List<Double> ticks(int count) {
    double step = step(count);
    List<Double> ticks = new ArrayList<>();
    for (long i = (long) Math.ceil(min / step); i * step <= max && ticks.size() <= 2 * count; i++) {
      ticks.add(i * step);
    }
    return ticks;
  }

  /**
   * How a tick among {@code count} is written: with the digits that tell it from its neighbours.
   */
  String label(double tick, int count) {
    double step = step(count);
    double largest = Math.max(Math.abs(min), Math.abs(max));
    if (largest >= 1e6 || step < 1e-4) {
      return tick == 0
          ? "0"
          : String.format(Locale.ROOT, "%.2e", tick)
              .replaceFirst("\\.?0*e", "e")
              .replaceFirst("e\\+?(-?)0*", "e$1");
    }
    int decimals = Math.max(0, (int) -Math.floor(Math.log10(step) + 1e-9));
    String text = String.format(Locale.ROOT, "%." + decimals + "f", tick);
    return (text.startsWith("-") && Double.parseDouble(text) == 0 ? text.substring(1) : text)
        .replace('-', '\u2212');
  }
}
