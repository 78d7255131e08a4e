package org.ebflow.cli.table;

import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;

/**
 * Saves how far a call has got, several times a second, on a thread of its own: nobody waits for
 * the disk, and little is left to be made durable at the end.
 *
 * <p>Threading: its methods are called by one thread.
 */
final class BackgroundCheckpoints implements AutoCloseable {
  private static final long PAUSE_MILLIS = 250;

  private final ScoringCheckpoint checkpoint;
  private final OutputFile scores;
  private final OutputFile rejected;
  private final ScheduledExecutorService thread =
      Executors.newSingleThreadScheduledExecutor(
          Thread.ofPlatform().daemon().name("ebflow-checkpoint").factory());
  private final Future<?> saving;
  private volatile ScoringState reached;
  private ScoringState saved;

  /**
   * @param scores file of scores, read for nothing but made durable
   * @param rejected the same of rejected rows
   * @param start what is saved already
   */
  BackgroundCheckpoints(
      ScoringCheckpoint checkpoint, OutputFile scores, OutputFile rejected, ScoringState start) {
    this.checkpoint = checkpoint;
    this.scores = scores;
    this.rejected = rejected;
    reached = start;
    saved = start;
    saving =
        thread.scheduleWithFixedDelay(
            this::saveReached, PAUSE_MILLIS, PAUSE_MILLIS, TimeUnit.MILLISECONDS);
  }

  /**
   * Takes note of a state whose bytes were passed on to the files.
   *
   * @throws java.io.UncheckedIOException if an earlier one could not be saved
   */
  void reached(ScoringState state) {
    reached = state;
    if (saving.isDone()) {
      rethrow();
    }
  }

  /**
   * Saves the last state and no further one.
   *
   * @throws java.io.UncheckedIOException if it could not be saved
   */
  void save() {
    close();
    if (!saving.isCancelled()) {
      rethrow();
    }
    saveReached();
  }

  private void saveReached() {
    ScoringState state = reached;
    if (!state.equals(saved)) {
      scores.synchronise();
      rejected.synchronise();
      checkpoint.write(state);
      saved = state;
    }
  }

  private void rethrow() {
    try {
      saving.get();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("interrupted while scoring", e);
    } catch (ExecutionException e) {
      TableScoring.rethrow(e.getCause());
    }
  }

  /** Waits for a state that is being saved, and saves no further one. */
  @Override
  public void close() {
    thread.close();
  }
}
