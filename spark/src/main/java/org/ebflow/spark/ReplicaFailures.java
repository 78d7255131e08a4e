package org.ebflow.spark;

import java.io.UncheckedIOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.util.stream.Stream;
import org.ebflow.flow.io.OneLine;
import org.ebflow.training.ExitCode;
import org.ebflow.training.data.UnreadableInputException;
import org.jspecify.annotations.Nullable;

/**
 * What the tasks of a barrier stage tell each other when one fails. Spark tries a stage again when
 * a task throws. A run that diverges, or input that is wrong, would fail again: then all tasks
 * return that failure as the stage's result.
 *
 * <p>All tasks make the same {@link #gather calls}. One that has failed for good, or since another
 * has, answers the next of them with its failure, which ends all. One that has failed otherwise
 * throws at once: the others may be where they wait long for it, and Spark ends them.
 */
final class ReplicaFailures {
  private static final Logger LOGGER = System.getLogger(ReplicaFailures.class.getName());

  /** Begins what a task sends that has not failed. */
  private static final String RUNNING = " ";

  private final RingReplicas.Gather gather;
  private String @Nullable [] ended;

  /**
   * @param gather of the task
   */
  ReplicaFailures(RingReplicas.Gather gather) {
    this.gather = gather;
  }

  /**
   * Why a run ended for good.
   *
   * @param exitCode of the program
   * @param message one line
   */
  record Failure(int exitCode, String message) {
    private static Failure of(RuntimeException e) {
      boolean again = e instanceof UncheckedIOException || e instanceof UnreadableInputException;
      return new Failure(
          again ? ExitCode.FAULT : SparkProgram.codeOfTask(e.getClass()),
          OneLine.message(e).strip());
    }

    /** Reads {@link #text}. */
    static Failure of(String text) {
      int blank = text.indexOf(' ');
      return new Failure(Integer.parseInt(text.substring(0, blank)), text.substring(blank + 1));
    }

    /** To be sent. */
    String text() {
      return exitCode + " " + message;
    }

    private boolean isForGood() {
      return exitCode != ExitCode.FAULT;
    }
  }

  /**
   * Sends a text of this task to all and returns those of all, by rank.
   *
   * @throws IllegalStateException if another task has failed
   */
  String[] gather(String mine) {
    String[] all = gather.all(RUNNING + mine);
    if (Stream.of(all).anyMatch(text -> !text.startsWith(RUNNING))) {
      ended = all;
      throw new IllegalStateException("another replica has failed");
    }
    return Stream.of(all).map(text -> text.substring(RUNNING.length())).toArray(String[]::new);
  }

  /**
   * Tells the others that this task has failed, unless {@link #gather} has said that one of them
   * had. A failure for good, of which only a line is returned, is logged.
   *
   * @return the first failure for good
   * @throws RuntimeException the given one, if another try may succeed
   */
  Failure failed(RuntimeException e) {
    Failure own = Failure.of(e);
    if (own.isForGood()) {
      LOGGER.log(Level.WARNING, "this replica ends the run for good", e);
    }
    if (ended == null) {
      if (!own.isForGood() && !(e instanceof RingReplicas.LostNeighbourException)) {
        throw e;
      }
      ended = gather.all(own.text());
    }
    return Stream.of(ended)
        .filter(text -> !text.startsWith(RUNNING))
        .map(Failure::of)
        .filter(Failure::isForGood)
        .findFirst()
        .orElseThrow(() -> e);
  }
}
