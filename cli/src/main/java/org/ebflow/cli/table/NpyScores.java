package org.ebflow.cli.table;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.Arrays;
import org.ebflow.linalg.Precision;
import org.ebflow.training.data.NpyWriter;
import org.ebflow.training.scoring.ScoreColumns;

/**
 * Scores as an NPY array [rows,5] of float64: one row per input row, NaN where it was rejected, so
 * that row numbers agree.
 */
final class NpyScores implements ScoreSink {
  private final OutputFile file;
  private final ScoreColumns columns;
  private final double[] cells = new double[ScoreColumns.NAMES.size()];
  private final int rowBytes = cells.length * Double.BYTES;
  private ByteBuffer bytes = ByteBuffer.allocate(0);
  private long rows;

  NpyScores(Path path, ScoreColumns columns) {
    this.columns = columns;
    file = OutputFile.resumable(path);
  }

  @Override
  public OutputFile file() {
    return file;
  }

  @Override
  public void begin(long length) {
    file.truncate(length);
    byte[] header = header();
    if (length == 0) {
      file.write(header);
    } else {
      rows = (length - header.length) / rowBytes;
    }
  }

  /** Of one length for any number of rows. */
  private byte[] header() {
    return NpyWriter.header(Precision.FLOAT64, rows, cells.length);
  }

  @Override
  public void write(RowBlock block) {
    if (bytes.capacity() < block.inputs * rowBytes) {
      bytes = ByteBuffer.allocate(block.inputs * rowBytes).order(ByteOrder.LITTLE_ENDIAN);
    }
    bytes.clear();
    int next = 0;
    for (int r = 0; r < block.inputs; r++) {
      if (next < block.good && block.place[next] == r) {
        columns.of(block.scores, next++, cells);
      } else {
        Arrays.fill(cells, Double.NaN);
      }
      for (double cell : cells) {
        bytes.putDouble(cell);
      }
    }
    file.write(bytes.array(), 0, bytes.position());
    rows += block.inputs;
  }

  @Override
  public boolean resumable() {
    return true;
  }

  @Override
  public long flush() {
    return file.length();
  }

  @Override
  public void publish() {
    file.overwriteStart(header());
    file.publish();
  }
}
