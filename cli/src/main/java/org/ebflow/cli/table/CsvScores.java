package org.ebflow.cli.table;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.ebflow.training.scoring.ScoreColumns;

/** Scores as CSV: the id and the scores of every good row, numbers with all their digits. */
final class CsvScores implements ScoreSink {
  private final OutputFile file;
  private final CsvFile records;
  private final ScoreColumns columns;
  private final double[] values = new double[ScoreColumns.NAMES.size()];

  private final StringBuilder text = new StringBuilder();

  CsvScores(Path path, ScoreColumns columns) {
    this.columns = columns;
    file = OutputFile.resumable(path);
    records = new CsvFile(file);
  }

  @Override
  public OutputFile file() {
    return file;
  }

  @Override
  public void begin(long bytes) {
    file.truncate(bytes);
    if (bytes == 0) {
      records.write(header());
    }
  }

  @Override
  public void write(RowBlock block) {
    if (block.ids == null) {
      writeNumbers(block);
      return;
    }
    for (int r = 0; r < block.good; r++) {
      columns.of(block.scores, r, values);
      records.write(cells(block.id(r), values));
    }
  }

  /** Where ids are row numbers: cells that never need quotes, as those of the other way. */
  private void writeNumbers(RowBlock block) {
    records.flush();
    text.setLength(0);
    for (int r = 0; r < block.good; r++) {
      columns.of(block.scores, r, values);
      text.append(block.first + block.place[r]);
      for (double value : values) {
        text.append(',').append(value);
      }
      text.append('\n');
    }
    file.write(text.toString().getBytes(StandardCharsets.ISO_8859_1));
  }

  @Override
  public boolean resumable() {
    return true;
  }

  @Override
  public long flush() {
    records.flush();
    return file.length();
  }

  @Override
  public void publish() {
    records.publish();
  }

  /** The names of the columns. */
  static String[] header() {
    return Stream.concat(Stream.of("id"), ScoreColumns.NAMES.stream()).toArray(String[]::new);
  }

  /** The cells of a row, numbers with all their digits. */
  static String[] cells(String id, double[] values) {
    String[] cells = new String[1 + values.length];
    cells[0] = id;
    for (int c = 0; c < values.length; c++) {
      cells[1 + c] = Double.toString(values[c]);
    }
    return cells;
  }
}
