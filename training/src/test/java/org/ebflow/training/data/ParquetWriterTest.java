package org.ebflow.training.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.FileOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.RandomAccessFile;
import java.nio.channels.Channels;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.ebflow.training.data.ParquetWriter.Column;
import org.ebflow.training.data.ParquetWriter.Kind;
import org.ebflow.training.data.ParquetWriter.Values;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class ParquetWriterTest {
  private static final List<Column> COLUMNS =
      List.of(
          new Column("id", Kind.TEXT),
          new Column("number", Kind.WHOLE),
          new Column("value", Kind.REAL));

  @TempDir private Path folder;

  /** Rows of a group, numbered from {@code first}. */
  private static List<Values> group(int first, int count) {
    List<Values> values = List.of(new Values(), new Values(), new Values());
    for (int i = first; i < first + count; i++) {
      values.get(0).add("ü" + "x".repeat(i % 7) + i);
      values.get(1).add((long) i << 33);
      values.get(2).add(i / 3.0);
    }
    return values;
  }

  private Path written(String name, int... groups) throws IOException {
    Path file = folder.resolve(name);
    try (OutputStream out = Files.newOutputStream(file)) {
      ParquetWriter writer = new ParquetWriter(out, COLUMNS);
      writer.begin();
      int first = 0;
      for (int count : groups) {
        writer.write(group(first, count));
        first += count;
      }
      writer.finish();
    }
    return file;
  }

  @Test
  void whatIsWrittenIsRead() throws IOException {
    Path file = written("a.parquet", 5, 1000, 0, 1);
    TableOptions options =
        TableOptions.DEFAULT.withColumns(List.of("value", "number")).withIdColumn("id");
    try (TableReader table = TableReader.open(file, options)) {
      for (int i = 0; i < 1006; i++) {
        assertThat(table.next()).isTrue();
        assertThat(table.id()).isEqualTo("ü" + "x".repeat(i % 7) + i);
        assertThat(table.values()).containsExactly(i / 3.0, (double) ((long) i << 33));
      }
      assertThat(table.next()).isFalse();
    }
  }

  @Test
  void noRowsAreATableWithColumns() throws IOException {
    try (TableReader table =
        TableReader.open(written("a.parquet"), TableOptions.DEFAULT.withDrop(List.of("id")))) {
      assertThat(table.columns()).containsExactly("number", "value");
      assertThat(table.next()).isFalse();
    }
  }

  @Test
  void aResumedFileHasTheSameBytes() throws IOException {
    byte[] whole = Files.readAllBytes(written("whole.parquet", 5, 300, 7));
    Path file = folder.resolve("part");
    for (int before = 0; before <= 3; before++) {
      int[] counts = {5, 300, 7};
      int first = 0;
      try (OutputStream out = new FileOutputStream(file.toFile())) {
        ParquetWriter writer = new ParquetWriter(out, COLUMNS);
        writer.begin();
        for (int g = 0; g < before; g++) {
          writer.write(group(first, counts[g]));
          first += counts[g];
        }
      }
      try (RandomAccessFile part = new RandomAccessFile(file.toFile(), "rw")) {
        OutputStream out = Channels.newOutputStream(part.getChannel());
        ParquetWriter writer = ParquetWriter.resume(part, out, COLUMNS);
        for (int g = before; g < counts.length; g++) {
          writer.write(group(first, counts[g]));
          first += counts[g];
        }
        writer.finish();
      }
      assertThat(Files.readAllBytes(file)).isEqualTo(whole);
    }
  }

  @Test
  void aTruncatedPartIsNoPart() throws IOException {
    byte[] whole = Files.readAllBytes(written("whole.parquet", 100));
    Path file = Files.write(folder.resolve("part"), Arrays.copyOf(whole, 700));
    try (RandomAccessFile part = new RandomAccessFile(file.toFile(), "rw")) {
      assertThatThrownBy(() -> ParquetWriter.resume(part, OutputStream.nullOutputStream(), COLUMNS))
          .isInstanceOf(IOException.class);
    }
  }
}
