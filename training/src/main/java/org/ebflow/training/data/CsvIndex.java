package org.ebflow.training.data;

import de.siegmar.fastcsv.reader.AbstractBaseCsvCallbackHandler;

/**
 * Whether the first cells of all rows count them, from any whole number in steps of 1: the row
 * index that pandas and R write in front of a table.
 */
final class CsvIndex extends AbstractBaseCsvCallbackHandler<CsvIndex> {
  private final int width;
  private int cells;
  private boolean blank;
  private double first;

  CsvIndex(int width) {
    this.width = width;
  }

  /** Reads all records behind the first, which holds the names. */
  boolean counts(CsvRecords<CsvIndex> records) {
    boolean names = true;
    double start = Double.NaN;
    long row = 0;
    while (records.next()) {
      if (blank) {
        continue;
      }
      if (!names) {
        if (cells == width) { // another width is a bad row, but a row
          start = Double.isNaN(start) ? first - row : start;
          if (first != start + row || first != Math.rint(first)) {
            return false;
          }
        }
        row++;
      }
      names = false;
    }
    return true;
  }

  @Override
  protected void handleBegin(long startingLine) {
    cells = 0;
    blank = true;
    first = Double.NaN;
  }

  @Override
  protected void handleField(int cell, char[] text, int offset, int length, boolean quoted) {
    cells++;
    if (cell > 0) {
      blank = false;
      return;
    }
    blank = !quoted && CsvRow.isBlank(text, offset, length);
    try {
      first = CsvNumber.parse(text, offset, length);
    } catch (NumberFormatException _) {
      first = Double.NaN;
    }
  }

  @Override
  protected CsvIndex buildRecord() {
    return this;
  }
}
