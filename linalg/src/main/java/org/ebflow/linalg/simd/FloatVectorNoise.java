package org.ebflow.linalg.simd;

import static org.ebflow.linalg.simd.FloatVectorBits.FROM_WORD;
import static org.ebflow.linalg.simd.FloatVectorBits.WORDS;
import static org.ebflow.linalg.simd.FloatVectorPolynomials.SPECIES;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;
import org.ebflow.linalg.Matrix;
import org.ebflow.linalg.NoiseKernels;
import org.ebflow.linalg.reference.FloatNoise;
import org.ebflow.linalg.reference.Threefry;

/** Noise in float32 vectors; which word makes which element is said in {@link FloatNoise}. */
public final class FloatVectorNoise implements NoiseKernels {
  private static final int LANES = SPECIES.length();

  /**
   * In float64 a vector of words makes two of numbers. The code of both stands below: a loop would
   * hide the part from the compiler, which needs it constant.
   */
  private static final boolean IN_TWO_PARTS = WORDS.length() > LANES;

  private static final int PARITY = 0x1BD11BDA;

  @Override
  public void rademacher(long key, long firstRow, Matrix out) {
    for (int r = 0; r < out.rows(); r++) {
      long rowKey = Threefry.block(key, firstRow + r);
      rademacher(rowKey, out.floats(), out.offset() + r * out.columns(), out.columns());
    }
  }

  private static void rademacher(long rowKey, float[] ys, int yAt, int width) {
    int c = 0;
    for (; c <= width - Long.SIZE; c += Long.SIZE) {
      FloatVectorBits.signs(Threefry.block(rowKey, c / Long.SIZE), ys, yAt + c);
    }
    if (c < width) {
      long block = Threefry.block(rowKey, c / Long.SIZE);
      for (; c < width; c++) {
        ys[yAt + c] = FloatNoise.sign(block, c);
      }
    }
  }

  @Override
  public void uniform(long key, long firstRow, Matrix out) {
    for (int r = 0; r < out.rows(); r++) {
      long rowKey = Threefry.block(key, firstRow + r);
      uniform(rowKey, out.floats(), out.offset() + r * out.columns(), out.columns());
    }
  }

  private static void uniform(long rowKey, float[] ys, int yAt, int width) {
    int half = (width + 1) / 2;
    int j = WORDS.loopBound(width - half);
    words(rowKey, ys, yAt, yAt + half, j);
    fractions(ys, yAt, j);
    fractions(ys, yAt + half, j);
    for (; j < half; j++) {
      long block = Threefry.block(rowKey, j);
      ys[yAt + j] = FloatNoise.uniform((int) block);
      if (j + half < width) {
        ys[yAt + half + j] = FloatNoise.uniform((int) (block >>> Integer.SIZE));
      }
    }
  }

  @Override
  public void gaussian(long key, long firstRow, Matrix out) {
    for (int r = 0; r < out.rows(); r++) {
      long rowKey = Threefry.block(key, firstRow + r);
      gaussian(rowKey, out.floats(), out.offset() + r * out.columns(), out.columns());
    }
  }

  @Override
  public void antithetic(long key, long firstRow, Matrix out) {
    float[] ys = out.floats();
    int width = out.columns();
    for (int r = 0; r < out.rows(); r++) {
      long row = firstRow + r;
      int yAt = out.offset() + r * width;
      boolean negative = (row & 1) != 0;
      boolean drawn = negative && r > 0; // its partner is the row above
      if (!drawn) {
        gaussian(Threefry.block(key, row >> 1), ys, yAt, width);
      }
      if (negative) {
        negate(ys, drawn ? yAt - width : yAt, yAt, width);
      }
    }
  }

  private static void negate(float[] ys, int fromAt, int toAt, int width) {
    for (int c = 0; c < width; c++) {
      ys[toAt + c] = -ys[fromAt + c];
    }
  }

  private static void gaussian(long rowKey, float[] ys, int yAt, int width) {
    int half = (width + 1) / 2;
    int j = WORDS.loopBound(width - half);
    words(rowKey, ys, yAt, yAt + half, j);
    openFractions(ys, yAt, j);
    turns(ys, yAt + half, j);
    FloatVectorPolynomials.log(-2f, ys, yAt, j);
    roots(ys, yAt, j);
    FloatVectorPolynomials.polar(ys, yAt, yAt + half, j);
    for (; j < half; j++) {
      long block = Threefry.block(rowKey, j);
      float radius = FloatNoise.radius(FloatNoise.open((int) block));
      float angle = FloatNoise.turns((int) (block >>> Integer.SIZE));
      ys[yAt + j] = radius * FloatNoise.cos(angle);
      if (j + half < width) {
        ys[yAt + half + j] = radius * FloatNoise.sin(angle);
      }
    }
  }

  /**
   * The bits of both words of the blocks 0…bound, each vector of words where the first of its
   * numbers will be. Conversions have loops of their own: this one is so long that the compiler
   * inlines its end late, and a conversion inlined late may allocate in every call
   * (docs/tried-and-rejected.md, 2026-11-27).
   */
  private static void words(long rowKey, float[] ys, int firstAt, int secondAt, int bound) {
    int k0 = (int) rowKey;
    int k1 = (int) (rowKey >>> Integer.SIZE);
    int k2 = k0 ^ k1 ^ PARITY;
    for (int j = 0; j < bound; j += WORDS.length()) {
      IntVector x0 = IntVector.broadcast(WORDS, j + k0).addIndex(1);
      IntVector x1 = IntVector.broadcast(WORDS, k1);
      x0 = x0.add(x1);
      x1 = x1.lanewise(VectorOperators.ROL, 13).lanewise(VectorOperators.XOR, x0);
      x0 = x0.add(x1);
      x1 = x1.lanewise(VectorOperators.ROL, 15).lanewise(VectorOperators.XOR, x0);
      x0 = x0.add(x1);
      x1 = x1.lanewise(VectorOperators.ROL, 26).lanewise(VectorOperators.XOR, x0);
      x0 = x0.add(x1);
      x1 = x1.lanewise(VectorOperators.ROL, 6).lanewise(VectorOperators.XOR, x0);
      x0 = x0.add(k1);
      x1 = x1.add(k2 + 1);
      x0 = x0.add(x1);
      x1 = x1.lanewise(VectorOperators.ROL, 17).lanewise(VectorOperators.XOR, x0);
      x0 = x0.add(x1);
      x1 = x1.lanewise(VectorOperators.ROL, 29).lanewise(VectorOperators.XOR, x0);
      x0 = x0.add(x1);
      x1 = x1.lanewise(VectorOperators.ROL, 16).lanewise(VectorOperators.XOR, x0);
      x0 = x0.add(x1);
      x1 = x1.lanewise(VectorOperators.ROL, 24).lanewise(VectorOperators.XOR, x0);
      x0 = x0.add(k2);
      x1 = x1.add(k0 + 2);
      x0 = x0.add(x1);
      x1 = x1.lanewise(VectorOperators.ROL, 13).lanewise(VectorOperators.XOR, x0);
      x0 = x0.add(x1);
      x1 = x1.lanewise(VectorOperators.ROL, 15).lanewise(VectorOperators.XOR, x0);
      x0 = x0.add(x1);
      x1 = x1.lanewise(VectorOperators.ROL, 26).lanewise(VectorOperators.XOR, x0);
      x0 = x0.add(x1);
      x1 = x1.lanewise(VectorOperators.ROL, 6).lanewise(VectorOperators.XOR, x0);
      x0 = x0.add(k0);
      x1 = x1.add(k1 + 3);
      x0 = x0.add(x1);
      x1 = x1.lanewise(VectorOperators.ROL, 17).lanewise(VectorOperators.XOR, x0);
      x0 = x0.add(x1);
      x1 = x1.lanewise(VectorOperators.ROL, 29).lanewise(VectorOperators.XOR, x0);
      x0 = x0.add(x1);
      x1 = x1.lanewise(VectorOperators.ROL, 16).lanewise(VectorOperators.XOR, x0);
      x0 = x0.add(x1);
      x1 = x1.lanewise(VectorOperators.ROL, 24).lanewise(VectorOperators.XOR, x0);
      x0 = x0.add(k1);
      x1 = x1.add(k2 + 4);
      x0 = x0.add(x1);
      x1 = x1.lanewise(VectorOperators.ROL, 13).lanewise(VectorOperators.XOR, x0);
      x0 = x0.add(x1);
      x1 = x1.lanewise(VectorOperators.ROL, 15).lanewise(VectorOperators.XOR, x0);
      x0 = x0.add(x1);
      x1 = x1.lanewise(VectorOperators.ROL, 26).lanewise(VectorOperators.XOR, x0);
      x0 = x0.add(x1);
      x1 = x1.lanewise(VectorOperators.ROL, 6).lanewise(VectorOperators.XOR, x0);
      x0 = x0.add(k2);
      x1 = x1.add(k0 + 5);
      x0.reinterpretAsFloats().intoArray(ys, firstAt + j);
      x1.reinterpretAsFloats().intoArray(ys, secondAt + j);
    }
  }

  /** Words as {@link FloatNoise#uniform(int)}, in place. */
  private static void fractions(float[] ys, int yAt, int bound) {
    for (int j = 0; j < bound; j += WORDS.length()) {
      IntVector word = FloatVector.fromArray(SPECIES, ys, yAt + j).reinterpretAsInts();
      IntVector high = word.lanewise(VectorOperators.LSHR, 8);
      ((FloatVector) high.convertShape(FROM_WORD, SPECIES, 0)).mul(0x1p-24f).intoArray(ys, yAt + j);
      if (IN_TWO_PARTS) {
        ((FloatVector) high.convertShape(FROM_WORD, SPECIES, 1))
            .mul(0x1p-24f)
            .intoArray(ys, yAt + j + LANES);
      }
    }
  }

  /** Words as {@link FloatNoise#open}, in place. */
  private static void openFractions(float[] ys, int yAt, int bound) {
    for (int j = 0; j < bound; j += WORDS.length()) {
      IntVector word = FloatVector.fromArray(SPECIES, ys, yAt + j).reinterpretAsInts();
      IntVector high = word.lanewise(VectorOperators.LSHR, 16);
      IntVector low = word.and(0xFFFF);
      ((FloatVector) high.convertShape(FROM_WORD, SPECIES, 0))
          .fma(
              FloatVector.broadcast(SPECIES, 0x1p16f),
              ((FloatVector) low.convertShape(FROM_WORD, SPECIES, 0)).add(0.5f))
          .mul(0x1p-32f)
          .intoArray(ys, yAt + j);
      if (IN_TWO_PARTS) {
        ((FloatVector) high.convertShape(FROM_WORD, SPECIES, 1))
            .fma(
                FloatVector.broadcast(SPECIES, 0x1p16f),
                ((FloatVector) low.convertShape(FROM_WORD, SPECIES, 1)).add(0.5f))
            .mul(0x1p-32f)
            .intoArray(ys, yAt + j + LANES);
      }
    }
  }

  /** Words as {@link FloatNoise#turns}, in place. */
  private static void turns(float[] ys, int yAt, int bound) {
    for (int j = 0; j < bound; j += WORDS.length()) {
      IntVector word = FloatVector.fromArray(SPECIES, ys, yAt + j).reinterpretAsInts();
      ((FloatVector) word.convertShape(FROM_WORD, SPECIES, 0)).mul(0x1p-32f).intoArray(ys, yAt + j);
      if (IN_TWO_PARTS) {
        ((FloatVector) word.convertShape(FROM_WORD, SPECIES, 1))
            .mul(0x1p-32f)
            .intoArray(ys, yAt + j + LANES);
      }
    }
  }

  private static void roots(float[] ys, int yAt, int bound) {
    for (int j = 0; j < bound; j += LANES) {
      FloatVector.fromArray(SPECIES, ys, yAt + j).sqrt().intoArray(ys, yAt + j);
    }
  }
}
