package org.ebflow.training.preprocessing;

import java.util.Objects;
import org.ebflow.flow.Flow;
import org.ebflow.flow.FlowPass;
import org.ebflow.flow.pass.Compute;
import org.ebflow.linalg.Blas;
import org.ebflow.linalg.KernelChoice;
import org.ebflow.linalg.Matrix;
import org.ebflow.linalg.Noise;
import org.ebflow.linalg.Precision;
import org.ebflow.linalg.RowKernels;
import org.ebflow.linalg.Team;
import org.jspecify.annotations.Nullable;

/**
 * Turns rows of the data into rows of the model, one worker's block at a time: dequantisation, then
 * the layers of the preprocessing.
 *
 * <p>Use: write the block to {@link #rows}, draw its noise, then {@link #prepare}. Allocates
 * nothing after construction.
 *
 * <p>Threading: one thread at a time.
 */
public final class RowPreparation {
  private final Matrix rows;
  private final Matrix noise;

  /** 1 for columns that are spread, 0 for others; null when all are, or none. */
  private final @Nullable Matrix spread;

  private final Matrix[] noiseRows;
  private final RowKernels kernels;
  private final @Nullable FlowPass layers;
  private final double[] logDets;

  private RowPreparation(
      Preprocessing preprocessing,
      Precision precision,
      int rows,
      int dimension,
      @Nullable FlowPass layers) {
    this.layers = layers;
    boolean dequantizes = preprocessing.dequantizes();
    if (dequantizes && preprocessing.levels() == 0) {
      spread = Matrix.allocate(precision, 1, dimension);
      preprocessing.wholeColumns().forEach(column -> spread.set(0, column, 1));
    } else {
      spread = null;
    }
    this.rows =
        layers == null ? Matrix.allocate(precision, rows, dimension) : layers.input().stream(0);
    noise = Matrix.allocate(precision, dequantizes ? rows : 0, dimension);
    noiseRows = new Matrix[noise.rows()];
    for (int r = 0; r < noiseRows.length; r++) {
      noiseRows[r] = noise.rows(r, r + 1);
    }
    kernels = KernelChoice.fastest(precision).rows();
    logDets = layers == null ? new double[rows] : layers.density().order(0).doubles();
  }

  /**
   * Preparations of all workers of a team, in the order of their ranks, each for its own rows of a
   * batch.
   *
   * @param model precision of the model's rows
   */
  public static RowPreparation[] forTeam(
      Preprocessing preprocessing,
      int dimension,
      Precision model,
      Blas blas,
      Team team,
      int batch) {
    Flow flow = preprocessing.flow(dimension, model);
    FlowPass[] passes =
        flow == null
            ? null
            : FlowPass.forwardOnly(flow, Compute.of(flow.precision(), blas), team, batch);
    RowPreparation[] result = new RowPreparation[team.size()];
    for (int rank = 0; rank < result.length; rank++) {
      int rows = team.worker(rank).to(batch) - team.worker(rank).from(batch);
      result[rank] =
          new RowPreparation(
              preprocessing,
              preprocessing.precision(model),
              rows,
              dimension,
              passes == null ? null : passes[rank]);
    }
    return result;
  }

  /** Where the caller puts the rows of the data; [rows,dimension], overwritten by the noise. */
  public Matrix rows() {
    return rows;
  }

  /** Whether columns are spread, so that noise has to be drawn before {@link #prepare}. */
  public boolean dequantizes() {
    return noiseRows.length > 0;
  }

  /**
   * Draws the noise of the whole block from one stream.
   *
   * @param purpose one of {@link org.ebflow.flow.pass.NoisePurpose}
   * @param firstRow number of the block's first row in that stream
   */
  public void drawNoise(Noise source, int purpose, long step, int firstRow) {
    source.uniform(purpose, step, firstRow, noise);
  }

  /** Draws the noise of row {@code row} of the block from a stream of its own. */
  public void drawRowNoise(Noise source, int purpose, long stream, int row) {
    source.uniform(purpose, stream, 0, noiseRows[row]);
  }

  /**
   * Adds the noise that was drawn to the columns that are spread, and applies the layers.
   *
   * @param target overwritten by the rows of the model, [rows,dimension]
   */
  public void prepare(Matrix target) {
    if (dequantizes()) {
      if (spread != null) {
        kernels.scaleColumns(noise, spread, noise);
      }
      kernels.combine(1, rows, 1, noise, rows);
    }
    if (layers != null) {
      layers.push(0, 0);
    }
    target.copyFrom(prepared());
  }

  /** The rows of the last {@link #prepare} in the precision of the preprocessing. */
  public Matrix prepared() {
    return layers == null ? rows : layers.output().stream(0);
  }

  /**
   * The inverse of the layers, of which there must be one; integers get no noise taken away.
   *
   * @param prepared read, [rows,dimension] in the precision of the preprocessing
   * @param target overwritten, of the same shape and precision, not {@code prepared}
   */
  public void invert(Matrix prepared, Matrix target) {
    Objects.requireNonNull(layers, "a preprocessing without layers has no inverse to compute")
        .inverse(prepared, target);
  }

  /**
   * log|det| per row of the last {@link #prepare}, in nats, without the part that is the same for
   * every row.
   */
  public double[] logDets() {
    return logDets;
  }
}
