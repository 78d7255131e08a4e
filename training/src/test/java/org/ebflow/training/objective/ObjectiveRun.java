package org.ebflow.training.objective;

import java.util.Arrays;
import java.util.function.Function;
import java.util.stream.DoubleStream;
import java.util.stream.IntStream;
import org.ebflow.flow.Flow;
import org.ebflow.flow.pass.Compute;
import org.ebflow.flow.pass.Gradients;
import org.ebflow.flow.pass.Parameters;
import org.ebflow.linalg.Blas;
import org.ebflow.linalg.KernelChoice;
import org.ebflow.linalg.Matrix;
import org.ebflow.linalg.Noise;
import org.ebflow.linalg.Team;
import org.ebflow.linalg.Worker;

/** An objective on one batch, run by a team: whole matrices in, mean loss and gradient out. */
final class ObjectiveRun implements AutoCloseable {
  private final Flow flow;
  private final Team team;
  private final ObjectivePass[] passes;
  private final Gradients[] gradients;
  private final Parameters sums;
  private final int batch;

  ObjectiveRun(Flow flow, Objective objective, Matrix data, String backend, int workers) {
    this(flow, objective, data, team -> Compute.of(flow.precision(), Blas.named(backend)), workers);
  }

  ObjectiveRun(
      Flow flow, Objective objective, Matrix data, Function<Team, Compute> computeOf, int workers) {
    this(objective.withParameters(flow, 3), objective, computeOf, data, workers);
  }

  /** Of a flow that holds the objective's parameters, if there are any. */
  private ObjectiveRun(
      Flow flow, Objective objective, Function<Team, Compute> computeOf, Matrix data, int workers) {
    this.flow = flow;
    this.batch = data.rows();
    team = new Team(workers);
    Compute compute = computeOf.apply(team);
    passes = objective.forTeam(flow, compute, team, batch);
    sums = flow.parameters().zeros();
    gradients = new Gradients[workers];
    for (int rank = 0; rank < workers; rank++) {
      gradients[rank] = new Gradients(team.worker(rank), compute, sums);
      passes[rank].data().copyFrom(share(data, team.worker(rank)));
    }
  }

  private static Matrix share(Matrix whole, Worker worker) {
    return whole.rows(worker.from(whole.rows()), worker.to(whole.rows()));
  }

  ObjectiveRun draw(long seed, long step) {
    team.run(worker -> passes[worker.rank()].draw(new Noise(seed), step));
    return this;
  }

  /** Puts a draw of the caller's own, [batch,dimension], in place of the random one. */
  ObjectiveRun bring(int draw, Matrix noise) {
    team.run(worker -> passes[worker.rank()].noise(draw).copyFrom(share(noise, worker)));
    return this;
  }

  /** The draw, put together from the workers' shares. */
  double[][] drawn(int draw) {
    return IntStream.range(0, passes.length)
        .mapToObj(rank -> passes[rank].noise(draw).toRows())
        .flatMap(Arrays::stream)
        .toArray(double[][]::new);
  }

  /** Loss of every row, without gradient, at the present weights. */
  double[] losses() {
    flow.parameters().changed();
    team.run(worker -> passes[worker.rank()].evaluate(null));
    return collected();
  }

  double meanLoss() {
    return DoubleStream.of(losses()).sum() / batch;
  }

  private double[] collected() {
    return IntStream.range(0, passes.length)
        .mapToObj(rank -> passes[rank].losses().toRows()[0])
        .flatMapToDouble(DoubleStream::of)
        .toArray();
  }

  /** Mean loss of an evaluation with gradient; the gradient is then in {@link #gradient}. */
  double meanLossWithGradient() {
    flow.parameters().changed();
    team.run(worker -> passes[worker.rank()].evaluate(gradients[worker.rank()]));
    Matrix flat = sums.flat();
    KernelChoice.fastest(flat.precision())
        .rows()
        .combine(gradients[0].scale(), flat, 0, flat, flat);
    return DoubleStream.of(collected()).sum() / batch;
  }

  Parameters gradient() {
    return sums;
  }

  /** The weights, those of the objective included. */
  Parameters weights() {
    return flow.parameters();
  }

  double[] flatGradient() {
    return sums.flat().toRows()[0];
  }

  int nonFinite() {
    return IntStream.range(0, passes.length).map(rank -> passes[rank].nonFinite()).sum();
  }

  @Override
  public void close() {
    team.close();
  }
}
