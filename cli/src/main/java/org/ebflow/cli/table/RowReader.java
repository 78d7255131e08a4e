package org.ebflow.cli.table;

import java.io.IOException;
import java.util.List;
import java.util.function.BooleanSupplier;
import org.ebflow.cli.table.RowBlock.RejectedRow;
import org.ebflow.flow.InvalidInputException;
import org.ebflow.training.data.TableReader;
import org.ebflow.training.preprocessing.Preprocessing;
import org.jspecify.annotations.Nullable;

/** The rows of some tables, one table after the other, block by block. */
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

  /** Fills a block up to its capacity, or a multiple of rows; marks the last one. */
  void fill(RowBlock block) throws IOException {
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
      if (!reader.next()) {
        close();
        toSkip = 0;
        continue;
      }
      take(reader, block);
      block.inputs++;
      block.lastInput = nextInput - 1;
      block.lastRow = ++rowsOfInput;
      rows++;
    }
  }

  private @Nullable TableReader current() {
    if (table == null && nextInput < inputs.size()) {
      TableReader opened = inputs.get(nextInput++).open();
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

  private void take(TableReader reader, RowBlock block) {
    ScoringInput input = inputs.get(nextInput - 1);
    String problem = reader.problem();
    if (problem == null) {
      problem = preprocessing.problem(reader.values());
    }
    if (problem == null) {
      double[] values = reader.values();
      System.arraycopy(values, 0, block.rows.doubles(), block.good * values.length, values.length);
      block.place[block.good] = block.inputs;
      if (block.ids != null) {
        block.ids[block.good] = input.withIds() ? reader.id() : Long.toString(rows + 1);
      }
      block.good++;
    } else if (strict) {
      throw new InvalidInputException(
          input.files().name() + ": " + reader.place() + ": " + problem);
    } else {
      String id = input.withIds() ? reader.id() : Long.toString(rows + 1);
      block.rejected.add(
          new RejectedRow(
              id, input.files().name().toString(), reader.row(), reader.line(), problem));
    }
  }

  @Override
  public void close() throws IOException {
    if (table != null) {
      table.close();
      table = null;
    }
  }
}
