package org.ebflow.cli.table;

/** Who is told how far a scoring has got. */
public interface ScoringProgress {
  /** Nobody is told. */
  ScoringProgress NONE =
      new ScoringProgress() {
        @Override
        public void resumed(long rows) {}

        @Override
        public void scored(long rows) {}
      };

  /** It goes on behind so many rows that an earlier call has scored. */
  void resumed(long rows);

  /** So many rows are scored in all. */
  void scored(long rows);
}
