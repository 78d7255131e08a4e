package org.ebflow.training.scoring;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import org.ebflow.flow.Flow;
import org.ebflow.flow.FlowPass;
import org.ebflow.flow.InvalidInputException;
import org.ebflow.flow.MemoryNeed;
import org.ebflow.flow.ScoringPlan;
import org.ebflow.flow.layer.ConstantJacobian;
import org.ebflow.flow.layer.Layer;
import org.ebflow.flow.pass.Compute;
import org.ebflow.flow.pass.LogDet;
import org.ebflow.linalg.Blas;
import org.ebflow.linalg.Matrix;
import org.ebflow.linalg.Noise;
import org.ebflow.linalg.Precision;
import org.ebflow.linalg.RowKernels;
import org.ebflow.linalg.Team;
import org.ebflow.training.data.Dataset;
import org.ebflow.training.preprocessing.Preprocessing;

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

  private final int block;
  private final Flow flow;
  private final Blas blas;
  private final TrainedFlow model;
  private final double rounding;
  private final PercentileLookup percentiles;
  private final double logZ;
  private final double preprocessingLogDet;
  private final Noise noise;
  private final ScoringPlan plan;
  private final Team team;
  private final ThreadScorer[] workers;
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
    this.blas = blas;
    block = rowsOfBlocks(MemoryNeed.numbers(flow.layers(), flow.dimension()));
    memoryNeed(threads).requireFits("scores by a model of " + flow.dimension() + " columns");
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
      workers = new ThreadScorer[threads];
      for (int rank = 0; rank < threads; rank++) {
        workers[rank] = new ThreadScorer();
      }
      complete = true;
    } finally {
      if (!complete) {
        team.close();
      }
    }
  }

  /** With so many threads. */
  private MemoryNeed memoryNeed(int threads) {
    return MemoryNeed.ofWeights(flow.layers(), flow.precision())
        .plus(MemoryNeed.ofScoringPlan(flow.layers(), flow.precision()))
        .plus(needOfPasses((FEW + block) * threads, 1));
  }

  private MemoryNeed needOfPasses(int rows, int streams) {
    return MemoryNeed.ofPass(flow.layers(), flow.dimension(), rows, streams, flow.precision());
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

  /** Number of threads. */
  public int threads() {
    return workers.length;
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
   * Rows of the large blocks, a multiple of {@link PreparedRows#AT_A_TIME}.
   *
   * @param numbers in the jets of a row
   */
  static int rowsOfBlocks(long numbers) {
    int unit = PreparedRows.AT_A_TIME;
    return Math.clamp(MOST_NUMBERS / Math.max(1, numbers) / unit * unit, FEW, BLOCK);
  }

  /** Overwrites the first {@code count} entries of {@code scores}. */
  public synchronized void score(int count, RowSource source, Scores scores) {
    requireOpen("score");
    if (count <= MOST_OF_FEW) {
      workers[0].score(count, source, scores);
      return;
    }
    inBlocks(count, (rank, from, to) -> workers[rank].large.score(source, from, to, scores));
  }

  /** What a worker does with some rows. */
  @FunctionalInterface
  private interface BlockTask {
    void run(int rank, int from, int to);
  }

  /** Divides rows among the team, block by block. */
  private void inBlocks(int count, BlockTask task) {
    nextBlock.set(0);
    int blocks = (count + block - 1) / block;
    team.run(
        worker -> {
          for (int next = nextBlock.getAndIncrement();
              next < blocks;
              next = nextBlock.getAndIncrement()) {
            task.run(worker.rank(), next * block, Math.min(count, (next + 1) * block));
          }
        });
  }

  /**
   * ‖∇ log p‖ of every row of a data set: the gradient of the log-density of preprocessed rows y,
   * by y, so that it does not depend on the units of the columns. One pass forward and one back, in
   * the model's precision, without rounding to bfloat16.
   *
   * @return one norm a row; +Infinity where a finite row has no finite gradient
   * @throws InvalidInputException if there is less memory than it takes
   */
  public synchronized double[] gradientNorm(Dataset data) {
    requireOpen("gradientNorm");
    requireDimension("gradientNorm", data);
    memoryNeed(workers.length)
        .plus(needOfPasses(block * workers.length, 2))
        .requireFits("gradients of a model of " + flow.dimension() + " columns");
    double[] norms = new double[data.size()];
    List<BlockGradients> parts = new ArrayList<>();
    try {
      while (parts.size() < workers.length) {
        parts.add(new BlockGradients(block));
      }
      RowSource source = (from, to, target) -> data.copyRows(from, to, target, 0);
      inBlocks(norms.length, (rank, from, to) -> parts.get(rank).norms(source, from, to, norms));
    } finally {
      parts.forEach(BlockGradients::close);
    }
    return norms;
  }

  private void requireOpen(String method) {
    if (closed) {
      throw new IllegalStateException("Scorer." + method + ": the scorer is closed");
    }
  }

  private void requireDimension(String method, Dataset data) {
    if (data.dimension() != flow.dimension()) {
      throw new IllegalArgumentException(
          "Scorer."
              + method
              + ": rows of "
              + data
              + " have "
              + data.dimension()
              + " values, the model "
              + flow.dimension());
    }
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
    requireDimension("evaluate", data);
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

  /** As {@link ThreadScorer#impossibleRow}. */
  public synchronized Evaluation.ImpossibleRow impossibleRow(
      Matrix row, long number, List<String> columns) {
    return workers[0].impossibleRow(row, number, columns);
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

  /**
   * Lets each thread of this scorer run a task of its own at the same time, and returns when all
   * have ended: rows come to the threads in blocks that wait for no other thread.
   *
   * @param task given what scores on its thread, which it must neither close nor keep; calls no
   *     other method of this scorer that takes turns
   */
  public synchronized void onEachThread(Consumer<ThreadScorer> task) {
    requireOpen("onEachThread");
    team.run(worker -> task.accept(workers[worker.rank()]));
  }

  /** A scorer of this one's rows that computes on its caller's thread alone. */
  public synchronized ThreadScorer threadScorer() {
    requireOpen("threadScorer");
    needOfPasses(FEW + block, 1).requireFits("another thread that scores");
    return new ThreadScorer();
  }

  /**
   * Scores on its caller's thread, with the weights and the plan of the scorer that made it and
   * buffers of its own; gives the same bits. It must be closed before that scorer.
   *
   * <p>Threading: not thread-safe; several of one scorer compute side by side.
   */
  public final class ThreadScorer implements AutoCloseable {
    private final BlockScorer small;
    private final BlockScorer large;

    private ThreadScorer() {
      small = new BlockScorer(FEW);
      large = new BlockScorer(block);
    }

    /** Overwrites the first {@code count} entries of {@code scores}. */
    public void score(int count, RowSource source, Scores scores) {
      BlockScorer scorer = count <= MOST_OF_FEW ? small : large;
      int rows = count <= MOST_OF_FEW ? FEW : block;
      for (int from = 0; from < count; from += rows) {
        scorer.score(source, from, Math.min(count, from + rows), scores);
      }
    }

    /**
     * Names a row of density zero by its number and by the column that preprocessing leaves
     * farthest out.
     *
     * @param row [1,dimension], read
     * @param columns names; empty for numbers from 1
     */
    public Evaluation.ImpossibleRow impossibleRow(Matrix row, long number, List<String> columns) {
      int column = small.prepared.farthestColumn((_, _, target) -> target.rows(0, 1).copyFrom(row));
      return new Evaluation.ImpossibleRow(
          number,
          columns.isEmpty() ? String.valueOf(column + 1) : columns.get(column),
          row.get(0, column));
    }

    @Override
    public void close() {
      small.solo.close();
      large.solo.close();
    }
  }

  /** Waits for a call that is running; later ones throw {@link IllegalStateException}. */
  @Override
  public synchronized void close() {
    closed = true;
    team.close();
    for (ThreadScorer worker : workers) {
      worker.close();
    }
    plan.close();
  }

  /**
   * Buffers and passes of one thread for blocks of one size, a multiple of {@link
   * PreparedRows#AT_A_TIME}.
   */
  private final class BlockScorer {
    private final Team solo = new Team(1);
    private final FlowPass model;
    private final PreparedRows prepared;

    BlockScorer(int block) {
      model = plan.pass(solo, block);
      prepared = new PreparedRows(Scorer.this.model, noise, blas, solo, model.input().stream(0));
    }

    void score(RowSource source, int from, int to, Scores scores) {
      int count = to - from;
      if (count == 0) {
        return;
      }
      prepared.read(source, from, to);
      model.forward(0, 0);
      double[] densities = model.density().order(0).doubles();
      double[] squares = model.latentSquares().doubles();
      double[] logDets = prepared.logDets();
      for (int r = 0; r < count; r++) {
        double logProb = densities[r] - logZ + (preprocessingLogDet + logDets[r]);
        if (Double.isFinite(logProb)) {
          scores.set(from + r, logProb, -densities[r], Math.sqrt(squares[r]));
        } else if (prepared.isFinite(source, from + r)) {
          scores.setImpossible(from + r);
        } else {
          scores.set(from + r, Double.NaN, Double.NaN, Double.NaN);
        }
      }
    }
  }

  /** Passes of one thread that go forward and back, for blocks of one size. */
  private final class BlockGradients implements AutoCloseable {
    private final Team solo = new Team(1);
    private final FlowPass pass;
    private final PreparedRows prepared;
    private final RowKernels kernels;
    private final LogDet squares;

    BlockGradients(int block) {
      Compute compute = Compute.of(flow.precision(), blas);
      pass = FlowPass.forTeam(flow, compute, solo, block, 0)[0];
      prepared = new PreparedRows(model, noise, blas, solo, pass.input().stream(0));
      kernels = compute.kernels().rows();
      squares = pass.newSeed();
    }

    void norms(RowSource source, int from, int to, double[] target) {
      prepared.read(source, from, to);
      pass.forward(0, 0);
      Matrix gradient = pass.score();
      squares.fill(0, 0);
      kernels.addRowDots(1, gradient, gradient, squares.order(0));
      double[] sums = squares.order(0).doubles();
      for (int r = 0; r < to - from; r++) {
        double norm = Math.sqrt(sums[r]);
        boolean infinite = !Double.isFinite(norm) && prepared.isFinite(source, from + r);
        target[from + r] = infinite ? Double.POSITIVE_INFINITY : norm;
      }
    }

    @Override
    public void close() {
      solo.close();
    }
  }
}
