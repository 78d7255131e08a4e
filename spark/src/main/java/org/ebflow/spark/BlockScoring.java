package org.ebflow.spark;

import java.io.Serial;
import java.util.Iterator;
import java.util.NoSuchElementException;
import org.apache.spark.TaskContext;
import org.apache.spark.api.java.function.MapPartitionsFunction;
import org.apache.spark.broadcast.Broadcast;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;
import org.ebflow.flow.InvalidInputException;
import org.ebflow.linalg.Matrix;
import org.ebflow.linalg.Precision;
import org.ebflow.training.scoring.ScoreColumns;
import org.ebflow.training.scoring.Scorer;
import org.ebflow.training.scoring.Scores;
import org.ebflow.training.scoring.ScoringPrecision;
import org.jspecify.annotations.Nullable;

/**
 * Scores the rows of a partition in blocks, in their order and in constant memory, and appends the
 * scores to each. What comes out is a function of model and row alone: a task that is tried again
 * gives the same rows.
 *
 * @param columns which of {@link ScoreColumns#NAMES} are appended, in that order
 * @param withReason whether a last column says why a row has no scores
 * @param strict whether such a row is an error
 */
record BlockScoring(
    Broadcast<ModelFile> model,
    ScoringPrecision precision,
    RowValues values,
    int[] columns,
    boolean withReason,
    boolean strict)
    implements MapPartitionsFunction<Row, Row> {
  @Serial private static final long serialVersionUID = 1;

  @Override
  public Iterator<Row> call(Iterator<Row> rows) {
    ExecutorScorer.Borrowed scorer = ExecutorScorer.borrow(model.value(), precision);
    TaskContext.get()
        .addTaskCompletionListener(
            context -> {
              scorer.close();
            });
    return new ScoredRows(rows, scorer);
  }

  private final class ScoredRows implements Iterator<Row> {
    private final Iterator<Row> input;
    private final ExecutorScorer.Borrowed borrowed;
    private final Row[] block = new Row[Scorer.BLOCK];
    private final @Nullable String[] reasons = new String[Scorer.BLOCK];
    private final Matrix rows;
    private final double[] row;
    private final Scores scores = new Scores(Scorer.BLOCK);
    private final double[] cells = new double[ScoreColumns.NAMES.size()];
    private int count;
    private int next;

    /** Of the block's rows before the next one, those with scores. */
    private int scored;

    ScoredRows(Iterator<Row> input, ExecutorScorer.Borrowed borrowed) {
      this.input = input;
      this.borrowed = borrowed;
      row = new double[borrowed.model().flow().dimension()];
      rows = Matrix.allocate(Precision.FLOAT64, Scorer.BLOCK, row.length);
    }

    @Override
    public boolean hasNext() {
      return next < count || input.hasNext();
    }

    @Override
    public Row next() {
      if (next == count && !readBlock()) {
        throw new NoSuchElementException();
      }
      int at = next++;
      Row from = block[at];
      int width = from.size();
      Object[] result = new Object[width + columns.length + (withReason ? 1 : 0)];
      for (int i = 0; i < width; i++) {
        result[i] = from.get(i);
      }
      if (reasons[at] == null) {
        borrowed.columns().of(scores, scored++, cells);
        for (int i = 0; i < columns.length; i++) {
          result[width + i] = cells[columns[i]];
        }
      } else if (withReason) {
        result[result.length - 1] = reasons[at];
      }
      return RowFactory.create(result);
    }

    private boolean readBlock() {
      int good = 0;
      for (count = 0; count < block.length && input.hasNext(); count++) {
        block[count] = input.next();
        reasons[count] = values.read(block[count], row);
        if (reasons[count] == null) {
          reasons[count] = borrowed.model().preprocessing().problem(row, 0, row.length);
        }
        if (reasons[count] == null) {
          System.arraycopy(row, 0, rows.doubles(), good * row.length, row.length);
          good++;
        } else if (strict) {
          throw new InvalidInputException(
              reasons[count] + ", in the row " + values.shown(block[count]));
        }
      }
      borrowed
          .scorer()
          .score(
              good,
              (from, to, target) -> target.rows(0, to - from).copyFrom(rows.rows(from, to)),
              scores);
      next = 0;
      scored = 0;
      return count > 0;
    }
  }
}
