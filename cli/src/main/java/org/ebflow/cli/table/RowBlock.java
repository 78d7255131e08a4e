package org.ebflow.cli.table;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Semaphore;
import org.ebflow.training.scoring.Scores;
import org.jspecify.annotations.Nullable;

/**
 * What becomes of some rows, on its way from reader to scorer to writer; one thread at a time has
 * it. The rows themselves stay with the thread that reads and scores them.
 */
final class RowBlock {
  /** Of the good rows. */
  final Scores scores;

  /** Which of the block's input rows each good row is, ascending. */
  final int[] place;

  /** Texts of the id column by good row; null where there is no such column. */
  final @Nullable String @Nullable [] ids;

  final List<RejectedRow> rejected = new ArrayList<>();

  /** Number of the block's first input row, counted from 1 over all inputs. */
  long first;

  /** Input rows, good and rejected. */
  int inputs;

  int good;

  /** Good rows of density zero. */
  long impossible;

  /** The first of them, its number counted over all inputs. */
  @Nullable String firstImpossible;

  /** A permit once the block is scored, or was not because of a {@link #failure}. */
  final Semaphore scored = new Semaphore(0);

  /** Input of the last row, from 0. */
  int lastInput;

  /** Number of the last row in its input, from 1. */
  long lastRow;

  /** No block follows. */
  boolean last;

  /** Nothing was read because the call is to stop; no block follows. */
  boolean stopped;

  /** Why no block follows, if it is not the end of the inputs. */
  @Nullable Throwable failure;

  /**
   * An input row that can't be scored.
   *
   * @param id text of the id column, or its number over all inputs
   * @param input file
   * @param row number in the file, from 1
   * @param line of the file, 0 where it has no lines
   */
  record RejectedRow(String id, String input, long row, long line, String reason) {}

  RowBlock(int capacity, boolean withIds) {
    scores = new Scores(capacity);
    place = new int[capacity];
    ids = withIds ? new String[capacity] : null;
  }

  int capacity() {
    return place.length;
  }

  void clear(long firstRow) {
    first = firstRow;
    inputs = 0;
    good = 0;
    impossible = 0;
    firstImpossible = null;
    rejected.clear();
  }

  /** The id of a good row. */
  String id(int index) {
    String text = ids == null ? null : ids[index];
    return text == null ? Long.toString(first + place[index]) : text;
  }
}
