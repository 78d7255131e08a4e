package org.ebflow.benchmarks;

import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.ebflow.linalg.Blas;
import org.ebflow.linalg.Matrix;
import org.ebflow.linalg.Precision;
import org.ebflow.linalg.Team;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/**
 * The products of a training step, on each backend. A backend that can't load is an error: choose
 * others with -p backend=...
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
public class ProductBenchmark {
  private static final int BATCH = 100;

  /** Library. */
  @Param({"openblas", "netlib", "java"})
  public String backend;

  /** Workers. */
  @Param({"1", "2"})
  public int threads;

  /** D. */
  @Param({"784", "3072"})
  public int dimension;

  /**
   * What is multiplied: of s streams X [s·100,D], W [D,D] and cotangents Ȳ as X; forward X·Wᵀ, back
   * Ȳ·W, gradient Ȳᵀ·X.
   */
  @Param({"forward", "back", "gradient"})
  public String product;

  /** s. */
  @Param({"1", "2", "3"})
  public int streams;

  private Blas blas;
  private Team team;
  private Team.Program program;
  private ProductShape shape;

  /** Draws operands and checks the answer. */
  @Setup(Level.Trial)
  public void draw() {
    blas = Blas.named(backend);
    team = new Team(threads);
    int rows = streams * BATCH;
    shape =
        switch (product) {
          case "forward" -> new ProductShape(false, true, rows, dimension, dimension);
          case "back" -> new ProductShape(false, false, rows, dimension, dimension);
          default -> new ProductShape(true, false, dimension, rows, dimension);
        };
    Random random = new Random(1);
    Matrix a = Operands.uniform(random, rows, dimension);
    Matrix b = Operands.uniform(random, product.equals("gradient") ? rows : dimension, dimension);
    Matrix c = Matrix.allocate(Precision.FLOAT32, shape.m(), shape.n());
    program =
        worker -> blas.multiply(worker, shape.transposeA(), a, shape.transposeB(), b, 1, 0, c);
    team.run(program);
    Operands.requireProduct(shape, a, b, c);
  }

  /** Ends the workers. */
  @TearDown(Level.Trial)
  public void close() {
    team.close();
  }

  /** One product. */
  @Benchmark
  public void multiply(Arithmetic done) {
    team.run(program);
    done.flop += shape.flop();
  }
}
