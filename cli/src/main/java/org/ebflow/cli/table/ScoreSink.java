package org.ebflow.cli.table;

/**
 * Where scores are written: a file that may be left unfinished and gone on with.
 *
 * <p>First {@link #begin}, then blocks in the order of the inputs, at last {@link #publish}.
 */
sealed interface ScoreSink extends AutoCloseable
    permits CsvScores, NpyScores, ParquetScores, TopScores {
  /** The file that is written. */
  OutputFile file();

  /**
   * Begins the file, or goes on with what is there of it.
   *
   * @param bytes of it that count, as {@link #flush} gave them; 0: none
   */
  void begin(long bytes);

  /** Appends a scored block. */
  void write(RowBlock block);

  /**
   * Whether all rows written so far lie in the file once it is flushed, so that a later call can go
   * on behind them.
   */
  boolean resumable();

  /** Passes what was written on to the file and tells its bytes. */
  long flush();

  /** Completes the file and gives it its name. */
  void publish();

  /** Leaves an unfinished file for the next call. */
  @Override
  default void close() {
    file().close();
  }
}
