package org.ebflow.training.data;

import de.siegmar.fastcsv.reader.AbstractBaseCsvCallbackHandler;
import java.util.Arrays;
import java.util.List;

/**
 * Whether each of some columns counts the rows, from any whole number in steps of 1: the row index
 * that pandas and R write in front of a table.
 */
final class CsvIndex extends AbstractBaseCsvCallbackHandler<CsvIndex> {
  private final int width;
  private final List<Integer> columns;
  private final double[] values;
  private final boolean decimalComma;
  private int cells;
  private boolean blank;

  /**
   * @param width cells of a row
   * @param columns cells of the columns in question
   * @param decimalComma whether numbers have a decimal comma
   */
  CsvIndex(int width, List<Integer> columns, boolean decimalComma) {
    this.width = width;
    this.decimalComma = decimalComma;
    this.columns = columns;
    values = new double[columns.size()];
  }

  /** Reads all records behind the first, which holds the names. */
  boolean counts(CsvRecords<CsvIndex> records) {
    boolean names = true;
    double[] start = null;
    long row = 0;
    while (records.next()) {
      if (blank) {
        continue;
      }
      if (!names) {
        if (cells == width) { // another width is a bad row, but a row
          start = start == null ? before(row) : start;
          for (int i = 0; i < values.length; i++) {
            if (values[i] != start[i] + row || values[i] != Math.rint(values[i])) {
              return false;
            }
          }
        }
        row++;
      }
      names = false;
    }
    return true;
  }

  /** What the columns would hold in row 0. */
  private double[] before(long row) {
    return Arrays.stream(values).map(value -> value - row).toArray();
  }

  @Override
  protected void handleBegin(long startingLine) {
    cells = 0;
    blank = true;
    Arrays.fill(values, Double.NaN);
  }

  @Override
  protected void handleField(int cell, char[] text, int offset, int length, boolean quoted) {
    CsvRecords.requireCell(cell);
    cells++;
    blank = cell == 0 && !quoted && CsvRow.isBlank(text, offset, length);
    int column = columns.indexOf(cell);
    if (column >= 0) {
      try {
        values[column] = CsvNumber.parse(text, offset, length, decimalComma);
      } catch (NumberFormatException _) {
        values[column] = Double.NaN;
      }
    }
  }

  @Override
  protected CsvIndex buildRecord() {
    return this;
  }
}
