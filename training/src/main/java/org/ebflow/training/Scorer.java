package org.ebflow.training;

import java.nio.file.Path;
import java.util.concurrent.atomic.AtomicInteger;
import org.ebflow.flow.Compute;
import org.ebflow.flow.Flow;
import org.ebflow.flow.FlowPass;
import org.ebflow.flow.Layer;
import org.ebflow.flow.NoisePurpose;
import org.ebflow.linalg.Blas;
import org.ebflow.linalg.Kernels;
import org.ebflow.linalg.Matrix;
import org.ebflow.linalg.Noise;
import org.ebflow.linalg.Precision;
import org.ebflow.linalg.RowKernels;
import org.ebflow.linalg.Team;
import org.ebflow.training.data.Dataset;
import org.jspecify.annotations.Nullable;

/**
 * Exact log-densities of many rows over all cores, in constant memory, in the order of the rows.
 *
 * <p>Rows are computed in blocks of two fixed sizes, one for requests of few rows, short ones
 * padded; all arithmetic treats rows alike ({@link Compute#rowsAlike}): a row's bits depend neither
 * on its neighbours, nor on its place among them, nor on the number of threads. The dequantisation
 * noise of a row is a function of the model's seed and of the row's values.
 *
 * <p>Threading: thread-safe; concurrent calls take turns.
 */
public final class Scorer implements AutoCloseable {
  /** Rows of a block, as many as native products want: multiples of it keep all threads busy. */
  public static final int BLOCK = 128;

  /**
   * Rows of the block that serves a request of at most so many: the fewest that oneDNN's float32
   * product treats like those of a whole block.
   */
  private static final int FEW = 16;

  private final Flow flow;
  private final double logZ;
  private final double preprocessingLogDet;
  private final int levels;
  private final Noise noise;
  private final Team team;
  private final BlockScorer[] workers;
  private final BlockScorer few;
  private final AtomicInteger nextBlock = new AtomicInteger();

  /** Any rows that can be copied block by block. */
  @FunctionalInterface
  public interface RowSource {
    /**
     * Copies rows {@code from} to {@code to} (exclusive) to the first rows of {@code target},
     * float64 [*,dimension]. Called by several threads at once.
     */
    void copyRows(int from, int to, Matrix target);
  }

  /** Scores by that model with that BLAS and so many threads. */
  public Scorer(TrainedFlow model, Blas blas, int threads) {
    this(model, blas, threads, false);
  }

  private Scorer(TrainedFlow model, Blas blas, int threads, boolean bfloat16) {
    flow = model.flow();
    Preprocessing preprocessing = model.preprocessing();
    levels = preprocessing.levels();
    noise = new Noise(model.seed());
    logZ = flow.logZ(blas);
    double constant = 0;
    for (Layer layer : preprocessing.layers()) {
      if (layer.constantJacobian()) {
        constant += layer.logAbsDeterminant(flow.parameters(), blas);
      }
    }
    preprocessingLogDet = constant;
    Compute compute =
        bfloat16
            ? Compute.bfloat16RowsAlike(flow.parameters(), blas, FEW, BLOCK)
            : Compute.rowsAlike(flow.parameters(), blas, FEW, BLOCK);
    few = new BlockScorer(preprocessing, blas, compute, FEW);
    team = new Team(threads);
    workers = new BlockScorer[threads];
    for (int rank = 0; rank < threads; rank++) {
      workers[rank] = new BlockScorer(preprocessing, blas, compute, BLOCK);
    }
  }

  /**
   * Scores by a float32 model whose factors of large products are rounded to bfloat16:
   * docs/decisions/0006. log Z is exact all the same.
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

  /** Overwrites the first {@code count} entries of {@code scores}. */
  public synchronized void score(int count, RowSource source, Scores scores) {
    if (count <= FEW) {
      few.score(source, 0, count, scores);
      return;
    }
    nextBlock.set(0);
    int blocks = (count + BLOCK - 1) / BLOCK;
    team.run(
        worker -> {
          BlockScorer scorer = workers[worker.rank()];
          for (int next = nextBlock.getAndIncrement();
              next < blocks;
              next = nextBlock.getAndIncrement()) {
            scorer.score(source, next * BLOCK, Math.min(count, (next + 1) * BLOCK), scores);
          }
        });
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
    return Evaluation.of(logProb(data), flow.dimension(), logZ);
  }

  /** log p of every row of a data set. */
  double[] logProb(Dataset data) {
    Scores scores = new Scores(data.size());
    score(data.size(), (from, to, target) -> data.copyRows(from, to, target, 0), scores);
    return scores.logProb();
  }

  @Override
  public void close() {
    team.close();
    few.solo.close();
    for (BlockScorer worker : workers) {
      worker.solo.close();
    }
  }

  /** Buffers and passes of one thread for blocks of one size. */
  private final class BlockScorer {
    private final Team solo = new Team(1);
    private final Matrix raw;
    private final Matrix[] rawRows;
    private final @Nullable FlowPass preprocessing;
    private final FlowPass model;
    private final Matrix input;
    private final Matrix[] inputRows;
    private final Matrix noiseRow;
    private final Matrix squares;

    BlockScorer(Preprocessing before, Blas blas, Compute compute, int block) {
      int dimension = flow.dimension();
      raw = Matrix.allocate(Precision.FLOAT64, block, dimension);
      rawRows = rowsOf(raw);
      preprocessing = before.pass(dimension, flow.precision(), blas, solo, block);
      model = FlowPass.forTeam(flow, compute, solo, block, 0)[0];
      input = (preprocessing == null ? model : preprocessing).input().stream(0);
      inputRows = rowsOf(input);
      noiseRow = Matrix.allocate(input.precision(), 1, dimension);
      squares = Matrix.allocate(Precision.FLOAT64, 1, block);
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
      source.copyRows(from, to, raw);
      for (int r = count; r < rawRows.length; r++) {
        rawRows[r].copyFrom(rawRows[0]);
      }
      input.copyFrom(raw);
      if (levels > 0) {
        RowKernels kernels = Kernels.of(input.precision()).rows();
        for (int r = 0; r < count; r++) {
          noise.uniform(NoisePurpose.SCORING, hash(rawRows[r]), 0, noiseRow);
          kernels.combine(1, inputRows[r], 1, noiseRow, inputRows[r]);
        }
      }
      if (preprocessing != null) {
        preprocessing.push(0, 0);
        model.input().stream(0).copyFrom(preprocessing.output().stream(0));
      }
      model.forward(0, 0);
      squares.fill(0);
      model.addLatentSquares(squares);
      for (int r = 0; r < count; r++) {
        double density = model.density().order(0).doubles()[r];
        double logDet = preprocessing == null ? 0 : preprocessing.density().order(0).doubles()[r];
        scores.logProb()[from + r] = density - logZ + (preprocessingLogDet + logDet);
        scores.energy()[from + r] = -density;
        scores.latentNorm()[from + r] = Math.sqrt(squares.doubles()[r]);
      }
    }

    /**
     * Mixes the bits of a row's values, every fourth in a lane of its own (the rounds of XXH64).
     */
    private static long hash(Matrix row) {
      double[] values = row.doubles();
      int end = row.offset() + row.columns();
      int i = row.offset();
      long a = 1;
      long b = 2;
      long c = 3;
      long d = 4;
      for (; i < end - 3; i += 4) {
        a = mix(a, values[i]);
        b = mix(b, values[i + 1]);
        c = mix(c, values[i + 2]);
        d = mix(d, values[i + 3]);
      }
      for (; i < end; i++) {
        a = mix(a, values[i]);
      }
      return finish(finish(finish(finish(a) ^ b) ^ c) ^ d);
    }

    private static long mix(long lane, double value) {
      long sum = lane + Double.doubleToLongBits(value) * 0xC2B2AE3D27D4EB4FL;
      return Long.rotateLeft(sum, 31) * 0x9E3779B185EBCA87L;
    }

    /** The finalizer of SplitMix64. */
    private static long finish(long lane) {
      long hash = (lane ^ (lane >>> 30)) * 0xBF58476D1CE4E5B9L;
      hash = (hash ^ (hash >>> 27)) * 0x94D049BB133111EBL;
      return hash ^ (hash >>> 31);
    }
  }
}
