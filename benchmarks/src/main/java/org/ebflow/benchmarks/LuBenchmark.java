package org.ebflow.benchmarks;

import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.ebflow.linalg.Blas;
import org.ebflow.linalg.Lu;
import org.ebflow.linalg.Matrix;
import org.ebflow.linalg.Precision;
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

/** Factorisation and inverse of a 784-D layer's weights on each backend, one thread. */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.Throughput)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Fork(
    value = 1,
    jvmArgsAppend = {
      "--add-modules=jdk.incubator.vector",
      "--enable-native-access=ALL-UNNAMED",
      "-Xss8m"
    })
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@SuppressWarnings("NullAway.Init") // JMH sets the parameters before setup, not before construction
public class LuBenchmark {
  private static final int DIMENSION = 784;

  /** Largest residual of a solution of a well-conditioned system, in ulps of the precision. */
  private static final double RESIDUAL_ULPS = 100;

  /** Library. */
  @Param({"openblas", "netlib", "java"})
  public String backend;

  /** Of the factors. */
  @Param({"FLOAT32", "FLOAT64"})
  public Precision precision;

  private Matrix weight;
  private Matrix inverseTransposed;
  private Lu lu;

  /** Draws a matrix near -I, as trained weights are, and checks a solution. */
  @Setup
  public void draw() {
    Random random = new Random(1);
    weight = Operands.uniform(random, DIMENSION, DIMENSION);
    for (int i = 0; i < weight.size(); i++) {
      weight.floats()[i] /= 100;
    }
    for (int i = 0; i < DIMENSION; i++) {
      weight.set(i, i, weight.get(i, i) - 1);
    }
    inverseTransposed = Matrix.allocate(precision, DIMENSION, DIMENSION);
    lu = Blas.named(backend).factorize(weight, precision);
    Matrix solution = Matrix.allocate(precision, 1, DIMENSION);
    solution.fill(1);
    lu.solveRows(solution);
    double ulp = precision == Precision.FLOAT32 ? Math.ulp(1f) : Math.ulp(1.0);
    for (int r = 0; r < DIMENSION; r++) {
      double sum = 0;
      for (int c = 0; c < DIMENSION; c++) {
        sum += weight.get(r, c) * solution.get(0, c);
      }
      if (!(Math.abs(sum - 1) <= RESIDUAL_ULPS * ulp)) {
        throw new IllegalStateException(
            "solution is wrong in row " + r + ": " + sum + ", expected 1");
      }
    }
  }

  /** ⅔D³ FLOP. */
  @Benchmark
  public void factorize(Arithmetic done) {
    lu.factorize(weight);
    done.flop += 2.0 / 3 * DIMENSION * DIMENSION * DIMENSION;
  }

  /** What an ml step does to each layer: 2D³ FLOP. */
  @Benchmark
  public void factorizeAndInvert(Arithmetic done) {
    lu.factorize(weight);
    lu.addInverseTransposed(1, inverseTransposed);
    done.flop += 2.0 * DIMENSION * DIMENSION * DIMENSION;
  }
}
