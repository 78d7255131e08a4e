package org.ebflow.cli.table;

/** Where scores are written. */
sealed interface ScoreSink extends AutoCloseable permits CsvScores, NpyScores {
  /** Appends a scored block. */
  void write(RowBlock block);

  /** Completes the file and gives it its name. */
  void publish();

  /** Removes what was not published. */
  @Override
  void close();
}
