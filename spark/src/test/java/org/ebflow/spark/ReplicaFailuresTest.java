package org.ebflow.spark;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import java.io.EOFException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.logging.Handler;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import org.ebflow.flow.InvalidInputException;
import org.ebflow.spark.ReplicaFailures.Failure;
import org.ebflow.training.data.TableReader;
import org.ebflow.training.data.UnreadableInputException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ReplicaFailuresTest {
  private final List<String> sent = new ArrayList<>();

  @TempDir private Path folder;

  /** Of the second of three tasks; the others send these texts. */
  private ReplicaFailures besides(String first, String third) {
    return new ReplicaFailures(
        mine -> {
          sent.add(mine);
          return new String[] {first, mine, third};
        });
  }

  @Test
  void textsOfTasksThatRunAreGatheredAsTheyAre() {
    assertThat(besides(" a b", " ").gather("mine")).containsExactly("a b", "mine", "");
  }

  @Test
  void aFailureBeforeAllAreReadyEndsTheOthersWithoutAnotherGathering() {
    ReplicaFailures failures = besides(" ready", "2 rows: expected 2");
    IllegalStateException told =
        catchThrowableOfType(IllegalStateException.class, () -> failures.gather("ready"));
    assertThat(told).hasMessage("another replica has failed");
    assertThat(failures.failed(told)).isEqualTo(new Failure(2, "rows: expected 2"));
    assertThat(sent).containsExactly(" ready");
  }

  @Test
  void wrongInputIsToldAndReturned() {
    assertThat(besides(" ready", " ready").failed(new InvalidInputException("rows:\nexpected 2")))
        .isEqualTo(new Failure(2, "rows: expected 2"));
    assertThat(sent).containsExactly("2 rows: expected 2");
  }

  @Test
  void allTasksReturnTheFirstFailure() {
    assertThat(besides("1 diverged", " ready").failed(new InvalidInputException("rows")))
        .isEqualTo(new Failure(1, "diverged"));
  }

  @Test
  void aFailureThatIsReturnedIsLoggedWithItsStack() {
    List<Throwable> logged = new ArrayList<>();
    Handler handler =
        new Handler() {
          @Override
          public void publish(LogRecord record) {
            logged.add(record.getThrown());
          }

          @Override
          public void flush() {}

          @Override
          public void close() {}
        };
    Logger logger = Logger.getLogger(ReplicaFailures.class.getName());
    logger.addHandler(handler);
    InvalidInputException failure = new InvalidInputException("rows");
    try {
      besides(" ready", " ready").failed(failure);
    } finally {
      logger.removeHandler(handler);
    }
    assertThat(logged).containsExactly(failure);
  }

  @Test
  void whatAnotherTryMayMendIsThrownAtOnce() {
    UnreadableInputException unreadable =
        catchThrowableOfType(
            UnreadableInputException.class,
            () -> TableReader.open(folder.resolve("none.csv")).close());
    assertThat(unreadable).isNotNull();
    assertThrown(unreadable);
    assertThrown(new UncheckedIOException("no", new IOException()));
  }

  @Test
  void faultsAreThrownAtOnce() {
    assertThrown(new IllegalStateException("lost"));
    assertThrown(new IllegalArgumentException("Matrix.multiply: bug"));
    assertThrown(new NumberFormatException("For input string: \"x\""));
  }

  private void assertThrown(RuntimeException failure) {
    assertThatThrownBy(() -> besides("2 rows", " ready").failed(failure)).isSameAs(failure);
    assertThat(sent).isEmpty();
  }

  @Test
  void whoHasLostItsNeighbourHearsWhatEndedThat() {
    RuntimeException lost =
        new RingReplicas.LostNeighbourException("lost", new EOFException("closed"));
    assertThat(besides(" ready", "1 diverged").failed(lost)).isEqualTo(new Failure(1, "diverged"));
    assertThat(sent).containsExactly("70 lost");
    assertThatThrownBy(() -> besides(" ready", "70 lost").failed(lost)).isSameAs(lost);
  }
}
