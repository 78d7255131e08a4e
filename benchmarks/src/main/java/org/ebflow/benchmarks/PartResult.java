package org.ebflow.benchmarks;

import com.fasterxml.jackson.annotation.JsonProperty;
import java.util.List;
import java.util.Random;
import org.ebflow.linalg.Blas;
import org.ebflow.linalg.ElementwiseFunction;
import org.ebflow.linalg.KernelChoice;
import org.ebflow.linalg.Kernels;
import org.ebflow.linalg.Lu;
import org.ebflow.linalg.Matrix;
import org.ebflow.linalg.Precision;
import org.ebflow.linalg.Team;
import org.ebflow.linalg.Worker;

/**
 * What is not a training step, beside this machine's ceilings.
 *
 * @param name kernel, factorisation or scoring
 * @param threads that shared the work
 * @param timing of one run
 * @param bytes that one run reads and writes, 0 where arithmetic limits it
 * @param flop of one run, 0 where memory limits it
 * @param ceiling GB/s or GFLOP/s of the ceiling that it is compared with, measured in this run
 */
record PartResult(
    String name,
    int dimension,
    int threads,
    Timing timing,
    long bytes,
    double flop,
    double ceiling) {
  private static final double A = 0.3;

  /** GB/s or GFLOP/s of the median run. */
  @JsonProperty
  double speed() {
    return Math.max((double) bytes, flop) / timing.median() / 1e6;
  }

  /**
   * Share of the ceiling; more than one where the caches hold what the ceiling reads from memory.
   */
  @JsonProperty
  double ofCeiling() {
    return speed() / ceiling;
  }

  /**
   * Optimizer, activation, factorisation and scoring of the two-layer FC model.
   *
   * @param triad GB/s of memory by all workers
   * @param solo float32 GFLOP/s of one worker
   * @param shared float32 GFLOP/s of all workers
   */
  static List<PartResult> measure(
      int dimension,
      int batch,
      Blas blas,
      Team team,
      double triad,
      double solo,
      double shared,
      double seconds) {
    return List.of(
        optimizer(dimension, team, triad, seconds),
        activation(dimension, batch, team, triad, seconds),
        factorisation(dimension, blas, solo, seconds),
        scoring(dimension, team.size(), shared, seconds));
  }

  /** One pass over the weights of both layers. */
  private static PartResult optimizer(int dimension, Team team, double triad, double seconds) {
    int count = 2 * dimension * dimension;
    Random random = new Random(1);
    Matrix weights = Operands.uniform(random, 1, count);
    Matrix gradient = Operands.uniform(random, 1, count);
    Matrix average = weights.copy(Precision.FLOAT32);
    Matrix squares = Matrix.allocate(Precision.FLOAT32, 1, count);
    Team.Program pass =
        worker ->
            KernelChoice.fastest(Precision.FLOAT32)
                .optimizer()
                .rmsProp(
                    part(worker, weights),
                    part(worker, gradient),
                    part(worker, squares),
                    part(worker, average),
                    1e-6,
                    0.99,
                    1e-8,
                    0,
                    1,
                    0.999);
    return new PartResult(
        "RMSprop and average",
        dimension,
        team.size(),
        Timing.of(seconds, () -> team.run(pass))[0],
        28L * count,
        0,
        triad);
  }

  private static Matrix part(Worker worker, Matrix row) {
    return row.columns(worker.from(row.columns()), worker.to(row.columns()));
  }

  /** Value, sigmoid and log-determinant of a batch. */
  private static PartResult activation(
      int dimension, int batch, Team team, double triad, double seconds) {
    Matrix x = Operands.uniform(new Random(1), batch, dimension);
    Matrix y = Matrix.allocate(Precision.FLOAT32, batch, dimension);
    Matrix sigmoid = Matrix.allocate(Precision.FLOAT32, batch, dimension);
    Matrix logDet = Matrix.allocate(Precision.FLOAT64, 1, batch);
    Matrix parameters = Operands.row(A, 1 - A);
    Kernels kernels = KernelChoice.fastest(Precision.FLOAT32);
    ElementwiseFunction function = kernels.functions().smoothLeakyRelu();
    Team.Program pass =
        worker -> {
          int from = worker.from(batch);
          int to = worker.to(batch);
          kernels
              .jets()
              .forward0(
                  function,
                  parameters,
                  new Matrix[] {sigmoid.rows(from, to)},
                  x.rows(from, to),
                  y.rows(from, to),
                  logDet.columns(from, to));
        };
    return new PartResult(
        "smooth leaky ReLU, forward",
        dimension,
        team.size(),
        Timing.of(seconds, () -> team.run(pass))[0],
        12L * batch * dimension,
        0,
        triad);
  }

  /** LU in float64, as log Z needs it, against half the float32 ceiling. */
  private static PartResult factorisation(int dimension, Blas blas, double solo, double seconds) {
    Matrix weight = Operands.uniform(new Random(1), dimension, dimension);
    try (Lu lu = blas.factorize(weight, Precision.FLOAT64)) {
      return new PartResult(
          "LU in float64",
          dimension,
          1,
          Timing.of(seconds, () -> lu.factorize(weight))[0],
          0,
          2.0 / 3 * dimension * dimension * dimension,
          solo / 2);
    }
  }

  private static PartResult scoring(int dimension, int threads, double shared, double seconds) {
    try (Scoring scoring = new Scoring(dimension, threads, false)) {
      return new PartResult(
          "scoring of " + Scoring.ROWS + " rows",
          dimension,
          threads,
          Timing.of(seconds, scoring::run)[0],
          0,
          4.0 * Scoring.ROWS * dimension * dimension,
          shared);
    }
  }
}
