package org.ebflow.training;

import org.ebflow.flow.Flow;
import org.ebflow.flow.FlowPass;
import org.ebflow.flow.pass.Compute;
import org.ebflow.flow.pass.NoisePurpose;
import org.ebflow.linalg.Blas;
import org.ebflow.linalg.Kernels;
import org.ebflow.linalg.Matrix;
import org.ebflow.linalg.Noise;
import org.ebflow.linalg.Precision;
import org.ebflow.linalg.RowKernels;
import org.ebflow.linalg.Team;
import org.ebflow.linalg.Worker;
import org.ebflow.training.data.Dataset;
import org.jspecify.annotations.Nullable;

/** Fills one worker's rows of a training batch: gathers, dequantises, preprocesses, adds noise. */
final class BatchReader {
  private final Dataset data;
  private final int levels;
  private final double dataNoise;
  private final Noise noise;
  private final int from;
  private final int to;
  private final Matrix raw;
  private final Matrix rawNoise;
  private final Matrix rowNoise;
  private final @Nullable FlowPass preprocessing;
  private final RowKernels rawKernels;
  private final RowKernels kernels;

  private BatchReader(
      Dataset data,
      int levels,
      double dataNoise,
      Noise noise,
      Precision precision,
      int dimension,
      Worker worker,
      int batch,
      @Nullable FlowPass preprocessing,
      Precision rawPrecision) {
    this.data = data;
    this.levels = levels;
    this.dataNoise = dataNoise;
    this.noise = noise;
    this.from = worker.from(batch);
    this.to = worker.to(batch);
    this.preprocessing = preprocessing;
    int rows = to - from;
    this.raw =
        preprocessing == null
            ? Matrix.allocate(rawPrecision, rows, dimension)
            : preprocessing.input().stream(0);
    this.rawNoise = Matrix.allocate(rawPrecision, levels > 0 ? rows : 0, dimension);
    this.rowNoise = Matrix.allocate(precision, dataNoise > 0 ? rows : 0, dimension);
    this.rawKernels = Kernels.of(rawPrecision).rows();
    this.kernels = Kernels.of(precision).rows();
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
    Flow flow = before.flow(data.dimension(), precision);
    FlowPass[] passes =
        flow == null
            ? null
            : FlowPass.forwardOnly(flow, Compute.of(flow.precision(), blas), team, batch);
    BatchReader[] result = new BatchReader[team.size()];
    for (int rank = 0; rank < result.length; rank++) {
      result[rank] =
          new BatchReader(
              data,
              before.levels(),
              dataNoise,
              noise,
              precision,
              data.dimension(),
              team.worker(rank),
              batch,
              passes == null ? null : passes[rank],
              before.precision(precision));
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
    data.copyRows(order, start + from, start + to, raw, 0);
    if (levels > 0) {
      noise.uniform(NoisePurpose.DEQUANTIZATION, step, from, rawNoise);
      rawKernels.combine(1, raw, 1, rawNoise, raw);
    }
    if (preprocessing == null) {
      target.copyFrom(raw);
    } else {
      preprocessing.push(0, 0);
      target.copyFrom(preprocessing.output().stream(0));
    }
    if (dataNoise > 0) {
      noise.gaussian(NoisePurpose.DATA_NOISE, step, from, rowNoise);
      kernels.combine(1, target, dataNoise, rowNoise, target);
    }
  }
}
