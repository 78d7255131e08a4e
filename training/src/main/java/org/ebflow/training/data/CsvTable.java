package org.ebflow.training.data;

import de.siegmar.fastcsv.reader.CloseableIterator;
import de.siegmar.fastcsv.reader.CsvParseException;
import de.siegmar.fastcsv.reader.CsvReader;
import de.siegmar.fastcsv.reader.FieldMismatchStrategy;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.List;
import java.util.Objects;
import org.ebflow.flow.InvalidInputException;
import org.jspecify.annotations.Nullable;

/** Rows of a comma-separated text (RFC 4180, UTF-8), with or without a first line of names. */
final class CsvTable extends TableReader {
  private final CloseableIterator<CsvRow> records;
  private final CsvRow current;
  private boolean firstPending;
  private long row;

  private CsvTable(
      InputFile file, CloseableIterator<CsvRow> records, CsvRow current, CsvColumns columns) {
    super(file, columns.chosen(), columns.dimension());
    this.records = records;
    this.current = current;
    current.readInto(columns, values);
    firstPending = !columns.header();
    if (firstPending) {
      current.takeFirstCells();
    }
  }

  static CsvTable open(InputFile file, List<String> columns, @Nullable String idColumn)
      throws IOException {
    InputStream in = file.open();
    try {
      CsvRow row = new CsvRow();
      CloseableIterator<CsvRow> records =
          CsvReader.builder()
              .extraFieldStrategy(FieldMismatchStrategy.IGNORE)
              .missingFieldStrategy(FieldMismatchStrategy.IGNORE)
              .allowUnclosedQuote(false)
              .skipEmptyLines(true)
              .detectBomHeader(true)
              .build(row, in)
              .iterator();
      if (!advance(file, records)) {
        throw file.invalid("expected rows of numbers, found no line of text");
      }
      return new CsvTable(
          file, records, row, CsvColumns.of(file, row.firstCells(), columns, idColumn));
    } catch (RuntimeException e) {
      in.close();
      throw e;
    }
  }

  private static boolean advance(InputFile file, CloseableIterator<CsvRow> records) {
    try {
      if (!records.hasNext()) {
        return false;
      }
      records.next();
      return true;
    } catch (UncheckedIOException e) {
      throw file.failure(Objects.requireNonNull(e.getCause()));
    } catch (CsvParseException e) {
      String why = e.getMessage() + (e.getCause() == null ? "" : ": " + e.getCause().getMessage());
      throw new InvalidInputException(
          file.path() + ": expected CSV, found corruption: " + why.replaceAll("\\s+", " "), e);
    }
  }

  @Override
  public boolean next() {
    if (firstPending) {
      firstPending = false;
    } else if (!advance(file(), records)) {
      return false;
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
