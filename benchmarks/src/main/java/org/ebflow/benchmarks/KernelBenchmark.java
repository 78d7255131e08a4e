package org.ebflow.benchmarks;

import java.util.Objects;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.ebflow.linalg.KernelChoice;
import org.ebflow.linalg.Kernels;
import org.ebflow.linalg.Matrix;
import org.ebflow.linalg.MonotoneSplineFunction;
import org.ebflow.linalg.Precision;
import org.ebflow.linalg.Streams;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/**
 * Kernels of a training step on one worker's rows of a batch: 50 rows of 784 or 3072, float32, one
 * thread.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.Throughput)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Fork(
    value = 1,
    jvmArgsAppend = {"--add-modules=jdk.incubator.vector", "--enable-native-access=ALL-UNNAMED"})
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@SuppressWarnings("NullAway.Init") // JMH sets the parameters before setup, not before construction
public class KernelBenchmark {
  private static final int ROWS = 50;
  private static final long KEY = 7;
  private static final double A = 0.3;
  private static final double B = 0.7;
  private static final double SMOOTHNESS = 0.5;
  private static final int INTERVALS = 15;
  private static final double RANGE = 3.5;
  private static final Matrix[] NOTHING_KEPT = {};

  /** Rounding of float32 with a few operations between. */
  private static final double CLOSE = 1e-5;

  /** Width of a row. */
  @Param({"784", "3072"})
  public int dimension;

  private final Kernels kernels = KernelChoice.fastest(Precision.FLOAT32);
  private final Matrix slopes = Operands.row(A, B);
  private final Matrix scales = Operands.row(1 / SMOOTHNESS, SMOOTHNESS);
  private Matrix x;
  private Matrix x1;
  private Matrix table;
  private Streams jet;
  private Streams yBar;
  private Matrix[] kept;
  private Matrix pixels;
  private Matrix out0;
  private Matrix out1;
  private Streams c;
  private Matrix sums;

  /** Draws operands and checks every kernel's answer against the reference loops. */
  @Setup
  public void draw() {
    Random random = new Random(1);
    x = Operands.uniform(random, ROWS, dimension);
    x1 = Operands.uniform(random, ROWS, dimension);
    jet = new Streams(x, x1, Operands.uniform(random, ROWS, dimension));
    yBar =
        new Streams(
            Operands.uniform(random, ROWS, dimension),
            Operands.uniform(random, ROWS, dimension),
            Operands.uniform(random, ROWS, dimension));
    table = table(random);
    pixels = Operands.uniform(random, ROWS, dimension);
    for (int i = 0; i < pixels.size(); i++) {
      pixels.floats()[i] = 0.01f + 0.98f * (pixels.floats()[i] + 0.5f);
    }
    kept =
        new Matrix[] {
          Matrix.allocate(Precision.FLOAT32, ROWS, dimension),
          Matrix.allocate(Precision.FLOAT32, ROWS, dimension)
        };
    out0 = Matrix.allocate(Precision.FLOAT32, ROWS, dimension);
    out1 = Matrix.allocate(Precision.FLOAT32, ROWS, dimension);
    c = new Streams(perRow(), perRow(), perRow());
    sums = perRow();
    Objects.requireNonNull(c.order2()).fill(1);
    check();
  }

  private void check() {
    Kernels reference = KernelChoice.reference(Precision.FLOAT32);
    requireAlike(reference, this::value);
    requireAlike(reference, this::pullBack);
    requireAlike(reference, this::pullBackOfOrder0);
    requireAlike(reference, this::splineValue);
    requireAlike(reference, this::pullBackSpline);
    requireAlike(reference, this::logits);
    requireAlike(reference, k -> k.noise().gaussian(KEY, 0, out0));
    requireAlike(reference, k -> k.noise().rademacher(KEY, 0, out0));
    requireAlike(reference, this::dots);
    value(kernels);
  }

  private interface Call {
    void on(Kernels kernels);
  }

  private void requireAlike(Kernels reference, Call call) {
    out0.fill(0);
    out1.fill(0);
    sums.fill(0);
    call.on(reference);
    Matrix expected0 = out0.copy(Precision.FLOAT32);
    Matrix expected1 = out1.copy(Precision.FLOAT32);
    Matrix expectedSums = sums.copy(Precision.FLOAT64);
    sums.fill(0);
    call.on(kernels);
    Operands.requireClose(out0, expected0, CLOSE);
    Operands.requireClose(out1, expected1, CLOSE);
    Operands.requireClose(sums, expectedSums, CLOSE);
  }

  private static Matrix perRow() {
    return Matrix.allocate(Precision.FLOAT64, 1, ROWS);
  }

  private void value(Kernels with) {
    with.jets().forward0(with.functions().smoothLeakyRelu(), slopes, kept, x, out0, sums);
  }

  private void pullBack(Kernels with) {
    Streams xBar = new Streams(out0, out1, null);
    with.jets()
        .pullBack2(with.functions().smoothLeakyRelu(), slopes, kept, jet, yBar, c, xBar, 1, null);
  }

  private void pullBackOfOrder0(Kernels with) {
    Streams xBar = new Streams(out0, null, null);
    with.jets()
        .pullBack0(with.functions().smoothLeakyRelu(), slopes, kept, jet, yBar, c, xBar, null);
  }

  private Matrix table(Random random) {
    MonotoneSplineFunction spline = kernels.functions().monotoneSpline();
    Matrix theta =
        Operands.uniform(random, MonotoneSplineFunction.coefficients(INTERVALS), dimension);
    Matrix result =
        Matrix.allocate(Precision.FLOAT32, spline.tableRows(INTERVALS), theta.columns());
    spline.exponentiate(theta, result, 0);
    spline.tabulate(INTERVALS, RANGE, result);
    return result;
  }

  private void splineValue(Kernels with) {
    with.jets().forward0(with.functions().monotoneSpline(), table, NOTHING_KEPT, x, out0, sums);
  }

  private void pullBackSpline(Kernels with) {
    Streams xBar = new Streams(out0, null, null);
    with.jets()
        .pullBack0(
            with.functions().monotoneSpline(), table, NOTHING_KEPT, jet, yBar, c, xBar, null);
  }

  private void logits(Kernels with) {
    with.jets().forward0(with.functions().logit(), scales, kept, pixels, out0, sums);
  }

  private void dots(Kernels with) {
    with.rows().addRowDots(1, x, x1, sums);
  }

  private void count(Traffic traffic, int matrices) {
    traffic.elements += x.size();
    traffic.bytes += 4L * matrices * x.size();
  }

  /** Order 0 of the activation: value, sigmoid and log-determinant. */
  @Benchmark
  public void smoothLeakyReluValue(Traffic traffic) {
    value(kernels);
    count(traffic, 3);
  }

  /** Its cotangents in an ssm step. */
  @Benchmark
  public void smoothLeakyReluPullBack2(Traffic traffic) {
    pullBack(kernels);
    count(traffic, 8);
  }

  /** Its cotangents in a step of ml. */
  @Benchmark
  public void smoothLeakyReluPullBack0(Traffic traffic) {
    pullBackOfOrder0(kernels);
    count(traffic, 4);
  }

  /** Order 0 of a monotone spline: value and log-determinant, five gathered numbers an element. */
  @Benchmark
  public void monotoneSplineValue(Traffic traffic) {
    splineValue(kernels);
    count(traffic, 2);
  }

  /** Its cotangents in a step of ml, without those of its parameters. */
  @Benchmark
  public void monotoneSplinePullBack0(Traffic traffic) {
    pullBackSpline(kernels);
    count(traffic, 3);
  }

  /** Preprocessing's logit with its log-determinant; keeps two matrices. */
  @Benchmark
  public void logit(Traffic traffic) {
    logits(kernels);
    count(traffic, 4);
  }

  /** Standard normal noise. */
  @Benchmark
  public void gaussian(Traffic traffic) {
    kernels.noise().gaussian(KEY, 0, out0);
    count(traffic, 1);
  }

  /** Signs. */
  @Benchmark
  public void rademacher(Traffic traffic) {
    kernels.noise().rademacher(KEY, 0, out0);
    count(traffic, 1);
  }

  /** Scalar products of rows, in float64. */
  @Benchmark
  public void addRowDots(Traffic traffic) {
    dots(kernels);
    count(traffic, 2);
  }
}
