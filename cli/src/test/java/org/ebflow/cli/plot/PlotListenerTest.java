package org.ebflow.cli.plot;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import org.ebflow.flow.Flow;
import org.ebflow.linalg.Blas;
import org.ebflow.training.TrainingListener.Outcome;
import org.ebflow.training.data.Dataset;
import org.ebflow.training.preprocessing.Preprocessing;
import org.ebflow.training.scoring.EmpiricalDistribution;
import org.ebflow.training.scoring.Evaluation;
import org.ebflow.training.scoring.TrainedFlow;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class PlotListenerTest {
  private static final TrainedFlow MODEL =
      new TrainedFlow(
          Flow.of(2).dense().build(),
          Preprocessing.none(),
          new TrainedFlow.DataDescription(
              "normal", List.of(), null, EmpiricalDistribution.unknown(), null),
          0);

  private static final Evaluation EVALUATION = new Evaluation(1, .1, 1, 0, 10, 0, null);

  @TempDir Path run;
  private final AtomicLong time = new AtomicLong();

  /** By a clock on which every drawing takes 1. */
  private PlotListener listener() throws IOException {
    Files.writeString(
        run.resolve("metrics.csv"),
        "step,epoch,wall_s,loss,grad_norm,lr,nonfinite,val_nll,val_bpd,steps_per_s\n");
    return new PlotListener(
        run, Dataset.of(new double[][] {{0, 0}, {1, 1}}), Blas.auto(), 1, time::getAndIncrement);
  }

  private boolean drawn() throws IOException {
    return Files.deleteIfExists(run.resolve("plots/density.png"));
  }

  @Test
  void evaluationsInQuickSuccessionAreNotAllDrawn() throws IOException {
    PlotListener listener = listener();
    listener.evaluated(0, EVALUATION, true, MODEL);
    assertThat(drawn()).isTrue();
    long end = time.get() - 1;
    listener.evaluated(1, EVALUATION, true, MODEL);
    assertThat(drawn()).isFalse();
    time.set(end + 19);
    listener.evaluated(2, EVALUATION, true, MODEL);
    assertThat(drawn()).isFalse();
    listener.evaluated(3, EVALUATION, true, MODEL);
    assertThat(drawn()).isTrue();
  }

  @Test
  void theModelThatIsKeptIsDrawnInTheEnd() throws IOException {
    PlotListener listener = listener();
    listener.evaluated(0, EVALUATION, true, MODEL);
    assertThat(drawn()).isTrue();
    listener.evaluated(1, EVALUATION, true, MODEL);
    listener.finished(new Outcome(MODEL, 2, 1, 1, false, false));
    assertThat(drawn()).isTrue();
    listener.finished(new Outcome(MODEL, 2, 1, 1, false, false));
    assertThat(drawn()).isFalse();
  }
}
