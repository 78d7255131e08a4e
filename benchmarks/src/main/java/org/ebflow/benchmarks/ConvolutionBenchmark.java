package org.ebflow.benchmarks;

import java.util.Arrays;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.ebflow.flow.layer.ConvolutionMap;
import org.ebflow.flow.layer.Shape;
import org.ebflow.flow.pass.Compute;
import org.ebflow.flow.pass.Gradients;
import org.ebflow.flow.pass.Jet;
import org.ebflow.flow.pass.Parameters;
import org.ebflow.flow.pass.Workspace;
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
 * Convolutions of the published models and of coupling networks, float32, one thread. Their FLOP
 * are 2·side²·in·out a pixel, whatever is computed besides.
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
public class ConvolutionBenchmark {
  private static final double CLOSE = 1e-4;

  /** Channels in, channels out, side of the image, side of the square, rows. */
  @Param({
    "1 1 28 7 50",
    "4 4 14 7 50",
    "16 16 7 7 50",
    "3 3 32 7 50",
    "12 12 16 7 50",
    "48 48 8 7 50",
    "2 512 14 3 10",
    "512 512 14 1 10",
    "512 4 14 3 10",
    "4 512 7 3 10",
    "24 512 4 3 50",
    "512 48 4 3 50"
  })
  public String shape;

  /** Values of one stream, its cotangents, the weight's gradient by three streams. */
  @Param({"forward", "back", "gradient"})
  public String pass;

  private Team team;
  private ConvolutionMap map;
  private Workspace kept;
  private Gradients gradients;
  private Jet x;
  private Jet y;
  private Jet xBar;
  private double flop;

  /** Draws operands and checks a value against the formula. */
  @Setup(Level.Trial)
  public void draw() {
    int[] n = Arrays.stream(shape.split(" ")).mapToInt(Integer::parseInt).toArray();
    Shape image = new Shape(n[0], n[2], n[2]);
    int rows = n[4];
    int streams = pass.equals("gradient") ? 3 : 1;
    map = new ConvolutionMap(image, n[1], n[3]);
    flop = 2.0 * n[3] * n[3] * n[0] * n[1] * n[2] * n[2] * rows * streams;
    Parameters weights = Parameters.initial(map.parametersByName(), Precision.FLOAT32, 1);
    team = new Team(1);
    Compute compute = Compute.of(Precision.FLOAT32, Blas.auto());
    kept = Workspace.forTeam(compute, weights, team, rows, streams - 1, true)[0];
    gradients = new Gradients(team.worker(0), compute, weights.zeros());
    Random random = new Random(1);
    x = new Jet(Operands.uniform(random, rows * streams, map.inputs()), rows, 0, rows);
    y = new Jet(Operands.uniform(random, rows * streams, map.outputs()), rows, 0, rows);
    xBar = new Jet(Operands.uniform(random, rows * streams, map.inputs()), rows, 0, rows);
    map.forward(x, y, kept, 0, streams - 1);
    check(weights, n[2] / 2 * n[2] + n[2] - 1, n[3], image);
  }

  /** The first row's value of the last channel at one pixel. */
  private void check(Parameters weights, int pixel, int side, Shape image) {
    int out = map.outputs() / (image.height() * image.width()) - 1;
    Matrix weight = weights.of(map.parameters().get(0));
    double expected = weights.of(map.parameters().get(1)).get(0, out);
    for (int tap = 0; tap < weight.columns(); tap++) {
      int square = tap / image.channels();
      int row = pixel / image.width() + square / side - side / 2;
      int column = pixel % image.width() + square % side - side / 2;
      if (row >= 0 && row < image.height() && column >= 0 && column < image.width()) {
        int from = (row * image.width() + column) * image.channels();
        expected += weight.get(out, tap) * x.stream(0).get(0, from + tap % image.channels());
      }
    }
    double found = y.stream(0).get(0, pixel * (out + 1) + out);
    if (!(Math.abs(found - expected) <= CLOSE)) {
      throw new IllegalStateException(shape + ": found " + found + ", expected " + expected);
    }
  }

  /** Ends the worker. */
  @TearDown(Level.Trial)
  public void close() {
    team.close();
  }

  /** One convolution. */
  @Benchmark
  public void convolve(Arithmetic done) {
    switch (pass) {
      case "forward" -> map.forward(x, y, kept, 0, 0);
      case "back" -> map.backward(y, kept, xBar, 0, null);
      default -> {
        gradients.begin(1);
        map.backward(y, kept, xBar, -1, gradients);
        gradients.finish();
      }
    }
    done.flop += flop;
  }
}
