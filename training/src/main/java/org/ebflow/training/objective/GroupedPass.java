package org.ebflow.training.objective;

import org.ebflow.flow.Flow;
import org.ebflow.flow.FlowPass;
import org.ebflow.flow.pass.Compute;
import org.ebflow.flow.pass.LogDet;
import org.ebflow.linalg.Matrix;
import org.ebflow.linalg.Team;
import org.ebflow.linalg.Worker;

/**
 * A pass of order 0 over several points per sample. Group g holds point g of all B samples, in rows
 * g·B to (g + 1)·B. All workers can read the log-density of every row.
 *
 * <p>The rows are divided among the workers in two ways. The pass gives each worker a contiguous
 * part of all rows. Inputs are written and losses are read by sample: each worker does so for its
 * own samples, in every group. A {@link #barrier} lies between writing by one division and reading
 * by the other.
 */
final class GroupedPass {
  private final Worker worker;
  private final FlowPass pass;
  private final double[] density;
  private final int batch;
  private final LogDet seed;
  private final Matrix[] inputs;
  private final Matrix[] cotangents;

  private GroupedPass(Worker worker, FlowPass pass, double[] density, int batch, int groups) {
    this.worker = worker;
    this.pass = pass;
    this.density = density;
    this.batch = batch;
    this.seed = pass.newSeed();
    this.inputs = new Matrix[groups];
    this.cotangents = new Matrix[groups];
    for (int group = 0; group < groups; group++) {
      int from = group * batch + worker.from(batch);
      int to = group * batch + worker.to(batch);
      inputs[group] = pass.input().whole(0, 0).rows(from, to);
      cotangents[group] = pass.inputBar().whole(0, 0).rows(from, to);
    }
  }

  static GroupedPass[] forTeam(Flow flow, Compute compute, Team team, int batch, int groups) {
    FlowPass[] passes = FlowPass.forTeam(flow, compute, team, batch * groups, 0);
    double[] density = new double[batch * groups];
    GroupedPass[] result = new GroupedPass[passes.length];
    for (int rank = 0; rank < result.length; rank++) {
      result[rank] = new GroupedPass(team.worker(rank), passes[rank], density, batch, groups);
    }
    return result;
  }

  FlowPass pass() {
    return pass;
  }

  /** Input rows of this worker's samples in one group. */
  Matrix input(int group) {
    return inputs[group];
  }

  /** Input cotangents of this worker's samples in one group. */
  Matrix inputBar(int group) {
    return cotangents[group];
  }

  /** Waits for all workers. */
  void barrier() {
    worker.barrier();
  }

  /**
   * Computes ℓ of every row; all workers see it afterwards. Before, all workers must have written
   * their inputs and met at {@link #barrier}.
   */
  void forward() {
    pass.forward(0, 0);
    System.arraycopy(pass.density().order(0).doubles(), 0, density, pass.firstRow(), pass.rows());
    worker.barrier();
  }

  /** ℓ of one of this worker's samples in one group. */
  double density(int group, int row) {
    return density[group * batch + worker.from(batch) + row];
  }

  /**
   * Seeds of this worker's rows, from a function of the group and the sample's ℓ in all groups;
   * rows whose loss is not finite are dropped.
   */
  LogDet seed(SampleSeed of) {
    double[] seeds = seed.order(0).doubles();
    for (int r = 0; r < seeds.length; r++) {
      int row = pass.firstRow() + r;
      int sample = row % batch;
      if (Double.isFinite(of.loss(density, sample))) {
        seeds[r] = of.seed(density, row / batch, sample);
      } else {
        seeds[r] = 0;
        pass.zeroRow(r);
      }
    }
    return seed;
  }

  /**
   * Loss of a sample and its derivative, given ℓ of all rows; {@code sample} counts in the rows of
   * all workers.
   */
  interface SampleSeed {
    double loss(double[] density, int sample);

    double seed(double[] density, int group, int sample);
  }
}
