package org.ebflow.linalg;

/**
 * One member of a {@link Team}, as seen by the program it runs: which share of the work is its own,
 * and where it waits for the others.
 */
public final class Worker {
  private final Team team;
  private final int rank;

  Worker(Team team, int rank) {
    this.team = team;
    this.rank = rank;
  }

  /** Number of this worker, 0 for the thread that called {@link Team#run}. */
  public int rank() {
    return rank;
  }

  /** Number of workers in the team. */
  public int size() {
    return team.size();
  }

  /** Waits until every worker of the team has called this the same number of times. */
  public void barrier() {
    if (team.size() > 1) {
      team.meet();
    }
  }

  /**
   * First of this worker's items out of {@code count}; the last is {@link #to} - 1. A function of
   * rank and size alone.
   */
  public int from(int count) {
    return (int) ((long) count * rank / size());
  }

  /** End (exclusive) of this worker's items out of {@code count}. */
  public int to(int count) {
    return (int) ((long) count * (rank + 1) / size());
  }
}
