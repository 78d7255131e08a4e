package org.ebflow.cli.table;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.ebflow.cli.table.RowBlock.RejectedRow;
import org.jspecify.annotations.Nullable;

/** The CSV file of rows that were not scored; there is none when all were. */
final class RejectedRows implements AutoCloseable {
  private final Path path;
  private final CsvText text = new CsvText();
  private @Nullable OutputFile file;

  RejectedRows(Path path) {
    this.path = path;
  }

  void write(RowBlock block) {
    if (block.rejected.isEmpty()) {
      return;
    }
    OutputFile out = file;
    if (out == null) {
      out = new OutputFile(path);
      file = out;
      text.plain("id,input,row,line,reason\n");
    }
    for (RejectedRow row : block.rejected) {
      text.cell(row.id()).then(',').cell(row.input()).then(',').cell(row.row()).then(',');
      text.plain(row.line() > 0 ? Long.toString(row.line()) : "")
          .then(',')
          .cell(row.reason())
          .then('\n');
    }
    out.write(text.bytes(), text.length());
    text.clear();
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
