package org.ebflow.benchmarks;

import java.io.BufferedWriter;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.ebflow.linalg.Matrix;
import org.ebflow.linalg.Precision;
import org.ebflow.training.data.NpyWriter;
import org.ebflow.training.data.ParquetWriter;
import org.ebflow.training.data.ParquetWriter.Column;
import org.ebflow.training.data.ParquetWriter.Kind;
import org.ebflow.training.data.ParquetWriter.Values;

/** Tables of random rows as CSV, NPY and Parquet: 43 standard normal columns, or 784 pixels. */
final class RandomTables {
  private static final int TABLE_COLUMNS = 43;
  private static final int PIXELS = 784;
  private static final int LEVELS = 256;

  /** Rows drawn at a time. */
  private static final int DRAWN = 1 << 16;

  /** Rows of a group of Parquet. */
  private static final int GROUP_ROWS = 1 << 17;

  private final boolean pixels;
  private final int dimension;

  RandomTables(boolean pixels) {
    this.pixels = pixels;
    dimension = pixels ? PIXELS : TABLE_COLUMNS;
  }

  /** Rows {@code from} to {@code to}, a function of their numbers alone. */
  Matrix draw(int from, int to) {
    Matrix values = Matrix.allocate(Precision.FLOAT64, to - from, dimension);
    double[] all = values.doubles();
    for (int r = from; r < to; r++) {
      Random random = new Random(r);
      for (int c = 0; c < dimension; c++) {
        all[(r - from) * dimension + c] =
            pixels ? random.nextInt(LEVELS) : (float) random.nextGaussian();
      }
    }
    return values;
  }

  /** Writes the first {@code count} rows in the format of the file's name; returns it. */
  Path write(Path file, int count) throws IOException {
    try (OutputStream out = Files.newOutputStream(file)) {
      switch (file.toString().substring(file.toString().lastIndexOf('.'))) {
        case ".npy" -> writeNpy(out, count);
        case ".parquet" -> writeParquet(out, count);
        default -> writeCsv(file, count);
      }
    }
    return file;
  }

  private void writeNpy(OutputStream out, int count) throws IOException {
    byte[] header = NpyWriter.header(Precision.FLOAT32, count, dimension);
    if (pixels) {
      int at = new String(header, StandardCharsets.ISO_8859_1).indexOf("<f4");
      System.arraycopy(new byte[] {'|', 'u', '1'}, 0, header, at, 3);
    }
    out.write(header);
    for (int from = 0; from < count; from += DRAWN) {
      double[] values = draw(from, Math.min(count, from + DRAWN)).doubles();
      ByteBuffer bytes =
          ByteBuffer.allocate(values.length * (pixels ? 1 : Float.BYTES))
              .order(ByteOrder.LITTLE_ENDIAN);
      for (double value : values) {
        if (pixels) {
          bytes.put((byte) value);
        } else {
          bytes.putFloat((float) value);
        }
      }
      out.write(bytes.array());
    }
  }

  private void writeParquet(OutputStream out, int count) throws IOException {
    List<Column> columns =
        IntStream.range(0, dimension).mapToObj(c -> new Column("c" + c, Kind.REAL)).toList();
    ParquetWriter writer = new ParquetWriter(out, columns);
    writer.begin();
    int groupRows = pixels ? GROUP_ROWS / 16 : GROUP_ROWS;
    for (int from = 0; from < count; from += groupRows) {
      int to = Math.min(count, from + groupRows);
      double[] values = draw(from, to).doubles();
      List<Values> group = new ArrayList<>();
      for (int c = 0; c < dimension; c++) {
        Values column = new Values();
        for (int r = 0; r < to - from; r++) {
          column.add(values[r * dimension + c]);
        }
        group.add(column);
      }
      writer.write(group);
    }
    writer.finish();
  }

  private void writeCsv(Path file, int count) throws IOException {
    try (BufferedWriter out = Files.newBufferedWriter(file)) {
      for (int from = 0; from < count; from += DRAWN) {
        Matrix values = draw(from, Math.min(count, from + DRAWN));
        StringBuilder line = new StringBuilder();
        for (int r = 0; r < values.rows(); r++) {
          line.setLength(0);
          for (int c = 0; c < dimension; c++) {
            line.append(c == 0 ? "" : ",");
            if (pixels) {
              line.append((int) values.get(r, c));
            } else {
              line.append((float) values.get(r, c));
            }
          }
          out.append(line).append('\n');
        }
      }
    }
  }
}
