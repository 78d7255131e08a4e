package org.ebflow.spark;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import org.apache.spark.SparkException;
import org.ebflow.flow.InvalidInputException;
import org.ebflow.training.TrainingDivergedException;
import org.ebflow.training.data.UnreadableInputException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import picocli.CommandLine.Command;

class SparkProgramTest {
  @Command(name = "failing")
  private static final class Failing extends SparkProgram {
    private final Exception failure;

    Failing(Exception failure) {
      this.failure = failure;
    }

    @Override
    public Integer call() throws Exception {
      throw failure;
    }
  }

  private static void assertEnds(Exception failure, int exit, String err) {
    StringWriter written = new StringWriter();
    assertThat(new Failing(failure).run(new PrintWriter(written, true))).isEqualTo(exit);
    assertThat(written.toString()).isEqualToNormalizingNewlines(err);
  }

  private static SparkException failedJob(String quoted) {
    return new SparkException(
        "Job aborted due to stage failure: most recent failure reason: Stage failed because barrier task ShuffleMapTask(0, 1) finished unsuccessfully.\n"
            + quoted
            + "\n\tat org.ebflow.spark.ReplicaTraining.apply(ReplicaTraining.java:1)\nCaused by: java.lang.IllegalArgumentException: inner\n");
  }

  @Test
  void wrongInputIsOneLine() {
    assertEnds(new InvalidInputException("in.csv: no"), 2, "ebflow: in.csv: no\n");
    assertEnds(new IllegalArgumentException("no"), 2, "ebflow: no\n");
    assertEnds(new UncheckedIOException("no", new IOException()), 2, "ebflow: no\n");
  }

  @Test
  void theFailureOfATaskCounts() {
    Exception cause = new SparkException("written", new InvalidInputException("in.csv: no"));
    assertEnds(new SparkException("aborted", cause), 2, "ebflow: in.csv: no\n");
  }

  @Test
  void theFailureOfATaskCountsBehindWhateverWrapsIt() {
    Exception input = new InvalidInputException("in.csv: no");
    for (Exception wrapping :
        new Exception[] {
          new RuntimeException("wrapped", input),
          new IllegalArgumentException("wrapped", new SparkException("written", input)),
          failedJobCausedBy(input)
        }) {
      assertEnds(new SparkException("aborted", wrapping), 2, "ebflow: in.csv: no\n");
    }
  }

  private static SparkException failedJobCausedBy(Exception cause) {
    return new SparkException(failedJob("no.such.Failure: lost").getMessage(), cause);
  }

  @ParameterizedTest
  @ValueSource(strings = {"\n\tat org.apache.spark.Task.run(Task.scala:1)\n", " "})
  void theFailureOfATaskCountsWhereItIsQuotedBehindOthers(String between) {
    String input = InvalidInputException.class.getName() + ": in.csv: no";
    assertEnds(
        failedJob(
            "org.apache.spark.SparkException: [TASK_WRITE_FAILED] Task failed while writing rows."
                + between
                + "Caused by: "
                + input),
        2,
        "ebflow: in.csv: no\n");
  }

  @ParameterizedTest
  @ValueSource(
      classes = {
        InvalidInputException.class,
        UnreadableInputException.class,
        UncheckedIOException.class
      })
  void theFailureOfATaskCountsWhereItIsOnlyQuoted(Class<?> type) {
    assertEnds(failedJob(type.getName() + ": in.csv: no"), 2, "ebflow: in.csv: no\n");
  }

  @Test
  void aQuotedDivergenceIsAFailedCheck() {
    String name = TrainingDivergedException.class.getName();
    assertEnds(failedJob(name + ": all losses"), 1, "ebflow: all losses\n");
  }

  @Test
  void otherFailuresAreFaults() {
    for (Exception fault :
        new Exception[] {
          failedJob("java.lang.IllegalStateException: lost"),
          failedJob("no.such.Failure: lost"),
          new IllegalStateException("lost", new IllegalArgumentException("inner")),
          new SparkException("lost", new IllegalArgumentException("inner")),
          failedJob("java.lang.IllegalArgumentException: lost"),
          new SparkException("lost")
        }) {
      StringWriter written = new StringWriter();
      assertThat(new Failing(fault).run(new PrintWriter(written, true))).isEqualTo(70);
      assertThat(written.toString())
          .startsWith("ebflow: a fault of this program or of the cluster, see these lines:")
          .contains("lost", "\tat ");
    }
  }
}
