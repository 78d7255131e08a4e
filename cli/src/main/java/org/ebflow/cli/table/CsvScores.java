package org.ebflow.cli.table;

import java.nio.file.Path;

/** Scores as CSV: the id and the scores of every good row, numbers with all their digits. */
final class CsvScores implements ScoreSink {
  private final OutputFile file;
  private final CsvFile records;
  private final ScoreColumns columns;
  private final double[] values = new double[ScoreColumns.NAMES.length];

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
      records.write(ScoreColumns.WITH_ID);
    }
  }

  @Override
  public void write(RowBlock block) {
    for (int r = 0; r < block.good; r++) {
      columns.of(block.scores, r, values);
      records.write(ScoreColumns.text(block.id(r), values));
    }
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
}
