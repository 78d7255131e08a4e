package org.ebflow.cli.table;

import java.nio.file.Path;

/** Scores as CSV: the id and the scores of every good row, numbers with all their digits. */
final class CsvScores implements ScoreSink {
  private final OutputFile file;
  private final ScoreColumns columns;
  private final CsvText text = new CsvText();
  private final double[] cells = new double[ScoreColumns.NAMES.length];

  CsvScores(Path path, ScoreColumns columns) {
    this.columns = columns;
    file = new OutputFile(path);
    text.plain("id,").plain(String.join(",", ScoreColumns.NAMES)).then('\n');
  }

  @Override
  public void write(RowBlock block) {
    for (int r = 0; r < block.good; r++) {
      columns.of(block.scores, r, cells);
      text.cell(block.id(r));
      for (double cell : cells) {
        text.then(',').cell(cell);
      }
      text.then('\n');
    }
    flush();
  }

  private void flush() {
    file.write(text.bytes(), text.length());
    text.clear();
  }

  @Override
  public void publish() {
    flush();
    file.publish();
  }

  @Override
  public void close() {
    file.close();
  }
}
