package org.ebflow.training.data;

import de.siegmar.fastcsv.reader.AbstractBaseCsvCallbackHandler;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * One CSV record at a time: the cells of the first one as text, those of all others parsed from the
 * parser's buffer straight into the array of values. Text is made only of the id column's cells and
 * of cells that are wrong.
 */
final class CsvRow extends AbstractBaseCsvCallbackHandler<CsvRow> {
  private static final char[] NOTHING = {};

  private final boolean decimalComma;
  private final List<String> firstCells = new ArrayList<>();
  private long firstLine;
  private @Nullable CsvColumns columns;
  private double[] values = new double[0];

  private long line;
  private int width;
  private boolean blank;
  private boolean quoted;
  private @Nullable String id;
  private int badCell;
  private @Nullable String badText;

  /**
   * @param decimalComma whether numbers have a decimal comma
   */
  CsvRow(boolean decimalComma) {
    this.decimalComma = decimalComma;
  }

  /** Cells of the first record. */
  List<String> firstCells() {
    return firstCells;
  }

  /**
   * From the next record on, cells go to {@code target} [dimension], overwritten by every record.
   */
  void readInto(CsvColumns chosen, double[] target) {
    columns = chosen;
    values = target;
  }

  /** Takes an empty line for the current record. */
  void takeBlankLine(long number) {
    handleBegin(number);
    handleEmpty();
  }

  /** Takes the first record, already read as text, as one of numbers. */
  void takeFirstCells() {
    handleBegin(firstLine);
    for (int cell = 0; cell < firstCells.size(); cell++) {
      char[] text = firstCells.get(cell).toCharArray();
      handleField(cell, text, 0, text.length, false);
    }
  }

  @Override
  protected void handleBegin(long startingLine) {
    line = startingLine;
    width = 0;
    blank = true;
    quoted = false;
    id = null;
    badCell = -1;
    badText = null;
  }

  @Override
  protected void handleEmpty() {
    handleField(0, NOTHING, 0, 0, false);
  }

  @Override
  protected void handleField(int cell, char[] text, int offset, int length, boolean inQuotes) {
    CsvRecords.requireCell(cell);
    width++;
    quoted |= inQuotes;
    blank = cell == 0 && !inQuotes && isBlank(text, offset, length);
    if (columns == null) {
      if (cell == 0) {
        firstCells.clear(); // of a blank line
        firstLine = line;
      }
      firstCells.add(new String(text, offset, length));
    } else if (cell < columns.width()) {
      if (cell == columns.choice().id()) {
        id = new String(text, offset, length);
      }
      take(cell, columns.slot(cell), text, offset, length);
    }
  }

  private void take(int cell, int slot, char[] text, int offset, int length) {
    if (slot != CsvColumns.IGNORED) {
      try {
        values[slot] = CsvNumber.parse(text, offset, length, decimalComma);
        if (!Double.isFinite(values[slot]) && badCell < 0) {
          badCell = cell;
        }
      } catch (NumberFormatException e) {
        if (badText == null) {
          badCell = cell;
          badText = new String(text, offset, Math.min(length, 40)) + (length > 40 ? "…" : "");
        }
      }
    }
  }

  /** Whether a cell holds nothing but white space. */
  static boolean isBlank(char[] text, int offset, int length) {
    int at = 0;
    while (at < length && text[offset + at] <= ' ') {
      at++;
    }
    return at == length;
  }

  @Override
  protected CsvRow buildRecord() {
    return this;
  }

  /** Whether the line is empty but for white space: one cell without quotes. */
  boolean blank() {
    return blank;
  }

  /** Whether a cell is in quotes. */
  boolean quoted() {
    return quoted;
  }

  /** Line of the text where the record starts, from 1. */
  long line() {
    return line;
  }

  @Nullable String id() {
    return id;
  }

  boolean nonFinite() {
    return badCell >= 0 && badText == null && width == Objects.requireNonNull(columns).width();
  }

  @Nullable String problem() {
    CsvColumns known = Objects.requireNonNull(columns);
    if (width != known.width()) {
      return "expected " + known.width() + " cells, found " + width;
    }
    if (badText != null) {
      return known.choice().called(badCell)
          + ": expected a number, found '"
          + badText.replaceAll("\\p{Cntrl}", " ")
          + "'";
    }
    if (badCell >= 0) {
      double value = values[known.slot(badCell)];
      return known.choice().called(badCell)
          + ": expected a finite number, found "
          + (Double.isNaN(value) ? "NaN or nothing" : value);
    }
    return null;
  }
}
