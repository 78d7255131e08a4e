package org.ebflow.linalg.simd;

import static org.ebflow.linalg.simd.FloatVectorPolynomials.SPECIES;

import jdk.incubator.vector.DoubleVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;
import org.ebflow.linalg.reference.DoublePolynomials;

/** What depends on the layout of float lanes: exponents, and 32-bit words beside them. */
final class FloatVectorBits {
  /**
   * 32-bit words, of one width in both precisions: in a JVM that has seen two, the compiler can't
   * tell which one a word is of, and allocates it.
   */
  static final VectorSpecies<Integer> WORDS = IntVector.SPECIES_PREFERRED;

  /** From a word to a number. */
  static final VectorOperators.Conversion<Integer, Float> FROM_WORD = VectorOperators.I2F;

  private static final VectorSpecies<Integer> INTEGERS = SPECIES.vectorShape().withLanes(int.class);
  private static final int FRACTION = 23;
  private static final float EXPONENT_OFFSET = 0x1p23f;
  private static final float BIAS = 127f;

  private static final int EXPONENT_BITS = Float.floatToRawIntBits(EXPONENT_OFFSET);
  private static final int LARGEST_POWER_BITS = Float.floatToRawIntBits(0x1p127f);
  private static final int INFINITY_BITS = Float.floatToRawIntBits(Float.POSITIVE_INFINITY);

  /** Factors in [1,2) whose product can't overflow. */
  private static final int FACTORS = 64;

  private static final double LN_2 = 0.6931471805599453;
  private static final int LANES = SPECIES.length();
  private static final VectorSpecies<Double> SUMS = SPECIES.vectorShape().withLanes(double.class);

  private FloatVectorBits() {}

  /**
   * Σ log|x| over {@code bound} elements, a multiple of the lanes, by one logarithm of the product
   * per lane. The power of two is taken out of every factor and counted, and again out of the
   * product before it can overflow. NaN propagates, and so do 0 and ±Inf unless both occur.
   */
  static double sumOfLogs(float[] xs, int xAt, int bound) {
    FloatVector product = FloatVector.broadcast(SPECIES, 1f);
    FloatVector exponents = FloatVector.broadcast(SPECIES, 0f);
    for (int from = 0; from < bound; from += FACTORS * LANES) {
      int to = Math.min(bound, from + FACTORS * LANES);
      for (int i = from; i < to; i += LANES) {
        FloatVector factor = FloatVector.fromArray(SPECIES, xs, xAt + i);
        IntVector power = factor.reinterpretAsInts().and(INFINITY_BITS);
        IntVector biased = power.lanewise(VectorOperators.LSHR, FRACTION).or(EXPONENT_BITS);
        exponents = exponents.add(biased.reinterpretAsFloats().sub(EXPONENT_OFFSET + BIAS));
        IntVector inverse = IntVector.broadcast(INTEGERS, LARGEST_POWER_BITS).sub(power);
        product = product.mul(factor.mul(inverse.reinterpretAsFloats()));
      }
      IntVector power = product.reinterpretAsInts().and(INFINITY_BITS);
      IntVector biased = power.lanewise(VectorOperators.LSHR, FRACTION).or(EXPONENT_BITS);
      exponents = exponents.add(biased.reinterpretAsFloats().sub(EXPONENT_OFFSET + BIAS));
      IntVector inverse = IntVector.broadcast(INTEGERS, LARGEST_POWER_BITS).sub(power);
      product = product.mul(inverse.reinterpretAsFloats());
    }
    double powers = 0;
    double fraction = 1;
    for (int lane = 0; lane < LANES; lane++) {
      powers += exponents.lane(lane);
      fraction *= product.lane(lane);
    }
    return powers * LN_2 + DoublePolynomials.log(Math.abs(fraction));
  }

  /** Σ x·y in float64, by as many sums as a float vector has lanes. */
  static double dot(float[] xs, int xAt, float[] ys, int yAt, int count) {
    DoubleVector low = DoubleVector.zero(SUMS);
    DoubleVector high = low;
    int bound = SPECIES.loopBound(count);
    for (int i = 0; i < bound; i += LANES) {
      FloatVector x = FloatVector.fromArray(SPECIES, xs, xAt + i);
      FloatVector y = FloatVector.fromArray(SPECIES, ys, yAt + i);
      low =
          ((DoubleVector) x.convertShape(VectorOperators.F2D, SUMS, 0))
              .mul(y.convertShape(VectorOperators.F2D, SUMS, 0))
              .add(low);
      high =
          ((DoubleVector) x.convertShape(VectorOperators.F2D, SUMS, 1))
              .mul(y.convertShape(VectorOperators.F2D, SUMS, 1))
              .add(high);
    }
    DoubleVector sums = low.add(high);
    double sum = 0;
    for (int lane = 0; lane < SUMS.length(); lane++) {
      sum += sums.lane(lane);
    }
    for (int i = bound; i < count; i++) {
      sum += (double) xs[xAt + i] * ys[yAt + i];
    }
    return sum;
  }

  /**
   * Overwrites 64 numbers by +1 or -1 as a bit of the block, the lowest first, is 0 or 1. No vector
   * leaves this method: one that does is allocated where the compiler does not inline the call.
   */
  static void signs(long block, float[] ys, int yAt) {
    IntVector shift = IntVector.broadcast(INTEGERS, 31).sub(IntVector.zero(INTEGERS).addIndex(1));
    for (int from = 0; from < Long.SIZE; from += LANES) {
      IntVector sign =
          IntVector.broadcast(INTEGERS, (int) (block >>> from))
              .lanewise(VectorOperators.LSHL, shift)
              .and(Integer.MIN_VALUE);
      sign.or(Float.floatToRawIntBits(1f)).reinterpretAsFloats().intoArray(ys, yAt + from);
    }
  }
}
