package org.ebflow.cli.table;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.function.LongConsumer;
import org.ebflow.training.data.FileFormat;
import org.ebflow.training.scoring.Evaluation;
import org.ebflow.training.scoring.Scorer;
import org.ebflow.training.scoring.TrainedFlow;
import org.jspecify.annotations.Nullable;

/**
 * Scores tables of any length in constant memory: a few blocks of rows circulate between a thread
 * that reads, one that scores with all cores, and the caller's, which writes.
 *
 * <p>Rows come out in the order of the inputs, with bits that depend neither on the block size nor
 * on the number of threads.
 */
public final class TableScoring {
  /** One block each for reading, scoring and writing, and one in waiting. */
  private static final int BLOCKS = 4;

  private final TrainedFlow model;
  private final Scorer scorer;
  private final List<ScoringInput> inputs;
  private final int blockRows;
  private final boolean strict;
  private final BlockingQueue<RowBlock> empty = new ArrayBlockingQueue<>(BLOCKS);
  private final BlockingQueue<RowBlock> filled = new ArrayBlockingQueue<>(BLOCKS);
  private final BlockingQueue<RowBlock> scored = new ArrayBlockingQueue<>(BLOCKS);

  /**
   * Numbers of rows.
   *
   * @param scored rows written
   * @param rejected rows that could not be scored
   * @param impossible rows written whose density is zero
   * @param firstImpossible the first of them, its number counted over all inputs; null if there is
   *     none
   */
  public record Summary(
      long scored,
      long rejected,
      long impossible,
      Evaluation.@Nullable ImpossibleRow firstImpossible) {}

  /**
   * @param strict whether the first bad row is an error that leaves no output
   */
  public TableScoring(
      TrainedFlow model, Scorer scorer, List<ScoringInput> inputs, int blockRows, boolean strict) {
    this.model = model;
    this.scorer = scorer;
    this.inputs = inputs;
    this.blockRows = blockRows;
    this.strict = strict;
  }

  /**
   * Scores everything.
   *
   * @param out .csv or .npy; nothing is there under that name before all is complete
   * @param rejected CSV of rows that can't be scored; an old one is removed when there are none
   * @param progress told the number of rows written so far
   */
  public Summary run(Path out, Path rejected, LongConsumer progress) {
    boolean withIds = inputs.stream().anyMatch(input -> input.idColumn() != null);
    ScoreColumns columns = new ScoreColumns(model, scorer);
    boolean npy = FileFormat.ofOutput(out) == FileFormat.NPY;
    try (ScoreSink sink = npy ? new NpyScores(out, columns) : new CsvScores(out, columns);
        RejectedRows rejectedRows = new RejectedRows(rejected)) {
      for (int i = 0; i < BLOCKS; i++) {
        empty.add(new RowBlock(blockRows, model.flow().dimension(), withIds));
      }
      Thread reader = Thread.ofPlatform().daemon().name("ebflow-reader").start(this::read);
      Thread scoring = Thread.ofPlatform().daemon().name("ebflow-scoring").start(this::score);
      try {
        Summary summary = write(sink, rejectedRows, progress);
        rejectedRows.publish();
        sink.publish();
        return summary;
      } finally {
        reader.interrupt();
        scoring.interrupt();
        join(reader);
        join(scoring);
      }
    }
  }

  private void read() {
    try (RowReader rows = new RowReader(inputs, strict)) {
      for (boolean last = false; !last; ) {
        RowBlock block = empty.take();
        try {
          rows.fill(block);
        } catch (Exception | Error e) {
          block.failure = e;
          block.last = true;
        }
        last = block.last;
        filled.add(block);
      }
    } catch (InterruptedException _) {
      // the writer gave up and waits for no block
    } catch (IOException _) {
      // only closing the table failed: what was read of it is good, or its own failure is on the
      // way
    }
  }

  private void score() {
    try {
      for (boolean last = false; !last; ) {
        RowBlock block = filled.take();
        last = block.last;
        try {
          if (block.failure == null) {
            scorer.score(
                block.good,
                (from, to, target) -> target.rows(0, to - from).copyFrom(block.rows.rows(from, to)),
                block.scores);
          }
        } catch (RuntimeException | Error e) {
          block.failure = e;
          last = true;
        }
        scored.add(block);
      }
    } catch (InterruptedException _) {
      // as above
    }
  }

  private Summary write(ScoreSink sink, RejectedRows rejectedRows, LongConsumer progress) {
    long written = 0;
    long rejected = 0;
    long impossible = 0;
    Evaluation.ImpossibleRow firstImpossible = null;
    for (boolean last = false; !last; ) {
      RowBlock block = take(scored);
      rethrow(block.failure);
      last = block.last;
      sink.write(block);
      rejectedRows.write(block);
      written += block.good;
      rejected += block.rejected.size();
      for (int r = 0; r < block.good; r++) {
        if (!Double.isFinite(block.scores.logProb()[r]) && impossible++ == 0) {
          firstImpossible =
              scorer.impossibleRow(
                  block.rows.rows(r, r + 1), block.first + block.place[r], model.data().columns());
        }
      }
      progress.accept(written);
      empty.add(block);
    }
    return new Summary(written, rejected, impossible, firstImpossible);
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
  private static void rethrow(@Nullable Throwable failure) {
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
