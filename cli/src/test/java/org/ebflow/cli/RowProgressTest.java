package org.ebflow.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;

class RowProgressTest {
  private final StringWriter err = new StringWriter();
  private final ByteArrayOutputStream screen = new ByteArrayOutputStream();

  private RowProgress progress(boolean terminal) {
    PrintStream stream = new PrintStream(screen, true, StandardCharsets.UTF_8);
    return new RowProgress(
        new PrintWriter(err, true), terminal ? new Terminal(stream, 80) : null, -1);
  }

  @Test
  void withoutATerminalThereIsOnlyTheLastLine() {
    try (RowProgress progress = progress(false)) {
      progress.scored(1000);
      progress.scored(1234567);
      progress.finish("scored 1,234,567 rows into a.csv", ", rejected 2 into b.csv");
    }
    assertThat(err.toString())
        .matches(
            "scored 1,234,567 rows into a\\.csv in \\d+\\.\\d s \\([\\d,]+ rows/s\\), rejected 2 into b\\.csv\\R");
  }

  @Test
  void theRateIsThatOfTheRowsOfThisCall() {
    try (RowProgress progress = progress(false)) {
      progress.resumed(1000);
      progress.scored(1000);
      progress.finish("scored", "");
    }
    assertThat(err.toString())
        .matches(
            "going on behind 1,000 rows that are scored\\Rscored in \\d+\\.\\d s \\(0 rows/s\\)\\R");
  }

  /** As when it is stopped while it skips what an earlier call has scored. */
  @Test
  void aCallThatScoresNothingHasTheRateZero() {
    try (RowProgress progress = progress(false)) {
      progress.resumed(1000);
      progress.finish("stopped", "");
    }
    assertThat(err.toString()).contains(" s (0 rows/s)");
  }

  @Test
  void theRestIsToldWhereTheNumberOfRowsIsKnown() {
    try (RowProgress progress = new RowProgress(new PrintWriter(err, true), null, 10_000)) {
      assertThat(progress.toGo(4)).isEmpty();
      progress.resumed(1000);
      progress.scored(3000);
      assertThat(progress.toGo(4)).isEqualTo(", about 14 s to go");
    }
    try (RowProgress progress = progress(false)) {
      progress.scored(3000);
      assertThat(progress.toGo(4)).isEmpty();
    }
  }

  @Test
  void onATerminalABarCountsTheRowsAndEndsBeforeTheLastLine() {
    try (RowProgress progress = progress(true)) {
      progress.scored(1000);
      progress.scored(1234567);
      progress.finish("scored", "");
      assertThat(screen.toString(StandardCharsets.UTF_8)).contains("1234567").endsWith("\n");
    }
    assertThat(err.toString()).matches("scored in \\d+\\.\\d s \\([\\d,]+ rows/s\\)\\R");
  }

  @Test
  void aBarIsClosedAlsoAfterAFailure() {
    try (RowProgress progress = progress(true)) {
      progress.scored(3);
    }
    assertThat(screen.toString(StandardCharsets.UTF_8)).contains("3/?").endsWith("\n");
    assertThat(err.toString()).isEmpty();
  }

  @Test
  void aNameWithALineBreakStaysOnTheLastLine() {
    try (RowProgress progress = progress(false)) {
      progress.finish("scored 1 rows into a\nb.csv", "");
    }
    assertThat(err.toString()).startsWith("scored 1 rows into a\\nb.csv in ");
  }
}
