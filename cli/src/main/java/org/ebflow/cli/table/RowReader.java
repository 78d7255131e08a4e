package org.ebflow.cli.table;

import java.io.IOException;
import java.util.List;
import org.ebflow.cli.table.RowBlock.RejectedRow;
import org.ebflow.flow.InvalidInputException;
import org.ebflow.training.data.TableReader;
import org.jspecify.annotations.Nullable;

/** The rows of some tables, one table after the other, block by block. */
final class RowReader implements AutoCloseable {
  private final List<ScoringInput> inputs;
  private final boolean strict;
  private final long multiple;
  private int nextInput;
  private @Nullable TableReader table;
  private long rows;
  private long rowsOfInput;

  /** Rows of the first input that were read by an earlier call. */
  private long toSkip;

  /**
   * @param strict whether the first bad row is an error
   * @param start what was read by an earlier call
   * @param multiple number of input rows at whose multiples a block ends
   */
  RowReader(List<ScoringInput> inputs, boolean strict, ScoringState start, long multiple) {
    this.inputs = inputs;
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
      if (reader == null) {
        block.last = true;
        return;
      }
      int taken = takeGood(reader, block);
      if (taken == 0) {
        if (!reader.next()) {
          close();
          continue;
        }
        take(reader, block);
        taken = 1;
      }
      block.inputs += taken;
      block.lastInput = nextInput - 1;
      rowsOfInput += taken;
      block.lastRow = rowsOfInput;
      rows += taken;
    }
  }

  /** Takes good rows at once, as many as there is room for; none where each must be looked at. */
  private int takeGood(TableReader reader, RowBlock block) {
    if (block.ids != null) {
      return 0;
    }
    long room = Math.min(block.capacity() - block.inputs, multiple - rows % multiple);
    int good = reader.nextGood(block.rows.doubles(), block.good * reader.dimension(), (int) room);
    for (int i = 0; i < good; i++) {
      block.place[block.good + i] = block.inputs + i;
    }
    block.good += good;
    return good;
  }

  private @Nullable TableReader current() {
    if (table == null && nextInput < inputs.size()) {
      TableReader opened = inputs.get(nextInput++).open();
      table = opened;
      rowsOfInput = 0;
      while (rowsOfInput < toSkip && opened.next()) {
        rowsOfInput++;
      }
      toSkip = 0;
    }
    return table;
  }

  private void take(TableReader reader, RowBlock block) {
    ScoringInput input = inputs.get(nextInput - 1);
    String problem = reader.problem();
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
