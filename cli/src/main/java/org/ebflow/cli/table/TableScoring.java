package org.ebflow.cli.table;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import org.ebflow.flow.InvalidInputException;
import org.ebflow.linalg.Matrix;
import org.ebflow.linalg.Precision;
import org.ebflow.training.data.FileFormat;
import org.ebflow.training.data.UnreadableInputException;
import org.ebflow.training.scoring.ScoreColumns;
import org.ebflow.training.scoring.Scorer;
import org.ebflow.training.scoring.TrainedFlow;
import org.jspecify.annotations.Nullable;

/**
 * Scores tables of any length in constant memory: a few blocks circulate between the threads of the
 * scorer and the caller's, which writes. A thread of the scorer reads the rows of a block, while no
 * other reads, and scores them while the others go on. Another thread saves how far that has got.
 *
 * <p>Rows come out in the order of the inputs, with bits that depend neither on the block size nor
 * on the number of threads. An instance runs once.
 */
public final class TableScoring {
  /** Values of the input rows whose scores are a row group of Parquet. */
  private static final long GROUP_VALUES = 1L << 23;

  private static final long LEAST_GROUP_ROWS = 1 << 12;
  private static final long MOST_GROUP_ROWS = 1 << 17;

  /** Values in a block of rows: they stay in the core's cache from reading to scoring. */
  private static final int BLOCK_VALUES = 1 << 16;

  /** Blocks of the scorer in a block of rows at most. */
  private static final int MOST_BLOCKS = 8;

  /** Stands for no block. */
  private static final RowBlock NONE = new RowBlock(0, false);

  /** Blocks for each thread of the scorer: one that it scores, the others wait for the writer. */
  private static final int BLOCKS = 16;

  private final TrainedFlow model;
  private final Scorer scorer;
  private final List<ScoringInput> inputs;
  private final int blockRows;
  private final boolean strict;
  private final int top;
  private final long groupRows;
  private volatile boolean stopping;
  private final BlockingQueue<RowBlock> empty = new LinkedBlockingQueue<>();

  /** Blocks in the order in which they were read; they may not be scored yet. */
  private final BlockingQueue<RowBlock> filled = new LinkedBlockingQueue<>();

  /** Held by the thread that reads. */
  private final Object reading = new Object();

  /** No further block is read. */
  private volatile boolean ended;

  /**
   * Numbers of rows.
   *
   * @param scored rows written
   * @param rejected rows that could not be scored
   * @param impossible rows written whose density is zero
   * @param firstImpossible the first of them, its number counted over all inputs; null if there is
   *     none
   * @param complete whether that is all; otherwise the same call goes on from here
   */
  public record Summary(
      long scored,
      long rejected,
      long impossible,
      @Nullable String firstImpossible,
      boolean complete) {}

  /**
   * @param strict whether the first bad row is an error that leaves no output
   * @param top how many of the rows of lowest log_prob are written, in ascending order; 0: all
   *     rows, in the order of the inputs
   */
  public TableScoring(
      TrainedFlow model,
      Scorer scorer,
      List<ScoringInput> inputs,
      int blockRows,
      boolean strict,
      int top) {
    this(
        model,
        scorer,
        inputs,
        blockRows,
        strict,
        top,
        Math.clamp(GROUP_VALUES / model.flow().dimension(), LEAST_GROUP_ROWS, MOST_GROUP_ROWS));
  }

  /**
   * @param groupRows input rows whose scores are a row group of Parquet
   */
  TableScoring(
      TrainedFlow model,
      Scorer scorer,
      List<ScoringInput> inputs,
      int blockRows,
      boolean strict,
      int top,
      long groupRows) {
    this.model = model;
    this.scorer = scorer;
    this.inputs = inputs;
    this.blockRows = blockRows;
    this.strict = strict;
    this.top = top;
    this.groupRows = groupRows;
  }

  /** Rows of a block for rows of so many values, when nobody chooses another number. */
  public static int blockRows(int dimension) {
    return Math.clamp(BLOCK_VALUES / dimension / Scorer.BLOCK, 1, MOST_BLOCKS) * Scorer.BLOCK;
  }

  /** Lets {@link #run} end after a block, with the state saved; from any thread. */
  public void requestStop() {
    stopping = true;
  }

  /**
   * Scores everything, or what an unfinished call has left. What is wrong in the input leaves no
   * output. After any other failure, a stop or a kill, the same call goes on from the last
   * checkpoint, and the files have the same bytes as in one go.
   *
   * @param out .csv, .npy or .parquet; nothing is there under that name before all is complete
   * @param rejected CSV of rows that can't be scored; an old one is removed when there are none
   * @param call what decides the bytes of the output: inputs, model and options
   */
  public Summary run(Path out, Path rejected, String call, ScoringProgress progress) {
    if (ended) {
      throw new IllegalStateException("TableScoring has run already, expected a new one");
    }
    try (ScoreSink sink = sink(out);
        RejectedRows rejectedRows = new RejectedRows(rejected)) {
      ScoringCheckpoint checkpoint = new ScoringCheckpoint(out, call);
      try {
        Summary summary = run(sink, rejectedRows, checkpoint, progress);
        if (summary.complete()) {
          rejectedRows.publish();
          sink.publish();
          checkpoint.remove();
        }
        return summary;
      } catch (UnreadableInputException e) {
        throw e; // as after other failures, what is there of the files stays
      } catch (InvalidInputException e) {
        sink.file().discard();
        rejectedRows.file().discard();
        checkpoint.remove();
        throw e;
      }
    }
  }

  private ScoreSink sink(Path out) {
    ScoreColumns columns = new ScoreColumns(model, scorer);
    if (top > 0) {
      return new TopScores(out, columns, withIds(), top);
    }
    return switch (FileFormat.ofOutput(out)) {
      case NPY -> new NpyScores(out, columns);
      case PARQUET -> new ParquetScores(out, columns, withIds(), groupRows);
      default -> new CsvScores(out, columns);
    };
  }

  private boolean withIds() {
    return inputs.stream().anyMatch(ScoringInput::withIds);
  }

  private Summary run(
      ScoreSink sink,
      RejectedRows rejectedRows,
      ScoringCheckpoint checkpoint,
      ScoringProgress progress) {
    ScoringState start = checkpoint.read(sink.file().length(), rejectedRows.file().length());
    sink.begin(start.bytes());
    rejectedRows.begin(start.rejectedBytes());
    if (start.rows() > 0) {
      progress.resumed(start.scored());
    }
    int blocks = BLOCKS * scorer.threads() + 1;
    for (int i = 0; i < blocks; i++) {
      empty.add(new RowBlock(blockRows, withIds()));
    }
    Thread scoring =
        Thread.ofPlatform().daemon().name("ebflow-scoring").start(() -> readAndScore(start));
    try (BackgroundCheckpoints checkpoints =
        new BackgroundCheckpoints(checkpoint, sink.file(), rejectedRows.file(), start)) {
      return write(start, sink, rejectedRows, checkpoints, progress);
    } finally {
      ended = true;
      for (int rank = 0; rank < scorer.threads(); rank++) {
        empty.add(NONE);
      }
      join(scoring);
    }
  }

  private void readAndScore(ScoringState start) {
    try (RowReader rows =
        new RowReader(inputs, model.preprocessing(), strict, start, groupRows, () -> stopping)) {
      scorer.onEachThread(
          thread -> {
            Matrix values = Matrix.allocate(Precision.FLOAT64, blockRows, model.flow().dimension());
            for (RowBlock block = read(rows, values); block != null; block = read(rows, values)) {
              score(block, values, thread);
              block.scored.release();
            }
          });
    } catch (IOException _) {
      // only closing the table failed: what was read of it is good, or its own failure is on the
      // way
    } catch (RuntimeException | Error e) {
      RowBlock none = new RowBlock(0, false);
      none.failure = e;
      none.scored.release();
      filled.add(none);
    }
  }

  /**
   * The next block, queued for the writer; null when none follows.
   *
   * @param values its good rows, overwritten
   */
  private @Nullable RowBlock read(RowReader rows, Matrix values) {
    synchronized (reading) {
      RowBlock block = take(empty);
      if (ended || block == NONE) {
        return null;
      }
      try {
        rows.fill(block, values);
      } catch (Exception | Error e) {
        block.failure = e;
        block.last = true;
      }
      if (block.last) {
        ended = true;
      }
      filled.add(block);
      return block;
    }
  }

  private void score(RowBlock block, Matrix values, Scorer.ThreadScorer thread) {
    if (block.failure != null) {
      return;
    }
    try {
      thread.score(
          block.good,
          (from, to, target) -> target.rows(0, to - from).copyFrom(values.rows(from, to)),
          block.scores);
      for (int r = 0; r < block.good; r++) {
        if (!Double.isFinite(block.scores.logProb()[r]) && block.impossible++ == 0) {
          block.firstImpossible =
              thread
                  .impossibleRow(
                      values.rows(r, r + 1), block.first + block.place[r], model.data().columns())
                  .toString();
        }
      }
    } catch (RuntimeException | Error e) {
      block.failure = e;
    }
  }

  private Summary write(
      ScoringState start,
      ScoreSink sink,
      RejectedRows rejectedRows,
      BackgroundCheckpoints checkpoints,
      ScoringProgress progress) {
    ScoringState state = start;
    long scoredRows = start.scored();
    long rejected = start.rejected();
    long impossible = start.impossible();
    String firstImpossible = start.firstImpossible();
    for (boolean last = false; !last && !stopping; ) {
      RowBlock block = take(filled);
      block.scored.acquireUninterruptibly();
      rethrow(block.failure);
      if (block.stopped) {
        break;
      }
      last = block.last;
      sink.write(block);
      rejectedRows.write(block);
      scoredRows += block.good;
      rejected += block.rejected.size();
      impossible += block.impossible;
      firstImpossible = firstImpossible == null ? block.firstImpossible : firstImpossible;
      progress.scored(scoredRows);
      if (last) {
        return new Summary(scoredRows, rejected, impossible, firstImpossible, true);
      }
      if (sink.resumable()) {
        state =
            new ScoringState(
                block.first - 1 + block.inputs,
                block.lastInput,
                block.lastRow,
                sink.flush(),
                rejectedRows.flush(),
                scoredRows,
                rejected,
                impossible,
                firstImpossible);
        checkpoints.reached(state);
      }
      empty.add(block);
    }
    checkpoints.save();
    return new Summary(
        state.scored(), state.rejected(), state.impossible(), state.firstImpossible(), false);
  }

  private static RowBlock take(BlockingQueue<RowBlock> queue) {
    try {
      return queue.take();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("interrupted while scoring", e);
    }
  }

  /** Throws on the caller's thread what another thread met. */
  static void rethrow(@Nullable Throwable failure) {
    switch (failure) {
      case null -> {}
      case RuntimeException e -> throw e;
      case Error e -> throw e;
      case IOException e -> throw new UncheckedIOException("can't read: " + e.getMessage(), e);
      default -> throw new IllegalStateException(failure);
    }
  }

  /**
   * Waits for the end of a thread that was told to end, so that nobody reads files or uses the
   * scorer afterwards.
   */
  private static void join(Thread thread) {
    boolean interrupted = false;
    while (thread.isAlive()) {
      try {
        thread.join();
      } catch (InterruptedException _) {
        interrupted = true;
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }
}
