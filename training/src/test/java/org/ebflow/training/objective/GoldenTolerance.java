package org.ebflow.training.objective;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import org.ebflow.linalg.Matrix;
import org.ebflow.linalg.Precision;

/**
 * How closely losses and gradients match reference values.
 *
 * @param value relative error of a loss
 * @param gradient error of a gradient's element relative to the largest element of its block
 */
record GoldenTolerance(double value, double gradient) {
  static GoldenTolerance of(Precision precision, String loss, double radius) {
    if (precision == Precision.FLOAT64) {
      return new GoldenTolerance(1e-9, 1e-7);
    }
    // fdssm subtracts energies of nearly equal size and divides by the squared radius
    double single = loss.equals("fdssm") ? 1e-3 * Math.max(1, 1 / (radius * radius)) : 1e-4;
    return new GoldenTolerance(single, single);
  }

  void assertGradient(String name, Matrix gradient, double[] reference, double factor) {
    double scale = Arrays.stream(reference).map(Math::abs).max().orElseThrow() * factor;
    double[] found = Arrays.stream(gradient.toRows()).flatMapToDouble(Arrays::stream).toArray();
    assertThat(found).as(name).hasSameSizeAs(reference);
    for (int i = 0; i < found.length; i++) {
      assertThat(found[i])
          .as("%s, element %d", name, i)
          .isCloseTo(factor * reference[i], within(gradient() * scale));
    }
  }
}
