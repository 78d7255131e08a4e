package org.ebflow.training.scoring;

import org.ebflow.flow.pass.NoisePurpose;
import org.ebflow.linalg.Blas;
import org.ebflow.linalg.Matrix;
import org.ebflow.linalg.Noise;
import org.ebflow.linalg.Precision;
import org.ebflow.linalg.Team;
import org.ebflow.training.data.SplitMix64;
import org.ebflow.training.preprocessing.RowPreparation;
import org.ebflow.training.scoring.Scorer.RowSource;

/**
 * The input of a scoring pass: rows read and preprocessed a few at a time, so that they stay in the
 * core's cache. The dequantisation noise of a row is a function of the model's seed and of the
 * row's values.
 *
 * <p>Threading: one thread at a time.
 */
final class PreparedRows {
  /** Rows read and preprocessed at a time. */
  static final int AT_A_TIME = 8;

  private final Noise noise;
  private final Matrix raw;
  private final Matrix[] rawRows;
  private final RowPreparation preparation;

  /** The pass's input, {@link #AT_A_TIME} rows at a time. */
  private final Matrix[] inputs;

  private final double[] logDets;

  /**
   * @param input of the pass, [block,dimension], where the block is a multiple of {@link
   *     #AT_A_TIME}
   */
  PreparedRows(TrainedFlow model, Noise noise, Blas blas, Team solo, Matrix input) {
    this.noise = noise;
    int dimension = model.flow().dimension();
    preparation =
        RowPreparation.forTeam(
            model.preprocessing(), dimension, model.flow().precision(), blas, solo, AT_A_TIME)[0];
    raw =
        preparation.dequantizes()
            ? Matrix.allocate(Precision.FLOAT64, AT_A_TIME, dimension)
            : preparation.rows(); // float64 too
    rawRows = new Matrix[AT_A_TIME];
    for (int r = 0; r < AT_A_TIME; r++) {
      rawRows[r] = raw.rows(r, r + 1);
    }
    inputs = new Matrix[input.rows() / AT_A_TIME];
    for (int i = 0; i < inputs.length; i++) {
      inputs[i] = input.rows(i * AT_A_TIME, (i + 1) * AT_A_TIME);
    }
    logDets = new double[input.rows()];
  }

  /**
   * Overwrites the pass's input by rows {@code from} to {@code to} (exclusive), at least one;
   * copies of them fill it up.
   */
  void read(RowSource source, int from, int to) {
    for (int i = 0; i < inputs.length; i++) {
      int first = from + i * AT_A_TIME;
      prepare(source, first < to ? first : from, to, inputs[i]);
      System.arraycopy(preparation.logDets(), 0, logDets, i * AT_A_TIME, AT_A_TIME);
    }
  }

  /**
   * log|det| of the preprocessing per row that was read, in nats, without the part that is the same
   * for every row.
   */
  double[] logDets() {
    return logDets;
  }

  /** Whether a row of the source holds neither NaN nor ±Infinity. */
  boolean isFinite(RowSource source, int row) {
    source.copyRows(row, row + 1, raw);
    for (int c = 0; c < raw.columns(); c++) {
      if (!Double.isFinite(raw.get(0, c))) {
        return false;
      }
    }
    return true;
  }

  /** The column of a source's only row whose preprocessed value is the largest, or is no number. */
  int farthestColumn(RowSource row) {
    prepare(row, 0, 1, inputs[0]);
    Matrix values = preparation.prepared();
    int farthest = 0;
    double most = -1;
    for (int c = 0; c < values.columns(); c++) {
      double value = values.get(0, c);
      double distance = Double.isNaN(value) ? Double.POSITIVE_INFINITY : Math.abs(value);
      if (distance > most) {
        farthest = c;
        most = distance;
      }
    }
    return farthest;
  }

  /** Preprocesses at most {@link #AT_A_TIME} rows, and copies of the first in place of others. */
  private void prepare(RowSource source, int from, int to, Matrix target) {
    int count = Math.min(AT_A_TIME, to - from);
    source.copyRows(from, from + count, raw);
    for (int r = count; r < AT_A_TIME; r++) {
      rawRows[r].copyFrom(rawRows[0]);
    }
    if (preparation.dequantizes()) {
      preparation.rows().copyFrom(raw);
      for (int r = 0; r < count; r++) {
        preparation.drawRowNoise(noise, NoisePurpose.SCORING, hash(rawRows[r]), r);
      }
    }
    preparation.prepare(target);
  }

  /**
   * Mixes the bits of a row's values, as float32 and in pairs, every fourth pair in a lane of its
   * own (the rounds of XXH64).
   */
  private static long hash(Matrix row) {
    double[] values = row.doubles();
    int end = row.offset() + row.columns();
    int i = row.offset();
    long a = 1;
    long b = 2;
    long c = 3;
    long d = 4;
    for (; i < end - 7; i += 8) {
      a = mix(a, values[i], values[i + 1]);
      b = mix(b, values[i + 2], values[i + 3]);
      c = mix(c, values[i + 4], values[i + 5]);
      d = mix(d, values[i + 6], values[i + 7]);
    }
    for (; i < end; i++) {
      a = mix(a, values[i], 0);
    }
    return SplitMix64.mix(SplitMix64.mix(SplitMix64.mix(SplitMix64.mix(a) ^ b) ^ c) ^ d);
  }

  private static long mix(long lane, double first, double second) {
    long low = Float.floatToRawIntBits((float) first) & 0xFFFFFFFFL;
    long high = Float.floatToRawIntBits((float) second);
    long sum = lane + (high << 32 | low) * 0xC2B2AE3D27D4EB4FL;
    return Long.rotateLeft(sum, 31) * 0x9E3779B185EBCA87L;
  }
}
