package org.ebflow.training;

import org.ebflow.flow.Flow;
import org.ebflow.flow.pass.Compute;
import org.ebflow.flow.pass.Gradients;
import org.ebflow.flow.pass.Parameters;
import org.ebflow.linalg.Matrix;
import org.ebflow.linalg.Noise;
import org.ebflow.linalg.OptimizerKernels;
import org.ebflow.linalg.Team;
import org.ebflow.linalg.Worker;
import org.ebflow.training.data.Dataset;
import org.ebflow.training.objective.Objective;
import org.ebflow.training.objective.ObjectivePass;
import org.ebflow.training.optimizer.OptimizerState;
import org.ebflow.training.preprocessing.Preprocessing;

/**
 * One training step for batches of one size, run by all workers together; allocates nothing after
 * its first run.
 */
public final class TrainingStep implements Team.Program {
  private final Flow flow;
  private final OptimizerKernels kernels;
  private final Noise noise;
  private final ObjectivePass[] passes;
  private final BatchReader[] readers;
  private final Gradients[] gradients;
  private final OptimizerState state;
  private final OptimizerState.Part[] parts;
  private final double clip;
  private final double[] squares;
  private final double[] losses;
  private final int[] nonFinite;
  private final int batch;

  private int[] order = {};
  private int start;
  private long step;
  private double rate;
  private boolean wantNorm;
  private double norm;

  /**
   * A step on batches of that many rows.
   *
   * @param preprocessing of the rows; its layers are either before the flow or the flow's first, as
   *     the settings say
   * @param settings of which the clip, augmentation, the data noise, the seed and the place of the
   *     preprocessing count
   * @param state moments and average, moved at each step
   * @param sums scratch of the gradient's sums, shaped like the flow's parameters
   */
  public TrainingStep(
      Flow flow,
      Compute compute,
      Team team,
      Objective objective,
      Dataset data,
      Preprocessing preprocessing,
      TrainingSettings settings,
      OptimizerState state,
      Parameters sums,
      int batch) {
    this.flow = flow;
    this.kernels = compute.kernels().optimizer();
    this.noise = new Noise(settings.seed());
    this.state = state;
    this.clip = settings.clip();
    this.batch = batch;
    passes = objective.forTeam(flow, compute, team, batch);
    readers =
        BatchReader.forTeam(
            data, preprocessing, settings, flow.precision(), compute.blas(), team, batch);
    gradients = new Gradients[team.size()];
    parts = new OptimizerState.Part[team.size()];
    for (int rank = 0; rank < team.size(); rank++) {
      gradients[rank] = new Gradients(team.worker(rank), compute, sums);
      parts[rank] = state.new Part(team.worker(rank), flow.parameters(), sums);
    }
    squares = new double[team.size()];
    losses = new double[team.size()];
    nonFinite = new int[team.size()];
  }

  /**
   * Makes one update on the rows {@code order[start]}…; the norm is only computed when wanted or
   * needed for clipping.
   *
   * @param number of the step, from 0: its noise is a function of it
   */
  public void run(
      Team team, int[] rowOrder, int firstRow, long number, double learningRate, boolean withNorm) {
    order = rowOrder;
    start = firstRow;
    step = number;
    rate = learningRate;
    wantNorm = withNorm || clip > 0;
    norm = Double.NaN;
    flow.parameters().beginStep();
    team.run(this);
    flow.parameters().changed();
    state.updates(state.updates() + 1);
  }

  @Override
  public void run(Worker worker) {
    int rank = worker.rank();
    ObjectivePass pass = passes[rank];
    readers[rank].read(order, start, step, pass.data());
    pass.draw(noise, step);
    pass.evaluate(gradients[rank]);
    losses[rank] = sum(pass.losses());
    nonFinite[rank] = pass.nonFinite();
    double scale = gradients[rank].scale();
    if (wantNorm) {
      squares[rank] = parts[rank].sumOfSquares(kernels);
      worker.barrier();
      double total = scale * OptimizerState.norm(squares);
      scale *= OptimizerState.clipScale(total, clip);
      if (rank == 0) {
        norm = total;
      }
    }
    parts[rank].update(kernels, rate, scale);
  }

  private static double sum(Matrix row) {
    double sum = 0;
    for (int r = 0; r < row.columns(); r++) {
      sum += row.doubles()[row.offset() + r];
    }
    return sum;
  }

  /** Mean loss of the last batch; rows that are not finite count as zero. */
  public double loss() {
    double sum = 0;
    for (double part : losses) {
      sum += part;
    }
    return sum / batch;
  }

  /** Rows of the last batch whose loss was not finite. */
  public int nonFinite() {
    int sum = 0;
    for (int part : nonFinite) {
      sum += part;
    }
    return sum;
  }

  /** The gradient is so many times what the step has left in the sums. */
  public double gradientScale() {
    return gradients[0].scale();
  }

  /** Global norm of the last gradient before clipping; NaN when it was not computed. */
  public double gradientNorm() {
    return norm;
  }
}
