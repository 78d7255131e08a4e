package org.ebflow.cli.table;

import java.io.BufferedInputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.channels.Channels;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.PriorityQueue;
import org.ebflow.linalg.Matrix;
import org.ebflow.linalg.Precision;
import org.ebflow.training.data.FileFormat;
import org.ebflow.training.data.NpyWriter;
import org.ebflow.training.data.ParquetWriter;
import org.ebflow.training.data.ParquetWriter.Values;
import org.ebflow.training.scoring.ScoreColumns;
import org.jspecify.annotations.Nullable;

/**
 * The rows of lowest log_prob, that of the lowest first; of equal ones that of the lower number.
 *
 * <p>They are held in memory. The unfinished file is a log: every row that was among the lowest
 * when it came, in the order in which they came. A call that goes on reads it again. The scores are
 * written when all rows are known.
 */
final class TopScores implements ScoreSink {
  /** First in a log, so that it is not empty. */
  private static final byte[] MAGIC = "EBFTOP1\n".getBytes(StandardCharsets.US_ASCII);

  /** Rows of a row group of Parquet. */
  private static final int GROUP_ROWS = 1 << 17;

  private static final Comparator<Row> ODDEST_FIRST =
      Comparator.comparingDouble((Row row) -> row.cells[0]).thenComparingLong(Row::number);

  private final Path path;
  private final OutputFile log;
  private final DataOutputStream entries;
  private final ScoreColumns columns;
  private final boolean withIds;
  private final int most;

  /** The one to be replaced next at the head. */
  private final PriorityQueue<Row> lowest = new PriorityQueue<>(ODDEST_FIRST.reversed());

  private final double[] cells = new double[ScoreColumns.NAMES.size()];

  /**
   * A row that was scored.
   *
   * @param number over all inputs
   * @param id text of the id column, or null where there is none
   */
  private record Row(long number, @Nullable String id, double[] cells) {
    String name() {
      return id == null ? Long.toString(number) : id;
    }
  }

  /**
   * @param most number of rows to keep
   */
  TopScores(Path path, ScoreColumns columns, boolean withIds, int most) {
    this.path = path;
    this.columns = columns;
    this.withIds = withIds;
    this.most = most;
    log = OutputFile.resumable(path);
    entries = new DataOutputStream(log);
  }

  @Override
  public OutputFile file() {
    return log;
  }

  @Override
  public void begin(long bytes) {
    log.truncate(bytes);
    if (bytes == 0) {
      log.write(MAGIC);
      return;
    }
    try {
      read(log.content(), bytes);
    } catch (IOException e) {
      throw log.failure(e);
    }
    log.truncate(bytes); // reading has moved the place where it goes on
  }

  private void read(RandomAccessFile content, long bytes) throws IOException {
    content.seek(MAGIC.length);
    DataInputStream in =
        new DataInputStream(
            new BufferedInputStream(Channels.newInputStream(content.getChannel()), 1 << 16));
    for (long at = MAGIC.length; at < bytes; ) {
      long number = in.readLong();
      double[] values = new double[cells.length];
      for (int c = 0; c < values.length; c++) {
        values[c] = in.readDouble();
      }
      int length = in.readInt();
      at += Long.BYTES + (long) values.length * Double.BYTES + Integer.BYTES + Math.max(0, length);
      if (at > bytes) {
        throw new IOException("the unfinished file is damaged");
      }
      String id = length < 0 ? null : new String(in.readNBytes(length), StandardCharsets.UTF_8);
      keep(new Row(number, id, values));
    }
  }

  /** Whether it is one of the lowest so far. */
  private boolean keep(Row row) {
    if (lowest.size() == most) {
      if (ODDEST_FIRST.compare(row, lowest.element()) > 0) {
        return false;
      }
      lowest.remove();
    }
    return lowest.add(row);
  }

  @Override
  public void write(RowBlock block) {
    for (int r = 0; r < block.good; r++) {
      double logProb = block.scores.logProb()[r];
      if (lowest.size() == most && logProb >= lowest.element().cells[0]) {
        continue; // the later of equal ones
      }
      columns.of(block.scores, r, cells);
      Row row = new Row(block.first + block.place[r], withIds ? block.id(r) : null, cells.clone());
      if (keep(row)) {
        append(row);
      }
    }
  }

  private void append(Row row) {
    try {
      entries.writeLong(row.number);
      for (double value : row.cells) {
        entries.writeDouble(value);
      }
      byte[] id = row.id == null ? null : row.id.getBytes(StandardCharsets.UTF_8);
      entries.writeInt(id == null ? -1 : id.length);
      if (id != null) {
        entries.write(id);
      }
    } catch (IOException e) {
      throw log.failure(e);
    }
  }

  @Override
  public boolean resumable() {
    return true;
  }

  @Override
  public long flush() {
    return log.length();
  }

  @Override
  public void publish() {
    List<Row> rows = new ArrayList<>(lowest);
    rows.sort(ODDEST_FIRST);
    try (OutputFile scores = new OutputFile(path)) {
      try {
        switch (FileFormat.ofOutput(path)) {
          case NPY -> NpyWriter.write(scores, matrix(rows));
          case PARQUET -> writeParquet(rows, scores);
          default -> writeCsv(rows, scores);
        }
      } catch (IOException e) {
        throw scores.failure(e);
      }
      scores.publish();
    }
    log.discard();
  }

  private static void writeCsv(List<Row> rows, OutputFile scores) {
    CsvFile records = new CsvFile(scores);
    records.write(CsvScores.header());
    for (Row row : rows) {
      records.write(CsvScores.cells(row.name(), row.cells));
    }
    records.flush();
  }

  /** The number of each row, and its scores. */
  private static Matrix matrix(List<Row> rows) {
    Matrix matrix = Matrix.allocate(Precision.FLOAT64, rows.size(), 1 + ScoreColumns.NAMES.size());
    for (int r = 0; r < rows.size(); r++) {
      matrix.set(r, 0, (double) rows.get(r).number);
      for (int c = 0; c < ScoreColumns.NAMES.size(); c++) {
        matrix.set(r, 1 + c, rows.get(r).cells[c]);
      }
    }
    return matrix;
  }

  private void writeParquet(List<Row> rows, OutputFile scores) throws IOException {
    ParquetWriter writer = new ParquetWriter(scores, ParquetScores.columns(withIds));
    writer.begin();
    for (int from = 0; from < rows.size(); from += GROUP_ROWS) {
      List<Values> values = new ArrayList<>();
      for (int c = 0; c <= ScoreColumns.NAMES.size(); c++) {
        values.add(new Values());
      }
      for (Row row : rows.subList(from, Math.min(rows.size(), from + GROUP_ROWS))) {
        if (withIds) {
          values.getFirst().add(row.name());
        } else {
          values.getFirst().add(row.number);
        }
        for (int c = 0; c < row.cells.length; c++) {
          values.get(1 + c).add(row.cells[c]);
        }
      }
      writer.write(values);
    }
    writer.finish();
  }
}
