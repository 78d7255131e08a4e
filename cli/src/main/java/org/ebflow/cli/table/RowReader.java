package org.ebflow.cli.table;

import java.io.IOException;
import java.util.List;
import java.util.function.BooleanSupplier;
import org.ebflow.cli.table.RowBlock.RejectedRow;
import org.ebflow.flow.InvalidInputException;
import org.ebflow.linalg.Matrix;
import org.ebflow.training.data.TableReader;
import org.ebflow.training.data.UnreadableInputException;
import org.ebflow.training.preprocessing.Preprocessing;
import org.jspecify.annotations.Nullable;

/**
 * The rows of some tables, one table after the other, block by block.
 *
 * <p>Good rows come many at a time. One row at a time come bad rows, whose reason and place are
 * asked for, and all rows of a call with ids: a reader tells them of its current row only.
 */
final class RowReader implements AutoCloseable {
  private final List<ScoringInput> inputs;
  private final Preprocessing preprocessing;
  private final boolean strict;
  private final long multiple;
  private final BooleanSupplier stopping;
  private int nextInput;
  private @Nullable TableReader table;
  private long rows;
  private long rowsOfInput;

  /** Rows of the first input that were read by an earlier call. */
  private long toSkip;

  /**
   * @param preprocessing of the model, which knows what pixels are
   * @param strict whether the first bad row is an error
   * @param start what was read by an earlier call
   * @param multiple number of input rows at whose multiples a block ends
   * @param stopping asked whether the call is to stop, while rows of an earlier call are skipped
   *     and wherever an input is read
   */
  RowReader(
      List<ScoringInput> inputs,
      Preprocessing preprocessing,
      boolean strict,
      ScoringState start,
      long multiple,
      BooleanSupplier stopping) {
    this.inputs = inputs;
    this.stopping = stopping;
    this.preprocessing = preprocessing;
    this.strict = strict;
    this.multiple = multiple;
    nextInput = start.input();
    toSkip = start.rowsOfInput();
    rows = start.rows();
  }

  /**
   * Fills a block up to its capacity, or a multiple of rows; marks the last one, and one that the
   * call's stop has cut short.
   *
   * @param values good rows, [capacity,dimension] float64, overwritten
   */
  void fill(RowBlock block, Matrix values) throws IOException {
    try {
      fillUnlessStopped(block, values);
    } catch (UnreadableInputException e) {
      if (!stopping.getAsBoolean()) {
        throw e;
      }
      block.stopped = true;
      block.last = true;
    }
  }

  private void fillUnlessStopped(RowBlock block, Matrix values) throws IOException {
    block.clear(rows + 1);
    while (block.inputs < block.capacity() && (block.inputs == 0 || rows % multiple != 0)) {
      TableReader reader = current();
      if (rowsOfInput < toSkip) {
        block.stopped = true;
        block.last = true;
        return;
      }
      if (reader == null) {
        block.last = true;
        return;
      }
      int taken = takeGood(reader, block, values.doubles());
      if (taken == 0) {
        if (!reader.next()) {
          close();
          toSkip = 0;
          continue;
        }
        take(reader, block, values.doubles());
        taken = 1;
      }
      block.inputs += taken;
      block.lastInput = nextInput - 1;
      rowsOfInput += taken;
      block.lastRow = rowsOfInput;
      rows += taken;
    }
  }

  /** Takes good rows at once, as many as there is room for; none where ids must be read. */
  private int takeGood(TableReader reader, RowBlock block, double[] target) {
    if (block.ids != null) {
      return 0;
    }
    int columns = reader.dimension();
    int start = block.good;
    long room = Math.min(block.capacity() - block.inputs, multiple - rows % multiple);
    int count = reader.nextGood(target, start * columns, (int) room);
    for (int i = 0; i < count; i++) {
      String problem = preprocessing.problem(target, (start + i) * columns, columns);
      if (problem == null) {
        if (block.good < start + i) {
          System.arraycopy(target, (start + i) * columns, target, block.good * columns, columns);
        }
        block.place[block.good++] = block.inputs + i;
      } else {
        reject(reader, count - 1 - i, Long.toString(rows + 1 + i), problem, block);
      }
    }
    return count;
  }

  private @Nullable TableReader current() {
    if (table == null && nextInput < inputs.size()) {
      TableReader opened = inputs.get(nextInput++).open(stopping);
      table = opened;
      rowsOfInput = 0;
      while (rowsOfInput < toSkip && !stopping.getAsBoolean()) {
        if (!opened.next()) {
          throw new InvalidInputException(
              inputs.get(nextInput - 1).files().name()
                  + ": expected the "
                  + toSkip
                  + " rows of the unfinished call, found "
                  + rowsOfInput);
        }
        rowsOfInput++;
      }
    }
    return table;
  }

  private void take(TableReader reader, RowBlock block, double[] target) {
    double[] values = reader.values();
    String problem = reader.problem();
    if (problem == null) {
      problem = preprocessing.problem(values, 0, values.length);
    }
    if (problem != null) {
      reject(reader, 0, id(reader), problem, block);
      return;
    }
    System.arraycopy(values, 0, target, block.good * values.length, values.length);
    block.place[block.good] = block.inputs;
    if (block.ids != null) {
      block.ids[block.good] = id(reader);
    }
    block.good++;
  }

  private String id(TableReader reader) {
    return inputs.get(nextInput - 1).withIds() ? reader.id() : Long.toString(rows + 1);
  }

  /**
   * Keeps a bad row for the file of rejected ones.
   *
   * @param before rows before the reader's current one
   * @throws InvalidInputException if the first bad row is an error
   */
  private void reject(TableReader reader, int before, String id, String problem, RowBlock block) {
    Object name = inputs.get(nextInput - 1).files().name();
    if (strict) {
      throw new InvalidInputException(name + ": " + reader.place(before) + ": " + problem);
    }
    block.rejected.add(
        new RejectedRow(id, name.toString(), reader.row() - before, reader.line(before), problem));
  }

  @Override
  public void close() throws IOException {
    if (table != null) {
      table.close();
      table = null;
    }
  }
}
