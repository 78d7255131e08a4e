package org.ebflow.training;

import java.util.List;
import org.ebflow.flow.Flow;
import org.ebflow.flow.pass.Compute;
import org.ebflow.flow.pass.Gradients;
import org.ebflow.flow.pass.Parameters;
import org.ebflow.linalg.Matrix;
import org.ebflow.linalg.Noise;
import org.ebflow.linalg.OptimizerKernels;
import org.ebflow.linalg.Precision;
import org.ebflow.linalg.Team;
import org.ebflow.linalg.Worker;
import org.ebflow.training.data.Dataset;
import org.ebflow.training.objective.BatchShare;
import org.ebflow.training.objective.Objective;
import org.ebflow.training.objective.ObjectivePass;
import org.ebflow.training.optimizer.OptimizerState;
import org.ebflow.training.preprocessing.Preprocessing;

/**
 * One training step for batches of one size, run by all workers together; allocates nothing after
 * its first run, but for what a group of replicas does.
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
  private final BatchShare share;
  private final ReplicaGroup replicas;
  private final boolean sumsGradients;

  /** Of a batch with fewer rows than replicas: computes one row for nothing. */
  private final boolean idle;

  private final List<Matrix> summed;

  /** Losses and rows that are not finite, of all workers or of all replicas. */
  private final Matrix totals = Matrix.allocate(Precision.FLOAT64, 1, 2);

  private int[] order = {};
  private int start;
  private long step;
  private double rate;
  private boolean wantNorm;
  private double norm;

  /** A step of one process on batches of that many rows. */
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
    this(
        flow,
        compute,
        team,
        objective,
        data,
        preprocessing,
        settings,
        state,
        sums,
        batch,
        ReplicaGroup.SINGLE,
        true);
  }

  /**
   * A step of one replica on its {@link BatchShare} of batches of that many rows.
   *
   * @param preprocessing of the rows; its layers are either before the flow or the flow's first, as
   *     the settings say
   * @param settings of which the clip, augmentation, the data noise, the seed and the place of the
   *     preprocessing count
   * @param state moments and average, moved at each step
   * @param sums scratch of the gradient's sums, shaped like the flow's parameters
   * @param batch rows of all replicas
   * @param sumsGradients whether the update is by the gradient of the whole batch, not by that of
   *     the share
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
      int batch,
      ReplicaGroup replicas,
      boolean sumsGradients) {
    this.flow = flow;
    this.kernels = compute.kernels().optimizer();
    this.noise = new Noise(settings.seed());
    this.state = state;
    this.clip = settings.clip();
    int members = Math.min(replicas.size(), batch);
    this.idle = replicas.rank() >= members;
    this.share = BatchShare.of(idle ? 0 : replicas.rank(), members, batch);
    this.replicas = replicas;
    this.sumsGradients = sumsGradients;
    this.summed = List.of(sums.flat().columns(0, sums.trainedLength()), totals);
    passes = objective.forTeam(flow, compute, team, share);
    readers =
        BatchReader.forTeam(
            data, preprocessing, settings, flow.precision(), compute.blas(), team, share);
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
   * Makes one update on the share of the rows {@code order[start]}…; the norm is only computed when
   * wanted or needed for clipping.
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
    if (!addsReplicas()) {
      addWorkers();
    }
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
    if (addsReplicas()) {
      worker.barrier();
      if (rank == 0) {
        addWorkers();
        if (idle) {
          summed.forEach(numbers -> numbers.fill(0));
        }
        replicas.sum(summed);
      }
      worker.barrier();
    }
    double scale = weight() * gradients[rank].scale();
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

  private boolean addsReplicas() {
    return sumsGradients && replicas.size() > 1;
  }

  private void addWorkers() {
    double loss = 0;
    int rows = 0;
    for (int rank = 0; rank < losses.length; rank++) {
      loss += losses[rank];
      rows += nonFinite[rank];
    }
    totals.set(0, 0, loss);
    totals.set(0, 1, rows);
  }

  private static double sum(Matrix row) {
    double sum = 0;
    for (int r = 0; r < row.columns(); r++) {
      sum += row.doubles()[row.offset() + r];
    }
    return sum;
  }

  /** Mean loss of the last batch, or of its share; rows that are not finite count as zero. */
  public double loss() {
    return weight() * totals.get(0, 0) / share.batch();
  }

  /** Rows of the last batch, or of its share, whose loss was not finite. */
  public int nonFinite() {
    return (int) totals.get(0, 1);
  }

  /** The gradient is so many times what the step has left in the sums. */
  public double gradientScale() {
    return weight() * gradients[0].scale();
  }

  /**
   * The sums of a share stand for those of the whole batch where replicas don't add theirs. Not
   * batch/rows: then the mean over all replicas is that of the batch, also of one with fewer rows
   * than replicas.
   */
  private int weight() {
    return sumsGradients ? 1 : idle ? 0 : replicas.size();
  }

  /** Global norm of the last gradient before clipping; NaN when it was not computed. */
  public double gradientNorm() {
    return norm;
  }
}
