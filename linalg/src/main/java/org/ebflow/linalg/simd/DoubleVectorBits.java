package org.ebflow.linalg.simd;

import static org.ebflow.linalg.simd.DoubleVectorPolynomials.SPECIES;

import jdk.incubator.vector.DoubleVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.LongVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;
import org.ebflow.linalg.reference.DoublePolynomials;

/** What depends on the layout of double lanes: exponents, and 32-bit words beside them. */
final class DoubleVectorBits {
  /**
   * 32-bit words, of one width in both precisions: in a JVM that has seen two, the compiler can't
   * tell which one a word is of, and allocates it.
   */
  static final VectorSpecies<Integer> WORDS = IntVector.SPECIES_PREFERRED;

  /** From a word to a number. */
  static final VectorOperators.Conversion<Integer, Double> FROM_WORD = VectorOperators.I2D;

  private static final VectorSpecies<Long> INTEGERS = SPECIES.vectorShape().withLanes(long.class);
  private static final long FRACTION = 52;
  private static final double EXPONENT_OFFSET = 0x1p52;
  private static final double BIAS = 1023.0;

  private static final long EXPONENT_BITS = Double.doubleToRawLongBits(EXPONENT_OFFSET);
  private static final long LARGEST_POWER_BITS = Double.doubleToRawLongBits(0x1p1023);
  private static final long INFINITY_BITS = Double.doubleToRawLongBits(Double.POSITIVE_INFINITY);

  /** Factors in [1,2) whose product can't overflow. */
  private static final int FACTORS = 64;

  private static final double LN_2 = 0.6931471805599453;
  private static final int LANES = SPECIES.length();

  private DoubleVectorBits() {}

  /**
   * Σ log|x| over {@code bound} elements, a multiple of the lanes, by one logarithm of the product
   * per lane. The power of two is taken out of every factor and counted, and again out of the
   * product before it can overflow. NaN propagates, and so do 0 and ±Inf unless both occur.
   */
  static double sumOfLogs(double[] xs, int xAt, int bound) {
    DoubleVector product = DoubleVector.broadcast(SPECIES, 1.0);
    DoubleVector exponents = DoubleVector.broadcast(SPECIES, 0.0);
    for (int from = 0; from < bound; from += FACTORS * LANES) {
      int to = Math.min(bound, from + FACTORS * LANES);
      for (int i = from; i < to; i += LANES) {
        DoubleVector factor = DoubleVector.fromArray(SPECIES, xs, xAt + i);
        LongVector power = factor.reinterpretAsLongs().and(INFINITY_BITS);
        LongVector biased = power.lanewise(VectorOperators.LSHR, FRACTION).or(EXPONENT_BITS);
        exponents = exponents.add(biased.reinterpretAsDoubles().sub(EXPONENT_OFFSET + BIAS));
        LongVector inverse = LongVector.broadcast(INTEGERS, LARGEST_POWER_BITS).sub(power);
        product = product.mul(factor.mul(inverse.reinterpretAsDoubles()));
      }
      LongVector power = product.reinterpretAsLongs().and(INFINITY_BITS);
      LongVector biased = power.lanewise(VectorOperators.LSHR, FRACTION).or(EXPONENT_BITS);
      exponents = exponents.add(biased.reinterpretAsDoubles().sub(EXPONENT_OFFSET + BIAS));
      LongVector inverse = LongVector.broadcast(INTEGERS, LARGEST_POWER_BITS).sub(power);
      product = product.mul(inverse.reinterpretAsDoubles());
    }
    double powers = 0;
    double fraction = 1;
    for (int lane = 0; lane < LANES; lane++) {
      powers += exponents.lane(lane);
      fraction *= product.lane(lane);
    }
    return powers * LN_2 + DoublePolynomials.log(Math.abs(fraction));
  }

  /** Σ x·y, by twice as many sums as a vector has lanes. */
  static double dot(double[] xs, int xAt, double[] ys, int yAt, int count) {
    DoubleVector low = DoubleVector.zero(SPECIES);
    DoubleVector high = low;
    int bound = count - count % (2 * LANES);
    for (int i = 0; i < bound; i += 2 * LANES) {
      int next = i + LANES;
      DoubleVector x = DoubleVector.fromArray(SPECIES, xs, xAt + i);
      low = x.mul(DoubleVector.fromArray(SPECIES, ys, yAt + i)).add(low);
      DoubleVector after = DoubleVector.fromArray(SPECIES, xs, xAt + next);
      high = after.mul(DoubleVector.fromArray(SPECIES, ys, yAt + next)).add(high);
    }
    DoubleVector sums = low.add(high);
    double sum = 0;
    for (int lane = 0; lane < LANES; lane++) {
      sum += sums.lane(lane);
    }
    for (int i = bound; i < count; i++) {
      sum += xs[xAt + i] * ys[yAt + i];
    }
    return sum;
  }

  /**
   * Overwrites 64 numbers by +1 or -1 as a bit of the block, the lowest first, is 0 or 1. No vector
   * leaves this method: one that does is allocated where the compiler does not inline the call.
   */
  static void signs(long block, double[] ys, int yAt) {
    LongVector shift =
        LongVector.broadcast(INTEGERS, 63L).sub(LongVector.zero(INTEGERS).addIndex(1));
    for (int from = 0; from < Long.SIZE; from += LANES) {
      LongVector sign =
          LongVector.broadcast(INTEGERS, block >>> from)
              .lanewise(VectorOperators.LSHL, shift)
              .and(Long.MIN_VALUE);
      sign.or(Double.doubleToRawLongBits(1.0)).reinterpretAsDoubles().intoArray(ys, yAt + from);
    }
  }
}
