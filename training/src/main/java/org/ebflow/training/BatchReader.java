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
import org.ebflow.training.objective.AnnealedNoise;
import org.ebflow.training.objective.BatchShare;
import org.ebflow.training.preprocessing.Preprocessing;
import org.ebflow.training.preprocessing.RowPreparation;
import org.jspecify.annotations.Nullable;

/**
 * Fills one worker's rows of a training batch: gathers them, flips and shifts images where that is
 * asked for, prepares the rows, adds data noise.
 *
 * <p>The noise belongs to preprocessed rows. Where the preprocessing P is part of the model, whose
 * rows are then those of the data, a row x becomes P⁻¹(P(x) + noise).
 */
final class BatchReader {
  private final Dataset data;
  private final AnnealedNoise dataNoise;
  private final Noise noise;
  private final int from;
  private final int to;
  private final @Nullable Augmentation augmentation;
  private final RowPreparation preparation;
  private final boolean inverts;
  private final Matrix rowNoise;
  private final RowKernels kernels;

  private BatchReader(
      Dataset data,
      TrainingSettings settings,
      boolean inverts,
      Precision precision,
      Worker worker,
      BatchShare share,
      RowPreparation preparation) {
    this.data = data;
    this.dataNoise = settings.dataNoise().within(Batches.steps(data.size(), settings));
    this.noise = new Noise(settings.seed());
    this.from = share.first() + worker.from(share.rows());
    this.to = share.first() + worker.to(share.rows());
    this.augmentation =
        settings.augment()
            ? new Augmentation(
                Augmentation.shapeOf(data), preparation.rows().precision(), to - from)
            : null;
    this.preparation = preparation;
    this.inverts = inverts;
    this.rowNoise = Matrix.allocate(precision, dataNoise.any() ? to - from : 0, data.dimension());
    this.kernels = KernelChoice.fastest(precision).rows();
  }

  /**
   * Readers of all workers of a team, in the order of their ranks, for that share of batches.
   *
   * @param settings of which augmentation, data noise, the seed and the place of the preprocessing
   *     count
   * @param model precision of the model's rows
   */
  static BatchReader[] forTeam(
      Dataset data,
      Preprocessing preprocessing,
      TrainingSettings settings,
      Precision model,
      Blas blas,
      Team team,
      BatchShare share) {
    boolean inverts =
        !settings.matchAfterPreprocessing()
            && settings.dataNoise().any()
            && !preprocessing.layers().isEmpty();
    Preprocessing before =
        settings.matchAfterPreprocessing() || inverts
            ? preprocessing
            : preprocessing.withoutLayers();
    RowPreparation[] preparations =
        RowPreparation.forTeam(before, data.dimension(), model, blas, team, share.rows());
    BatchReader[] result = new BatchReader[team.size()];
    for (int rank = 0; rank < result.length; rank++) {
      result[rank] =
          new BatchReader(
              data,
              settings,
              inverts,
              inverts ? preprocessing.precision(model) : model,
              team.worker(rank),
              share,
              preparations[rank]);
    }
    return result;
  }

  /**
   * Fills {@code target} with this worker's rows of the batch, or of its share, that starts at
   * {@code start} of {@code order}.
   *
   * @param target overwritten, [rows,dimension] in the model's precision
   */
  void read(int[] order, int start, long step, Matrix target) {
    data.copyRows(order, start + from, start + to, preparation.rows(), 0);
    if (augmentation != null) {
      augmentation.apply(noise, step, from, preparation.rows());
    }
    if (preparation.dequantizes()) {
      preparation.drawNoise(noise, NoisePurpose.DEQUANTIZATION, step, from);
    }
    preparation.prepare(target);
    if (dataNoise.any()) {
      double deviation = dataNoise.at(step);
      noise.gaussian(NoisePurpose.DATA_NOISE, step, from, rowNoise);
      if (inverts) {
        Matrix prepared = preparation.prepared();
        kernels.combine(1, prepared, deviation, rowNoise, prepared);
        preparation.invert(prepared, rowNoise);
        target.copyFrom(rowNoise);
      } else {
        kernels.combine(1, target, deviation, rowNoise, target);
      }
    }
  }
}
