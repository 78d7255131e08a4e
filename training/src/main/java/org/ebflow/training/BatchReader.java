package org.ebflow.training;

import org.ebflow.flow.pass.NoisePurpose;
import org.ebflow.linalg.Blas;
import org.ebflow.linalg.KernelChoice;
import org.ebflow.linalg.Matrix;
import org.ebflow.linalg.Noise;
import org.ebflow.linalg.Precision;
import org.ebflow.linalg.RowKernels;
import org.ebflow.linalg.Team;
import org.ebflow.linalg.Worker;
import org.ebflow.training.data.Dataset;
import org.ebflow.training.preprocessing.Preprocessing;
import org.ebflow.training.preprocessing.RowPreparation;

/** Fills one worker's rows of a training batch: gathers them, prepares them, adds data noise. */
final class BatchReader {
  private final Dataset data;
  private final double dataNoise;
  private final Noise noise;
  private final int from;
  private final int to;
  private final RowPreparation preparation;
  private final Matrix rowNoise;
  private final RowKernels kernels;

  private BatchReader(
      Dataset data,
      double dataNoise,
      Noise noise,
      Precision precision,
      Worker worker,
      int batch,
      RowPreparation preparation) {
    this.data = data;
    this.dataNoise = dataNoise;
    this.noise = noise;
    this.from = worker.from(batch);
    this.to = worker.to(batch);
    this.preparation = preparation;
    this.rowNoise = Matrix.allocate(precision, dataNoise > 0 ? to - from : 0, data.dimension());
    this.kernels = KernelChoice.fastest(precision).rows();
  }

  /**
   * Readers of all workers of a team, in the order of their ranks; {@code precision} is the
   * model's.
   */
  static BatchReader[] forTeam(
      Dataset data,
      Preprocessing before,
      double dataNoise,
      Noise noise,
      Precision precision,
      Blas blas,
      Team team,
      int batch) {
    RowPreparation[] preparations =
        RowPreparation.forTeam(before, data.dimension(), precision, blas, team, batch);
    BatchReader[] result = new BatchReader[team.size()];
    for (int rank = 0; rank < result.length; rank++) {
      result[rank] =
          new BatchReader(
              data, dataNoise, noise, precision, team.worker(rank), batch, preparations[rank]);
    }
    return result;
  }

  /**
   * Fills {@code target} with this worker's rows of the batch that starts at {@code start} of
   * {@code order}.
   *
   * @param target overwritten, [rows,dimension] in the model's precision
   */
  void read(int[] order, int start, long step, Matrix target) {
    data.copyRows(order, start + from, start + to, preparation.rows(), 0);
    if (preparation.dequantizes()) {
      preparation.drawNoise(noise, NoisePurpose.DEQUANTIZATION, step, from);
    }
    preparation.prepare(target);
    if (dataNoise > 0) {
      noise.gaussian(NoisePurpose.DATA_NOISE, step, from, rowNoise);
      kernels.combine(1, target, dataNoise, rowNoise, target);
    }
  }
}
