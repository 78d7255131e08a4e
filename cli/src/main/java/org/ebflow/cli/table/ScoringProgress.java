package org.ebflow.cli.table;

/** Who is told how far a scoring has got. */
public interface ScoringProgress {
  /** It goes on behind so many rows that an earlier call has scored. */
  void resumed(long rows);

  /** So many rows are scored in all. */
  void scored(long rows);
}
