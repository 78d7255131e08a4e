package org.ebflow.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import org.ebflow.flow.Flow;
import org.ebflow.linalg.Precision;
import org.ebflow.training.TrainingListener.Plan;
import org.ebflow.training.preprocessing.Preprocessing;
import org.ebflow.training.scoring.EmpiricalDistribution;
import org.ebflow.training.scoring.Evaluation;
import org.ebflow.training.scoring.TrainedFlow;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class TrainProgressTest {
  private static Evaluation validation(double nll, long impossible) {
    return new Evaluation(
        nll,
        0.5,
        nll - 2,
        0,
        100,
        impossible,
        impossible == 0 ? null : new Evaluation.ImpossibleRow(17, "weight", 9999));
  }

  private static List<String> lines(@Nullable Terminal terminal) {
    return lines(terminal, 7);
  }

  private static List<String> lines(@Nullable Terminal terminal, double nll) {
    StringWriter err = new StringWriter();
    TrainedFlow model =
        new TrainedFlow(
            Flow.of(2).precision(Precision.FLOAT32).dense().build(),
            Preprocessing.none(),
            new TrainedFlow.DataDescription(
                "data", List.of(), null, EmpiricalDistribution.unknown(), null),
            1);
    try (TrainProgress progress = new TrainProgress(new PrintWriter(err, true), terminal)) {
      progress.started(new Plan(Path.of("run"), 0, 40, 10, 1, "java"));
      progress.evaluated(10, validation(nll, 0), true, model);
      progress.evaluated(20, validation(nll, 1), false, model);
      progress.evaluated(30, validation(nll, 1), false, model);
      progress.evaluated(40, validation(nll, 2), false, model);
    }
    return err.toString().lines().filter(line -> line.contains("zero")).toList();
  }

  @Test
  void everyEvaluationNamesTheRowsOfDensityZero() {
    assertThat(lines(null))
        .containsExactly(
            "step 20/40: validation NLL 7.0000 nats, 5.0000 bits/dim over 99 of 100 rows; 1 row has density zero: row 17, column weight = 9999",
            "step 30/40: validation NLL 7.0000 nats, 5.0000 bits/dim over 99 of 100 rows; 1 row has density zero: row 17, column weight = 9999",
            "step 40/40: validation NLL 7.0000 nats, 5.0000 bits/dim over 98 of 100 rows; 2 rows have density zero, the first: row 17, column weight = 9999");
  }

  @Test
  void onATerminalTheyAreNamedWhenTheirNumberChanges() {
    PrintStream screen = new PrintStream(new ByteArrayOutputStream(), true, StandardCharsets.UTF_8);
    assertThat(lines(new Terminal(screen, 80)))
        .containsExactly(
            "step 20/40: validation NLL 7.0000 nats over 99 of 100 rows; 1 row has density zero: row 17, column weight = 9999",
            "step 40/40: validation NLL 7.0000 nats over 98 of 100 rows; 2 rows have density zero, the first: row 17, column weight = 9999");
  }

  @Test
  void aHugeNllHasFewDigits() {
    assertThat(lines(null, 1e50).getFirst())
        .startsWith("step 20/40: validation NLL 1.0000e+50 nats, 1.0000e+50 bits/dim over 99");
    PrintStream screen = new PrintStream(new ByteArrayOutputStream(), true, StandardCharsets.UTF_8);
    assertThat(lines(new Terminal(screen, 80), 1e50).getFirst())
        .startsWith("step 20/40: validation NLL 1.0000e+50 nats over 99");
  }
}
