package org.ebflow.training.data;

import java.io.IOException;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Rows of a comma-separated text (RFC 4180), with or without a first line of names.
 *
 * <p>A blank line (nothing, or white space) is a row with a missing value where the table has one
 * column, and no row where it has more. Above a header it is nothing in either.
 */
final class CsvTable extends TableReader {
  private final CsvRecords<CsvRow> records;
  private final CsvRow current;
  private final CsvColumns columns;

  /** Blank lines above the first record that are rows. */
  private final long leadingRows;

  private boolean firstPending;
  private long row;

  private CsvTable(
      CsvRecords<CsvRow> records,
      CsvRow current,
      CsvColumns columns,
      long blankLines,
      @Nullable String note) {
    super(columns.choice(), note);
    this.records = records;
    this.current = current;
    this.columns = columns;
    firstPending = !columns.choice().named();
    leadingRows = firstPending && columns.width() == 1 ? blankLines : 0;
    current.readInto(columns, values);
  }

  static CsvTable open(InputFile file, TableOptions options) throws IOException {
    CsvRow row = new CsvRow(options.decimalComma());
    CsvRecords<CsvRow> records = new CsvRecords<>(file, options, row);
    try {
      long blankLines = 0;
      while (true) {
        if (!records.next()) {
          throw file.invalid("expected rows of numbers, found no line of text");
        }
        if (!row.blank()) {
          break;
        }
        blankLines++;
      }
      CsvColumns columns = CsvColumns.of(file, row.firstCells(), options);
      String note = null;
      List<Integer> unnamed = columns.unnamedInFront();
      if (!unnamed.isEmpty()) {
        requireIndex(file, columns.width(), unnamed, options);
        columns = columns.without(unnamed);
        note =
            unnamed.size() == 1
                ? "left out the first column, which has no name and counts the rows"
                : "left out the first columns, which have no names and count the rows";
      }
      return new CsvTable(records, row, columns, blankLines, note);
    } catch (IOException | RuntimeException e) {
      records.close();
      throw e;
    }
  }

  private static void requireIndex(
      InputFile file, int width, List<Integer> unnamed, TableOptions options) throws IOException {
    CsvIndex index = new CsvIndex(width, unnamed, options.decimalComma());
    try (CsvRecords<CsvIndex> records = new CsvRecords<>(file, options, index)) {
      if (!index.counts(records)) {
        throw file.invalid(
            "expected a first column with a name or with an index that counts the rows, found neither (choose by --columns; a column without a name is \"\")");
      }
    }
  }

  @Override
  public boolean next() {
    if (row < leadingRows) {
      current.takeBlankLine(row + 1);
    } else if (firstPending) {
      firstPending = false;
      current.takeFirstCells();
    } else {
      do {
        if (!records.next()) {
          return false;
        }
      } while (current.blank() && columns.width() > 1);
    }
    row++;
    return true;
  }

  @Override
  public long row() {
    return row;
  }

  @Override
  public long line() {
    return current.line();
  }

  @Override
  public String id() {
    String id = current.id();
    return id == null ? Long.toString(row) : id;
  }

  @Override
  public @Nullable String problem() {
    return current.problem();
  }

  @Override
  public boolean nonFinite() {
    return current.nonFinite();
  }

  @Override
  public String place() {
    return "row " + row + " (line " + current.line() + ")";
  }

  @Override
  public void close() throws IOException {
    records.close();
  }
}
