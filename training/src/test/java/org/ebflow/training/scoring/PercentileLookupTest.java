package org.ebflow.training.scoring;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

final class PercentileLookupTest {
  private static Stream<double[]> samples() {
    Random random = new Random(4);
    double[] normal = random.doubles(20_000).map(u -> random.nextGaussian() - 60).toArray();
    double[] heavy = Arrays.stream(normal).map(x -> x + Math.exp(9 * (x + 60))).toArray();
    double[] tied = Arrays.stream(normal).map(Math::rint).toArray();
    double[] huge = Arrays.stream(normal).map(x -> (x + 60) * 1e307).toArray();
    double[] subnormal = Arrays.stream(normal).map(x -> (x + 60) * 1e-320).toArray();
    return Stream.of(
        normal, heavy, tied, huge, subnormal, new double[0], new double[] {3}, new double[] {3, 3});
  }

  @ParameterizedTest
  @MethodSource("samples")
  void percentilesAreThoseOfTheDistribution(double[] sample) {
    EmpiricalDistribution distribution =
        sample.length == 0 ? EmpiricalDistribution.unknown() : EmpiricalDistribution.of(sample);
    PercentileLookup lookup = new PercentileLookup(distribution);
    for (double x : sample) {
      same(lookup, distribution, x);
      same(lookup, distribution, Math.nextUp(x));
      same(lookup, distribution, x + 0.37);
    }
    for (double x :
        new double[] {Double.NEGATIVE_INFINITY, -Double.MAX_VALUE, -0.0, 0, 1e9, Double.NaN}) {
      same(lookup, distribution, x);
    }
  }

  private static void same(PercentileLookup lookup, EmpiricalDistribution distribution, double x) {
    assertThat(lookup.percentile(x, 1e-4)).isEqualTo((Double) distribution.percentile(x, 1e-4));
  }
}
