package org.ebflow.cli.table;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.ebflow.cli.table.RowBlock.RejectedRow;
import org.ebflow.flow.io.PartFile;
import org.jspecify.annotations.Nullable;

/** The CSV file of rows that were not scored; there is none when all were. */
final class RejectedRows implements AutoCloseable {
  private final Path path;
  private @Nullable CsvFile file;

  RejectedRows(Path path) {
    this.path = path;
    PartFile.removeLeftoversOf(path);
  }

  void write(RowBlock block) {
    if (block.rejected.isEmpty()) {
      return;
    }
    CsvFile out = file;
    if (out == null) {
      out = new CsvFile(path, "id", "input", "row", "line", "reason");
      file = out;
    }
    for (RejectedRow row : block.rejected) {
      out.write(
          row.id(),
          row.input(),
          Long.toString(row.row()),
          row.line() > 0 ? Long.toString(row.line()) : "",
          row.reason());
    }
  }

  /** Gives the file its name, or removes that of an earlier call when no row was rejected. */
  void publish() {
    if (file != null) {
      file.publish();
      return;
    }
    try {
      Files.deleteIfExists(path);
    } catch (IOException e) {
      throw new UncheckedIOException(path + ": cannot be removed: " + e.getMessage(), e);
    }
  }

  @Override
  public void close() {
    if (file != null) {
      file.close();
    }
  }
}
