package org.ebflow.training.scoring;

import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.ebflow.flow.Flow;
import org.ebflow.flow.FlowPass;
import org.ebflow.flow.InvalidInputException;
import org.ebflow.flow.MemoryNeed;
import org.ebflow.flow.ScoringPlan;
import org.ebflow.flow.layer.ConstantJacobian;
import org.ebflow.flow.layer.Layer;
import org.ebflow.flow.pass.NoisePurpose;
import org.ebflow.linalg.Blas;
import org.ebflow.linalg.Matrix;
import org.ebflow.linalg.Noise;
import org.ebflow.linalg.Precision;
import org.ebflow.linalg.Team;
import org.ebflow.training.data.Dataset;
import org.ebflow.training.data.SplitMix64;
import org.ebflow.training.preprocessing.Preprocessing;
import org.ebflow.training.preprocessing.RowPreparation;

/**
 * Exact log-densities of many rows over all cores, in constant memory, in the order of the rows.
 *
 * <p>All arithmetic is batch-invariant ({@link ScoringPlan}): a row's bits depend neither on its
 * neighbours, nor on its place among them, nor on the number of threads. Rows are computed in
 * blocks of a fixed size, or of a smaller one for requests of few rows; the last block is filled
 * up. The dequantisation noise of a row is a function of the model's seed and of the row's values.
 *
 * <p>A finite row whose density can't be represented in the precision of the scores is impossible:
 * its log p is -Infinity, its energy and latent norm are +Infinity. That is so where a layer
 * overflows, where the density underflows beyond what log p can hold, and outside the domain of the
 * preprocessing. Such a row is not computed again in float64: that would tell how far out it lies,
 * but not change its rank. No finite row has log p NaN or +Infinity; a row with NaN or ±Infinity
 * has NaN in all scores.
 *
 * <p>Threading: thread-safe; concurrent calls take turns.
 */
public final class Scorer implements AutoCloseable {
  /**
   * Most rows of a block, enough for fast native products. Requests of a multiple of it keep all
   * threads busy.
   */
  public static final int BLOCK = 256;

  /** Most numbers in the jets of a block: models with wide networks get blocks of fewer rows. */
  private static final long MOST_NUMBERS = 1L << 26;

  /** Rows of the blocks that serve a request of few rows. */
  private static final int FEW = 8;

  /** Requests of at most so many rows use the small blocks; a large one would take longer. */
  private static final int MOST_OF_FEW = 8 * FEW;

  /** Rows read and preprocessed at a time, so that they stay in the core's cache. */
  private static final int PREPARED = 8;

  private final int block;
  private final Flow flow;
  private final TrainedFlow model;
  private final double rounding;
  private final PercentileLookup percentiles;
  private final double logZ;
  private final double preprocessingLogDet;
  private final Noise noise;
  private final ScoringPlan plan;
  private final Team team;
  private final BlockScorer[] workers;
  private final BlockScorer few;
  private final AtomicInteger nextBlock = new AtomicInteger();
  private boolean closed;

  /** Any rows that can be copied block by block. */
  @FunctionalInterface
  public interface RowSource {
    /**
     * Copies rows {@code from} to {@code to} (exclusive) to the first rows of {@code target},
     * float64 [*,dimension]. Called by several threads at once.
     */
    void copyRows(int from, int to, Matrix target);
  }

  /**
   * Scores by that model with that BLAS and so many threads.
   *
   * @throws InvalidInputException if a weight is NaN or ±Infinity, or if there is less memory than
   *     it takes
   */
  public Scorer(TrainedFlow model, Blas blas, int threads) {
    this(model, blas, threads, false);
  }

  private Scorer(TrainedFlow model, Blas blas, int threads, boolean bfloat16) {
    flow = model.flow();
    block = rowsOfBlocks(MemoryNeed.numbers(flow.layers(), flow.dimension()));
    MemoryNeed.ofWeights(flow.layers(), flow.precision())
        .plus(MemoryNeed.ofScoringPlan(flow.layers(), flow.precision()))
        .plus(
            MemoryNeed.ofPass(
                flow.layers(), flow.dimension(), FEW + block * threads, 1, flow.precision()))
        .requireFits("scores by a model of " + flow.dimension() + " columns");
    requireFiniteWeights(flow);
    this.model = model;
    rounding = bfloat16 ? TrainedFlow.BFLOAT16_ROUNDING : TrainedFlow.FLOAT32_ROUNDING;
    percentiles = new PercentileLookup(model.data().quantiles());
    Preprocessing preprocessing = model.preprocessing();
    noise = new Noise(model.seed());
    team = new Team(threads);
    boolean complete = false;
    try {
      plan =
          bfloat16
              ? ScoringPlan.bfloat16(flow, blas, FEW, block, team)
              : ScoringPlan.of(flow, blas, FEW, block, team);
      logZ = plan.logZ();
      double constant = 0;
      for (Layer layer : preprocessing.layers()) {
        for (ConstantJacobian part : layer.constantParts()) {
          constant += part.logAbsDeterminant(preprocessing.weights(), blas);
        }
      }
      preprocessingLogDet = constant;
      few = new BlockScorer(preprocessing, blas, FEW);
      workers = new BlockScorer[threads];
      for (int rank = 0; rank < threads; rank++) {
        workers[rank] = new BlockScorer(preprocessing, blas, block);
      }
      complete = true;
    } finally {
      if (!complete) {
        team.close();
      }
    }
  }

  private static void requireFiniteWeights(Flow flow) {
    List<String> names = flow.parameters().nonFinite();
    if (!names.isEmpty()) {
      throw new InvalidInputException(
          "Scorer: expected finite weights, found NaN or infinity in " + names.get(0));
    }
  }

  /**
   * Scores by a float32 model with the operands of large products rounded to bfloat16
   * (docs/decisions/0026). log Z is still that of the exact weights.
   *
   * @throws IllegalArgumentException if the model is float64 or the BLAS has no such products
   */
  public static Scorer bfloat16(TrainedFlow model, Blas blas, int threads) {
    return new Scorer(model, blas, threads, true);
  }

  /** Scores by the model of a run folder, over all cores, with the fastest BLAS. */
  public static Scorer open(Path run) {
    return new Scorer(
        TrainedFlow.load(run), Blas.auto(), Runtime.getRuntime().availableProcessors());
  }

  /** log Z of the model in nats. */
  public double logZ() {
    return logZ;
  }

  /** log p of every row, in nats, in the rows' own units. */
  public double[] logProb(double[][] rows) {
    Matrix matrix = Matrix.ofRows(Precision.FLOAT64, rows);
    return score(matrix).logProb();
  }

  /** Scores of every row of {@code rows}, [*,dimension]. */
  public Scores score(Matrix rows) {
    if (rows.rows() > 0 && rows.columns() != flow.dimension()) {
      throw new IllegalArgumentException(
          "Scorer.score: rows are " + rows + ", expected [*," + flow.dimension() + "]");
    }
    Scores scores = new Scores(rows.rows());
    score(
        rows.rows(),
        (from, to, target) -> target.rows(0, to - from).copyFrom(rows.rows(from, to)),
        scores);
    return scores;
  }

  /**
   * Rows of the large blocks, a multiple of {@link #PREPARED}.
   *
   * @param numbers in the jets of a row
   */
  static int rowsOfBlocks(long numbers) {
    return Math.clamp(MOST_NUMBERS / Math.max(1, numbers) / PREPARED * PREPARED, FEW, BLOCK);
  }

  /** Overwrites the first {@code count} entries of {@code scores}. */
  public synchronized void score(int count, RowSource source, Scores scores) {
    if (closed) {
      throw new IllegalStateException("Scorer.score: the scorer is closed");
    }
    if (count <= MOST_OF_FEW) {
      for (int from = 0; from < count; from += FEW) {
        few.score(source, from, Math.min(count, from + FEW), scores);
      }
      return;
    }
    nextBlock.set(0);
    int blocks = (count + block - 1) / block;
    team.run(
        worker -> {
          BlockScorer scorer = workers[worker.rank()];
          for (int next = nextBlock.getAndIncrement();
              next < blocks;
              next = nextBlock.getAndIncrement()) {
            scorer.score(source, next * block, Math.min(count, (next + 1) * block), scores);
          }
        });
  }

  /**
   * As {@link TrainedFlow#percentile}, for log p of this scorer: how near a log p must be to count
   * as equal to that of training rows depends on the scorer's precision.
   */
  public double percentile(double logProb) {
    return percentiles.percentile(logProb, model.roundingOf(logProb, rounding));
  }

  /** Exact likelihood of a whole data set. */
  public Evaluation evaluate(Dataset data) {
    if (data.dimension() != flow.dimension()) {
      throw new IllegalArgumentException(
          "Scorer.evaluate: rows of "
              + data
              + " have "
              + data.dimension()
              + " values, the model "
              + flow.dimension());
    }
    double[] logProb = logProb(data);
    return Evaluation.of(logProb, flow.dimension(), logZ, row -> impossibleRow(data, row));
  }

  private Evaluation.ImpossibleRow impossibleRow(Dataset data, int row) {
    Matrix values = Matrix.ofRows(Precision.FLOAT64, new double[][] {data.row(row)});
    return impossibleRow(
        values,
        data.number(row),
        data.columns().isEmpty() ? model.data().columns() : data.columns());
  }

  /**
   * Names a row of density zero by its number and by the column that preprocessing leaves farthest
   * out.
   *
   * @param row [1,dimension], read
   * @param columns names; empty for numbers from 1
   */
  public synchronized Evaluation.ImpossibleRow impossibleRow(
      Matrix row, long number, List<String> columns) {
    int column = few.farthestColumn((_, _, target) -> target.rows(0, 1).copyFrom(row));
    return new Evaluation.ImpossibleRow(
        number,
        columns.isEmpty() ? String.valueOf(column + 1) : columns.get(column),
        row.get(0, column));
  }

  /** log p of every row of a data set. */
  public double[] logProb(Dataset data) {
    return score(data).logProb();
  }

  /** Scores of every row of a data set. */
  public Scores score(Dataset data) {
    Scores scores = new Scores(data.size());
    score(data.size(), (from, to, target) -> data.copyRows(from, to, target, 0), scores);
    return scores;
  }

  /** Waits for a call that is running; later ones throw {@link IllegalStateException}. */
  @Override
  public synchronized void close() {
    closed = true;
    team.close();
    few.solo.close();
    for (BlockScorer worker : workers) {
      worker.solo.close();
    }
    plan.close();
  }

  /** Buffers and passes of one thread for blocks of one size, a multiple of {@link #PREPARED}. */
  private final class BlockScorer {
    private final Team solo = new Team(1);
    private final Matrix raw;
    private final Matrix[] rawRows;
    private final RowPreparation preparation;
    private final FlowPass model;
    private final double[] preparedLogDet;

    /** The model's input, {@link #PREPARED} rows at a time. */
    private final Matrix[] inputs;

    BlockScorer(Preprocessing before, Blas blas, int block) {
      int dimension = flow.dimension();
      preparation =
          RowPreparation.forTeam(before, dimension, flow.precision(), blas, solo, PREPARED)[0];
      raw =
          preparation.dequantizes()
              ? Matrix.allocate(Precision.FLOAT64, PREPARED, dimension)
              : preparation.rows(); // float64 too
      rawRows = rowsOf(raw);
      model = plan.pass(solo, block);
      preparedLogDet = new double[block];
      inputs = new Matrix[block / PREPARED];
      for (int i = 0; i < inputs.length; i++) {
        inputs[i] = model.input().stream(0).rows(i * PREPARED, (i + 1) * PREPARED);
      }
    }

    private static Matrix[] rowsOf(Matrix matrix) {
      Matrix[] rows = new Matrix[matrix.rows()];
      for (int r = 0; r < rows.length; r++) {
        rows[r] = matrix.rows(r, r + 1);
      }
      return rows;
    }

    void score(RowSource source, int from, int to, Scores scores) {
      int count = to - from;
      if (count == 0) {
        return;
      }
      for (int r = 0; r < preparedLogDet.length; r += PREPARED) {
        int first = r < count ? from + r : from; // what fills up the block are its first rows
        prepare(source, first, Math.min(first + PREPARED, to), r);
      }
      model.forward(0, 0);
      double[] densities = model.density().order(0).doubles();
      double[] squares = model.latentSquares().doubles();
      for (int r = 0; r < count; r++) {
        double logProb = densities[r] - logZ + (preprocessingLogDet + preparedLogDet[r]);
        if (Double.isFinite(logProb)) {
          scores.set(from + r, logProb, -densities[r], Math.sqrt(squares[r]));
        } else if (isFinite(source, from + r)) {
          scores.setImpossible(from + r);
        } else {
          scores.set(from + r, Double.NaN, Double.NaN, Double.NaN);
        }
      }
    }

    private boolean isFinite(RowSource source, int row) {
      source.copyRows(row, row + 1, raw);
      for (int c = 0; c < raw.columns(); c++) {
        if (!Double.isFinite(raw.get(0, c))) {
          return false;
        }
      }
      return true;
    }

    /**
     * The column of a source's only row whose preprocessed value is the largest, or is no number.
     */
    int farthestColumn(RowSource row) {
      prepare(row, 0, 1, 0);
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

    /**
     * Reads rows {@code from} to {@code to}, preprocesses them, and as many copies of the first as
     * make up {@link #PREPARED}, to the rows of the block that begin at row {@code at}.
     */
    private void prepare(RowSource source, int from, int to, int at) {
      int count = to - from;
      source.copyRows(from, to, raw);
      for (int r = count; r < PREPARED; r++) {
        rawRows[r].copyFrom(rawRows[0]);
      }
      if (preparation.dequantizes()) {
        preparation.rows().copyFrom(raw);
        for (int r = 0; r < count; r++) {
          preparation.drawRowNoise(noise, NoisePurpose.SCORING, hash(rawRows[r]), r);
        }
      }
      preparation.prepare(inputs[at / PREPARED]);
      System.arraycopy(preparation.logDets(), 0, preparedLogDet, at, PREPARED);
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
}
