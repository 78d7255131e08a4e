package org.ebflow.linalg.simd;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.fail;

import com.sun.management.ThreadMXBean;
import java.lang.management.ManagementFactory;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.assertj.core.data.Offset;
import org.ebflow.linalg.ChildJvm;
import org.ebflow.linalg.KernelChoice;
import org.ebflow.linalg.Kernels;
import org.ebflow.linalg.Matrix;
import org.ebflow.linalg.Precision;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.TestMethodOrder;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Runs over every kernel in both precisions. */
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
class VectorKernelsTest {
  private static final int ROWS = 3;
  private static final long SEED = 20261;

  /** Sums of a row: float32 rounding of each term and of each lane's sum; terms are of order 10. */
  private static final double SUM_PER_ELEMENT_FLOAT32 = 1e-5;

  private static final double SUM_PER_ELEMENT_FLOAT64 = 1e-13;

  /**
   * Of this thread's own time, since a busy machine delays the compiler, and vectors live on the
   * heap until it has come round; a warm kernel leaves the loop at once.
   */
  private static final long WARM_UP_NANOS = 3_000_000_000L;

  private static final int FRESH_JVMS = 3;

  static Stream<Arguments> kernels() {
    return Operation.all().keySet().stream()
        .flatMap(name -> Arrays.stream(Precision.values()).map(p -> Arguments.of(name, p)));
  }

  /** Those with a float64 number per row, in or out. */
  static Stream<Arguments> kernelsOnRows() {
    return kernels()
        .filter(
            arguments -> {
              Arena arena = new Arena(Precision.FLOAT64, SEED, false);
              Operation.all()
                  .get((String) arguments.get()[0])
                  .prepare(KernelChoice.reference(Precision.FLOAT64), arena, 1, 1);
              return !arena.sums().isEmpty();
            });
  }

  private static int[] widths(Precision precision) {
    int lanes = 64 / precision.bytes();
    return IntStream.concat(
            IntStream.rangeClosed(1, lanes + 1), IntStream.of(2 * lanes, 2 * lanes + 1, 127))
        .toArray();
  }

  private static Arena run(String name, Kernels kernels, int width, boolean special) {
    Arena arena = new Arena(kernels.precision(), SEED + width, special);
    Operation.all().get(name).prepare(kernels, arena, ROWS, width).run();
    return arena;
  }

  @ParameterizedTest(name = "{0} {1}")
  @MethodSource("kernels")
  void everyElementHasTheBitsOfTheReference(String name, Precision precision) {
    for (boolean special : new boolean[] {false, true}) {
      for (int width : widths(precision)) {
        Arena expected = run(name, KernelChoice.reference(precision), width, special);
        Arena actual = run(name, KernelChoice.fastest(precision), width, special);
        for (int i = 0; i < expected.wholes().size(); i++) {
          assertSameBits(
              name + " width " + width + " matrix " + i,
              expected.wholes().get(i),
              actual.wholes().get(i));
        }
      }
    }
  }

  private static void assertSameBits(String what, Matrix expected, Matrix actual) {
    for (int c = 0; c < expected.columns(); c++) {
      double e = expected.get(0, c);
      double a = actual.get(0, c);
      // doubleToLongBits: all NaN are one
      if (Double.doubleToLongBits(a) != Double.doubleToLongBits(e)) {
        fail("%s at %d: %s, expected %s", what, c, a, e);
      }
    }
  }

  @ParameterizedTest(name = "{0} {1}")
  @MethodSource("kernelsOnRows")
  void sumsOfRowsAgreeWithTheReference(String name, Precision precision) {
    double perElement =
        precision == Precision.FLOAT32 ? SUM_PER_ELEMENT_FLOAT32 : SUM_PER_ELEMENT_FLOAT64;
    for (int width : widths(precision)) {
      List<Matrix> expected = run(name, KernelChoice.reference(precision), width, false).sums();
      List<Matrix> actual = run(name, KernelChoice.fastest(precision), width, false).sums();
      for (int i = 0; i < expected.size(); i++) {
        for (int r = 0; r < ROWS; r++) {
          assertThat(actual.get(i).get(0, r))
              .isCloseTo(expected.get(i).get(0, r), Offset.offset(width * perElement));
        }
      }
    }
  }

  @ParameterizedTest(name = "{0} {1}")
  @MethodSource("kernels")
  void writesNothingOutsideItsMatrices(String name, Precision precision) {
    Arena arena = run(name, KernelChoice.fastest(precision), 21, false);
    for (int i = 0; i < arena.wholes().size(); i++) {
      Matrix whole = arena.wholes().get(i);
      Matrix view = arena.views().get(i);
      for (int c = 0; c < whole.columns(); c++) {
        if (c < view.offset() || c >= view.offset() + view.size()) {
          assertThat((float) whole.get(0, c)).isEqualTo((float) Arena.GUARD);
        }
      }
    }
  }

  /**
   * First, so that the others meet compiled kernels; {@link InterpretedAndCompiledTest} meets both.
   * Wide rows follow narrow ones: a loop that the compiler has seen unused must not stay slow.
   */
  @Order(1)
  @ParameterizedTest(name = "{0} {1}")
  @MethodSource("kernels")
  void allocatesNothingOnceWarm(String name, Precision precision) throws Exception {
    long bytes = leastAllocated(name, precision);
    for (int i = 0; bytes > 0 && i < FRESH_JVMS; i++) {
      bytes = leastAllocatedInAFreshJvm(name, precision);
    }
    assertThat(bytes).as("bytes of a call").isZero();
  }

  /**
   * What a JVM has run before decides what the compiler inlines. Where it gives up on a long
   * kernel, vectors stay on the heap. A kernel that allocates by its own code does so in every JVM.
   */
  private static long leastAllocatedInAFreshJvm(String name, Precision precision) throws Exception {
    Process process = ChildJvm.of(Alone.class, List.of(), name, precision.name()).start();
    String bytes = process.inputReader().readLine();
    assertThat(process.waitFor()).isZero();
    return Long.parseLong(bytes);
  }

  /** Prints what a call of one kernel allocates once warm. */
  static final class Alone {
    private Alone() {}

    public static void main(String[] arguments) {
      System.out.println(leastAllocated(arguments[0], Precision.valueOf(arguments[1])));
    }
  }

  /** The most of narrow and of wide rows, in this order. */
  private static long leastAllocated(String name, Precision precision) {
    long most = 0;
    for (int columns : new int[] {37, 131}) {
      Runnable call =
          Operation.all()
              .get(name)
              .prepare(
                  KernelChoice.fastest(precision),
                  new Arena(precision, SEED, false),
                  ROWS,
                  columns);
      most = Math.max(most, leastAllocated(call));
    }
    return most;
  }

  private static long leastAllocated(Runnable call) {
    ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    long deadline = threads.getCurrentThreadCpuTime() + WARM_UP_NANOS;
    long least = Long.MAX_VALUE;
    while (least > 0 && threads.getCurrentThreadCpuTime() < deadline) {
      for (int i = 0; i < 200; i++) {
        call.run();
      }
      long before = threads.getCurrentThreadAllocatedBytes();
      call.run();
      least = Math.min(least, threads.getCurrentThreadAllocatedBytes() - before);
    }
    return least;
  }
}
