package org.ebflow.linalg;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

/** Rounding to bfloat16, and products of what is rounded. */
class BFloat16Test {
  private static final boolean[] BOTH = {false, true};
  private static final int[][] SHAPES = {
    {1, 1, 1}, {2, 3, 5}, {7, 1, 9}, {1, 17, 4}, {13, 33, 31}, {43, 64, 43}, {37, 97, 301}
  };
  private static final short UNTOUCHED = 77;

  private final BFloat16Kernels reference = KernelChoice.reference(Precision.FLOAT32).bfloat16();
  private final BFloat16Kernels fastest = KernelChoice.fastest(Precision.FLOAT32).bfloat16();

  /** Skipped, and reported so, where the processor has no such products. */
  private static Blas blas() {
    Blas blas = Blas.named("onednn");
    assumeTrue(blas.multipliesBFloat16(), "oneDNN has no bfloat16 products on this processor");
    return blas;
  }

  /** Every upper half with lower halves at and around the tie. */
  private static float[] everyUpperHalf() {
    int[] lower = {0, 1, 0x7fff, 0x8000, 0x8001, 0xffff};
    float[] all = new float[(1 << 16) * lower.length];
    for (int i = 0; i < all.length; i++) {
      all[i] = Float.intBitsToFloat((i / lower.length) << 16 | lower[i % lower.length]);
    }
    return all;
  }

  private static BFloat16Matrix rounded(BFloat16Kernels kernels, float[] numbers) {
    BFloat16Matrix result = BFloat16Matrix.allocate(1, numbers.length);
    kernels.round(Matrix.of(numbers, 1, numbers.length), result);
    return result;
  }

  /** The rounded matrix; x becomes what it holds. */
  private static BFloat16Matrix round(Matrix x) {
    BFloat16Matrix result = BFloat16Matrix.allocate(x.rows(), x.columns());
    KernelChoice.fastest(Precision.FLOAT32).bfloat16().round(x.copy(Precision.FLOAT32), result);
    for (int r = 0; r < x.rows(); r++) {
      for (int c = 0; c < x.columns(); c++) {
        x.set(r, c, result.get(r, c));
      }
    }
    return result;
  }

  /** The library has some there too, hundreds of times slower than its float32 products. */
  @Test
  void thereAreNoProductsWithoutInstructionsForThem() throws Exception {
    ProcessBuilder child = ChildJvm.of(HasProducts.class, List.of());
    child.environment().put("ONEDNN_MAX_CPU_ISA", "AVX2");
    Process process = child.start();
    assertThat(process.inputReader().readLine()).isEqualTo("false");
    assertThat(process.waitFor()).isZero();
  }

  /** Prints whether oneDNN multiplies bfloat16 numbers here. */
  static final class HasProducts {
    private HasProducts() {}

    public static void main(String[] arguments) {
      System.out.println(Blas.named("onednn").multipliesBFloat16());
    }
  }

  @Test
  void rowsMayLieApart() {
    float[] numbers = everyUpperHalf();
    int width = numbers.length / 6 - 5;
    Matrix x = Matrix.of(numbers, 6, numbers.length / 6).columns(3, 3 + width);
    BFloat16Matrix whole = rounded(reference, numbers);
    for (BFloat16Kernels kernels : List.of(reference, fastest)) {
      BFloat16Matrix found = BFloat16Matrix.allocate(6, width);
      kernels.round(x, found);
      for (int r = 0; r < 6; r++) {
        int at = r * x.stride() + 3;
        assertThat(Arrays.copyOfRange(found.array(), r * width, (r + 1) * width))
            .isEqualTo(Arrays.copyOfRange(whole.array(), at, at + width));
      }
    }
  }

  @Test
  void theNearestIsTakenAndTheEvenOneOfTwo() {
    float[] numbers = everyUpperHalf();
    BFloat16Matrix found = rounded(reference, numbers);
    for (int i = 0; i < numbers.length; i++) {
      float x = numbers[i];
      float y = found.get(0, i);
      if (Float.isNaN(x)) {
        assertThat(y).isNaN();
        continue;
      }
      // |x| lies between two neighbours, the upper of which may be infinite; a tie is 0x8000
      int bits = Float.floatToRawIntBits(x);
      int down = bits & 0xffff0000;
      int lower = bits & 0xffff;
      boolean even = (down >>> 16 & 1) == 0;
      boolean stays = lower < 0x8000 || (lower == 0x8000 && even);
      assertThat(y).isEqualTo(Float.intBitsToFloat(stays ? down : down + (1 << 16)));
    }
  }

  @Test
  void vectorsGiveTheBitsOfTheReference() {
    float[] numbers = everyUpperHalf();
    assertThat(rounded(fastest, numbers).array()).isEqualTo(rounded(reference, numbers).array());
  }

  @Test
  void nothingBesideTheViewIsTouched() {
    for (int width = 1; width <= 35; width++) {
      float[] numbers = new float[3 * width];
      for (int i = 0; i < numbers.length; i++) {
        numbers[i] = 1 + i / 3f;
      }
      BFloat16Matrix whole = BFloat16Matrix.allocate(3, width);
      Arrays.fill(whole.array(), UNTOUCHED);
      Matrix x = Matrix.of(numbers, 3, width);
      fastest.round(x.rows(1, 2), whole.rows(1, 2));
      for (int c = 0; c < width; c++) {
        assertThat(whole.array()[c]).isEqualTo(UNTOUCHED);
        assertThat(whole.array()[2 * width + c]).isEqualTo(UNTOUCHED);
        assertThat(whole.get(1, c)).isEqualTo(rounded(reference, numbers).get(0, width + c));
      }
    }
  }

  @Test
  void productsMatchPlainLoopsOnTheRoundedNumbers() {
    Blas blas = blas();
    for (int[] shape : SHAPES) {
      for (boolean transposeA : BOTH) {
        for (boolean transposeB : BOTH) {
          for (double beta : List.of(0.0, 1.0, -0.5)) {
            Product product =
                new Product(
                    Precision.FLOAT32, shape[0], shape[1], shape[2], transposeA, transposeB, 3, 11);
            BFloat16Matrix a = round(product.a);
            BFloat16Matrix b = round(product.b);
            blas.multiply(transposeA, a, transposeB, b, 1.5, beta, product.c);
            product.checkAgainstLoops(1.5, beta);
            product.checkGuards();
          }
        }
      }
    }
  }

  @Test
  void aTeamsProductOfRowsOfLargerMatricesMatchesPlainLoops() {
    Blas blas = blas();
    Product product = new Product(Precision.FLOAT32, 50, 131, 77, false, true, 0, 19);
    BFloat16Matrix a = round(product.a);
    BFloat16Matrix larger = BFloat16Matrix.allocate(200, 77);
    BFloat16Matrix b = larger.rows(60, 60 + 131);
    System.arraycopy(round(product.b).array(), 0, b.array(), b.offset(), 131 * 77);
    try (Team team = new Team(3)) {
      for (int i = 0; i < 20; i++) {
        product.c.fill(Double.NaN);
        team.run(worker -> blas.multiply(worker, false, a, true, b, 1, 0, product.c));
        product.checkAgainstLoops(1, 0);
        product.checkGuards();
      }
    }
  }

  @Test
  void roundingAndProductsAllocateNothing() {
    Blas blas = blas();
    Product product = new Product(Precision.FLOAT32, 6, 16, 5, false, true, 0, 20);
    Matrix x = product.a.copy(Precision.FLOAT32);
    BFloat16Matrix a = round(product.a);
    BFloat16Matrix b = round(product.b);
    Runnable call =
        () -> {
          fastest.round(x, a);
          blas.multiply(false, a, true, b, 1, 0, product.c);
        };
    assertThat(Allocation.perCall(call, 5_000)).isZero();
  }

  @Test
  void factorsOfTwoKindsAndBackendsWithoutSuchProductsAreRefused() {
    Blas java = Blas.named("java");
    Matrix exact = Matrix.allocate(Precision.FLOAT32, 2, 2);
    Matrix c = Matrix.allocate(Precision.FLOAT32, 2, 2);
    BFloat16Matrix rounded = BFloat16Matrix.allocate(2, 2);
    assertThat(java.multipliesBFloat16()).isFalse();
    assertThatThrownBy(() -> java.multiply(false, rounded, false, rounded, 1, 0, c))
        .isInstanceOf(UnsupportedOperationException.class)
        .hasMessage("backend java has no bfloat16 products");
    assertThatThrownBy(() -> java.multiply(false, rounded, false, exact, 1, 0, c))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(
            () ->
                java.multiply(
                    false, rounded, false, rounded, 1, 0, Matrix.allocate(Precision.FLOAT64, 2, 2)))
        .isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void aNumberThatIsNotFiniteReachesItsRowOnly() {
    Blas blas = blas();
    Product product = new Product(Precision.FLOAT32, 9, 35, 20, false, true, 0, 15);
    Product.fillRandomly(product.a, new SplittableRandom(3));
    product.a.set(4, 3, Double.NaN);
    product.a.set(6, 0, Double.POSITIVE_INFINITY);
    blas.multiply(false, round(product.a), true, round(product.b), 1, 0, product.c);
    for (int r = 0; r < 9; r++) {
      for (int column = 0; column < 35; column++) {
        assertThat(Double.isFinite(product.c.get(r, column))).isEqualTo(r != 4 && r != 6);
      }
    }
  }

  @Test
  void viewsShareTheNumbers() {
    BFloat16Matrix all = BFloat16Matrix.allocate(3, 4);
    for (int i = 0; i < 12; i++) {
      all.array()[i] = (short) (Float.floatToRawIntBits(i) >>> Short.SIZE);
    }
    BFloat16Matrix part = all.rows(1, 3).columns(1, 3);
    assertThat(part.rows()).isEqualTo(2);
    assertThat(part.columns()).isEqualTo(2);
    assertThat(part.stride()).isEqualTo(4);
    assertThat(part.contiguous()).isFalse();
    assertThat(part.get(0, 0)).isEqualTo(5);
    assertThat(part.get(1, 1)).isEqualTo(10);
    assertThat(all.reshape(2, 6).get(1, 0)).isEqualTo(6);
    assertThatThrownBy(() -> part.reshape(1, 4))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("BFloat16Matrix.reshape: [2,2] BFLOAT16 to [1,4]");
    assertThatThrownBy(() -> all.columns(2, 5))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("BFloat16Matrix.columns: 2..5 of [3,4] BFLOAT16");
  }
}
