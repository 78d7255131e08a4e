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
import java.util.Objects;
import java.util.regex.Pattern;
import org.ebflow.flow.InvalidInputException;
import org.ebflow.flow.io.OneLine;

/** The records of a comma-separated text (RFC 4180), empty lines included, told to a handler. */
final class CsvRecords<T> implements Closeable {
  /** In the parser's words. */
  private static final Pattern LINE = Pattern.compile("\\bline (\\d+)\\b");

  private final InputFile file;
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
   * @param linesBefore lines of the file before that part, which errors count too
   */
  CsvRecords(
      InputFile file,
      TableOptions options,
      CsvCallbackHandler<T> handler,
      CsvEncoding encoding,
      Reader text,
      long linesBefore) {
    this.file = file;
    this.encoding = encoding;
    this.linesBefore = linesBefore;
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

  /** Lines of the part that is parsed, told as lines of the file. */
  private String inFile(String message) {
    return LINE.matcher(message)
        .replaceAll(line -> "line " + (linesBefore + Long.parseLong(line.group(1))));
  }

  @Override
  public void close() throws IOException {
    records.close();
  }
}
