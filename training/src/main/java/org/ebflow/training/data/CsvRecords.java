package org.ebflow.training.data;

import de.siegmar.fastcsv.reader.CloseableIterator;
import de.siegmar.fastcsv.reader.CsvCallbackHandler;
import de.siegmar.fastcsv.reader.CsvParseException;
import de.siegmar.fastcsv.reader.CsvReader;
import de.siegmar.fastcsv.reader.FieldMismatchStrategy;
import java.io.Closeable;
import java.io.IOException;
import java.io.Reader;
import java.io.UncheckedIOException;
import java.nio.charset.CharacterCodingException;
import java.util.Locale;
import java.util.Objects;
import java.util.regex.Pattern;
import org.ebflow.flow.InvalidInputException;
import org.ebflow.flow.io.OneLine;

/** The records of a comma-separated text (RFC 4180), empty lines included, told to a handler. */
final class CsvRecords<T> implements Closeable {
  private final InputFile file;

  /** What the parser's messages say of a place. */
  private static final Pattern LINE =
      Pattern.compile("(?<=(starting at|started in) line )[0-9]{1,18}");

  private static final int MOST_CELLS = InputFile.mostColumns();

  private final CsvEncoding encoding;
  private final long linesBefore;
  private final CloseableIterator<T> records;

  CsvRecords(InputFile file, TableOptions options, CsvCallbackHandler<T> handler)
      throws IOException {
    this(file, options, handler, CsvEncoding.of(file, options.encoding()));
  }

  private CsvRecords(
      InputFile file, TableOptions options, CsvCallbackHandler<T> handler, CsvEncoding encoding)
      throws IOException {
    this(file, options, handler, encoding, encoding.open(file), 0);
  }

  /**
   * Of a part of the text.
   *
   * @param encoding that of the file
   * @param linesBefore lines of the file before the part
   */
  CsvRecords(
      InputFile file,
      TableOptions options,
      CsvCallbackHandler<T> handler,
      CsvEncoding encoding,
      Reader text,
      long linesBefore) {
    this.file = file;
    this.linesBefore = linesBefore;
    this.encoding = encoding;
    records =
        CsvReader.builder()
            .fieldSeparator(options.separator().character())
            .extraFieldStrategy(FieldMismatchStrategy.IGNORE)
            .missingFieldStrategy(FieldMismatchStrategy.IGNORE)
            .allowUnclosedQuote(false)
            .skipEmptyLines(false)
            .build(handler, text)
            .iterator();
  }

  /**
   * Tells the handler the next record.
   *
   * @return false after the last
   * @throws InvalidInputException if the text is corrupt
   */
  boolean next() {
    try {
      if (!records.hasNext()) {
        return false;
      }
      records.next();
      return true;
    } catch (UncheckedIOException e) {
      IOException cause = Objects.requireNonNull(e.getCause());
      throw cause instanceof CharacterCodingException
          ? encoding.undecodable(file, cause)
          : file.failure(cause);
    } catch (CsvParseException e) {
      String why = e.getMessage() + (e.getCause() == null ? "" : ": " + e.getCause().getMessage());
      throw new InvalidInputException(
          file.path() + ": expected CSV, found corruption: " + OneLine.message(inFile(why)), e);
    }
  }

  /** What a handler asks of each cell: an endless line is refused before it fills the memory. */
  static void requireCell(int cell) {
    if (cell >= MOST_CELLS) {
      throw new InvalidInputException(
          String.format(
              Locale.ROOT, "expected at most %,d cells in this heap, found more", MOST_CELLS));
    }
  }

  /** A message with its line counted from the start of the file. */
  private String inFile(String message) {
    return LINE.matcher(message.replace("first record", "record that started in line 1"))
        .replaceAll(line -> Long.toString(linesBefore + Long.parseLong(line.group())));
  }

  @Override
  public void close() throws IOException {
    records.close();
  }
}
