package org.ebflow.cli.table;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.ebflow.cli.table.RowBlock.RejectedRow;

/** The CSV file of rows that were not scored; there is none when all were. */
final class RejectedRows implements AutoCloseable {
  private final Path path;
  private final OutputFile file;
  private final CsvFile records;
  private boolean empty;

  RejectedRows(Path path) {
    this.path = path;
    file = OutputFile.resumable(path);
    records = new CsvFile(file);
  }

  /** The file that is written. */
  OutputFile file() {
    return file;
  }

  /** Begins the file, or goes on behind so many bytes of it. */
  void begin(long bytes) {
    file.truncate(bytes);
    empty = bytes == 0;
  }

  void write(RowBlock block) {
    for (RejectedRow row : block.rejected) {
      if (empty) {
        records.write("id", "input", "row", "line", "reason");
        empty = false;
      }
      records.write(
          row.id(),
          row.input(),
          Long.toString(row.row()),
          row.line() > 0 ? Long.toString(row.line()) : "",
          row.reason());
    }
  }

  /** Passes what was written on to the file and tells its bytes. */
  long flush() {
    records.flush();
    return file.length();
  }

  /** Gives the file its name, or removes that of an earlier call when no row was rejected. */
  void publish() {
    if (!empty) {
      records.publish();
      return;
    }
    file.discard();
    try {
      Files.deleteIfExists(path);
    } catch (IOException e) {
      throw new UncheckedIOException(path + ": cannot be removed: " + e.getMessage(), e);
    }
  }

  /** Leaves an unfinished file for the next call. */
  @Override
  public void close() {
    file.close();
  }
}
