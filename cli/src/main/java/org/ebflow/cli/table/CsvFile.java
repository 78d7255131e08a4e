package org.ebflow.cli.table;

import de.siegmar.fastcsv.writer.CsvWriter;
import de.siegmar.fastcsv.writer.LineDelimiter;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;

/**
 * A CSV file (RFC 4180, UTF-8, lines end in LF) that appears in one piece, see {@link OutputFile}.
 */
public final class CsvFile implements AutoCloseable {
  /** An id that starts with # is as good as any other; the library would put it in quotes. */
  private static final char NO_COMMENTS = '\0';

  private final OutputFile file;
  private final CsvWriter records;

  /** Begins the file with a record of names. */
  public CsvFile(Path path, String... header) {
    this(new OutputFile(path));
    write(header);
  }

  /** Appends to a file. */
  CsvFile(OutputFile file) {
    this.file = file;
    records =
        CsvWriter.builder()
            .lineDelimiter(LineDelimiter.LF)
            .commentCharacter(NO_COMMENTS)
            .build(file); // which it neither closes nor publishes
  }

  /** Appends a record; its cells are in quotes where they must be. */
  public void write(String... cells) {
    records.writeRecord(cells);
  }

  /** Passes all records on to the file. */
  void flush() {
    try {
      records.flush();
    } catch (IOException e) { // the file throws others
      throw new UncheckedIOException(e);
    }
  }

  /** Gives the complete file its name. */
  public void publish() {
    flush();
    file.publish();
  }

  /** Without {@link #publish} before, leaves nothing. */
  @Override
  public void close() {
    file.close();
  }
}
