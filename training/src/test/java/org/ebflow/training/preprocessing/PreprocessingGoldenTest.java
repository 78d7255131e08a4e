package org.ebflow.training.preprocessing;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import java.util.function.IntToDoubleFunction;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.ebflow.flow.Flow;
import org.ebflow.golden.GoldenCase;
import org.ebflow.linalg.Blas;
import org.ebflow.linalg.Matrix;
import org.ebflow.linalg.Precision;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** The preprocessing of images, as training and scoring build it, against reference values. */
class PreprocessingGoldenTest {
  private static final Blas BLAS = Blas.named("openblas");

  /**
   * What a float32 pixel between ½ and 1 is off by after two roundings: the logit then is off by
   * that over y(1-y), a few hundredths where the shrunk pixel y is 1 - 1e-6.
   */
  private static final double PIXEL = 0x1p-24;

  static Stream<Arguments> cases() {
    return Stream.of(.5, .75, 1.0)
        .flatMap(
            smoothness ->
                Stream.of(Precision.values())
                    .map(precision -> Arguments.of(smoothness, precision)));
  }

  private final GoldenCase golden = GoldenCase.open("preprocess");
  private final int levels = (int) golden.hyper("scale");
  private final int dimension = golden.matrix("image").columns();

  private Flow flow(double smoothness, Precision precision) {
    return requireNonNull(
        Preprocessing.logit(dimension, levels, smoothness).flow(dimension, precision));
  }

  private static String suffix(double smoothness) {
    return "_alpha" + String.valueOf(smoothness).replace('.', 'p');
  }

  private static double tolerance(Precision precision) {
    return precision == Precision.FLOAT64 ? 1e-9 : 1e-4;
  }

  @ParameterizedTest
  @MethodSource("cases")
  void valuesAndLogDeterminantsMatchTheReference(double smoothness, Precision precision) {
    Flow flow = flow(smoothness, precision);
    Matrix pixels = golden.matrix("image");
    Matrix noise = golden.matrix("noise");
    for (int i = 0; i < pixels.size(); i++) {
      pixels.doubles()[i] += noise.doubles()[i];
    }
    Matrix rows = pixels.copy(precision);

    assertThat(flow.precision()).isEqualTo(precision);
    assertClose(
        flow.part(0, 1).forward(rows, BLAS), golden.values("stage_shrunk"), tolerance(precision));
    double[] logit = golden.values("x" + suffix(smoothness));
    double[] shrunk = golden.values("stage_shrunk");
    double pixel = precision == Precision.FLOAT64 ? 0 : PIXEL;
    Matrix y = flow.forward(rows, BLAS);
    assertClose(
        flat(y),
        logit,
        tolerance(precision),
        i -> pixel / (smoothness * shrunk[i] * (1 - shrunk[i])));

    double[] logProb = flow.logProb(rows, BLAS); // log N(y; 0, I) + log|det|
    double[] logDet =
        IntStream.range(0, logProb.length)
            .mapToDouble(r -> logProb[r] - logOfStandardNormal(y.toRows()[r]))
            .toArray();
    assertClose(
        logDet,
        golden.values("logdet" + suffix(smoothness)),
        tolerance(precision),
        r ->
            Arrays.stream(shrunk, r * dimension, (r + 1) * dimension)
                .map(at -> pixel * Math.abs(1 / at - 1 / (1 - at)))
                .sum());
  }

  @ParameterizedTest
  @MethodSource("cases")
  void theInverseMatchesTheReference(double smoothness, Precision precision) {
    Matrix latents = golden.matrix("rev_in" + suffix(smoothness)).copy(precision);

    assertClose(
        flow(smoothness, precision).inverse(latents, BLAS),
        golden.values("rev_cont" + suffix(smoothness)),
        tolerance(precision));
  }

  private static double logOfStandardNormal(double[] row) {
    double squares = Arrays.stream(row).map(value -> value * value).sum();
    return -.5 * squares - .5 * row.length * Math.log(2 * Math.PI);
  }

  private static double[] flat(Matrix matrix) {
    return Arrays.stream(matrix.toRows()).flatMapToDouble(Arrays::stream).toArray();
  }

  private static void assertClose(Matrix found, double[] expected, double tolerance) {
    assertClose(flat(found), expected, tolerance, i -> 0);
  }

  /** Errors count relative to the largest number; element i may be off by {@code more} beyond. */
  private static void assertClose(
      double[] found, double[] expected, double tolerance, IntToDoubleFunction more) {
    assertThat(found).hasSameSizeAs(expected);
    double largest = Arrays.stream(expected).map(Math::abs).max().orElseThrow();
    for (int i = 0; i < found.length; i++) {
      assertThat(found[i])
          .as("element %d", i)
          .isCloseTo(expected[i], within(tolerance * largest + more.applyAsDouble(i)));
    }
  }
}
