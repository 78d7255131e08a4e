package org.ebflow.benchmarks;

import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.ebflow.linalg.KernelChoice;
import org.ebflow.linalg.Kernels;
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

/**
 * RMSprop and moving average over one worker's half of the weights of a two-layer FC flow, float32,
 * one thread: 28 bytes a weight.
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
public class OptimizerBenchmark {
  private static final double CLOSE = 1e-6;

  /** Half the weights are D². */
  @Param({"784", "3072"})
  public int dimension;

  private Matrix weights;
  private Matrix gradient;
  private Matrix squares;
  private Matrix average;

  /** Draws operands and checks one update against the reference loops. */
  @Setup
  public void draw() {
    Random random = new Random(1);
    int count = dimension * dimension;
    gradient = Operands.uniform(random, 1, count);
    Matrix start = Operands.uniform(random, 1, count);
    restart(start);
    update(KernelChoice.reference(Precision.FLOAT32));
    Matrix expectedWeights = weights;
    Matrix expectedAverage = average;
    restart(start);
    update(KernelChoice.fastest(Precision.FLOAT32));
    Operands.requireClose(weights, expectedWeights, CLOSE);
    Operands.requireClose(average, expectedAverage, CLOSE);
  }

  private void restart(Matrix start) {
    weights = start.copy(Precision.FLOAT32);
    average = start.copy(Precision.FLOAT32);
    squares = Matrix.allocate(Precision.FLOAT32, 1, start.columns());
  }

  private void update(Kernels kernels) {
    kernels.optimizer().rmsProp(weights, gradient, squares, average, 1e-6, 0.99, 1e-8, 0, 1, 0.999);
  }

  /** One update. */
  @Benchmark
  public void rmsProp(Traffic traffic) {
    update(KernelChoice.fastest(Precision.FLOAT32));
    traffic.elements += weights.size();
    traffic.bytes += 28L * weights.size();
  }
}
