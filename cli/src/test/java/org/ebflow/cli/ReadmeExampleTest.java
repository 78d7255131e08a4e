package org.ebflow.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Random;
import org.ebflow.flow.Flow;
import org.ebflow.flow.layer.Elementwise;
import org.ebflow.training.Scorer;
import org.ebflow.training.Standardize;
import org.ebflow.training.TrainedFlow;
import org.ebflow.training.Trainer;
import org.ebflow.training.check.GradientCheck;
import org.ebflow.training.data.Dataset;
import org.ebflow.training.data.LoadedTable;
import org.ebflow.training.objective.SlicedScoreMatching;
import org.ebflow.training.optimizer.RmsProp;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The Java of the README does what it says, and the command does the same. */
class ReadmeExampleTest {
  private static final int COLUMNS = 43;

  @TempDir Path folder;

  /** The lines of the README but for the folder and, to be quick, the epochs. */
  private static TrainedFlow train(double[][] rows, Path run, int epochs) {
    Flow flow = Flow.of(43).dense().smoothLeakyRelu(0.3).dense().build();
    return Trainer.of(flow, new SlicedScoreMatching())
        .preprocessing(Standardize.byTrainingSet())
        .optimizer(new RmsProp(1e-4))
        .epochs(epochs)
        .seed(7)
        .fit(Dataset.of(rows).split(0.8, 0.1, 0.1, 7), run);
  }

  private record Sinh() implements Elementwise {
    @Override
    public double value(double x) {
      return Math.sinh(x);
    }

    @Override
    public double first(double x) {
      return Math.cosh(x);
    }

    @Override
    public double second(double x) {
      return Math.sinh(x);
    }

    @Override
    public double third(double x) {
      return Math.cosh(x);
    }

    @Override
    public double fourth(double x) {
      return Math.sinh(x);
    }

    @Override
    public double inverse(double y) {
      return Math.log(y + Math.sqrt(y * y + 1));
    }
  }

  @Test
  void aLayerOfOnesOwnPassesTheGradientCheck() {
    GradientCheck.of(Flow.of(8).dense().elementwise(new Sinh()).dense().build()).run().orThrow();
  }

  @Test
  void theCommandAndTheLibraryTrainTheSameModelOfOnesOwnTable() throws IOException {
    Random random = new Random(1);
    double[][] rows = new double[500][COLUMNS];
    for (double[] row : rows) {
      double common = random.nextGaussian();
      for (int c = 0; c < COLUMNS; c++) {
        row[c] = 100 * c + common + (1 + c) * random.nextGaussian();
      }
    }
    compare(rows, 3);
  }

  @Test
  void theSameHoldsOfRealMeasurements() throws IOException {
    Path file =
        Path.of(System.getProperty("ebflow.data.dir", "../../shared/data"))
            .resolve("miniboone/val.npy");
    assumeTrue(Files.exists(file), "no " + file + " (set ebflow.data.dir)");
    Dataset table = LoadedTable.read(file, List.of(), false).dataset();
    double[][] rows = new double[table.size()][];
    Arrays.setAll(rows, table::row);
    compare(rows, 5);
  }

  private void compare(double[][] rows, int epochs) throws IOException {
    Path table = folder.resolve("table.csv");
    StringBuilder text = new StringBuilder();
    for (int c = 0; c < COLUMNS; c++) {
      text.append(c == 0 ? "" : ",").append(String.format(Locale.ROOT, "column%02d", c));
    }
    for (double[] row : rows) {
      text.append('\n').append(Arrays.toString(row).replaceAll("[\\[\\] ]", ""));
    }
    Files.writeString(table, text + "\n");
    StringWriter err = new StringWriter();
    Path commandRun = folder.resolve("command");
    int exit =
        Ebflow.run(
            new PrintWriter(new StringWriter()),
            new PrintWriter(err, true),
            "train",
            "--data",
            table.toString(),
            "--epochs",
            String.valueOf(epochs),
            "--seed",
            "7",
            "--out",
            commandRun.toString());
    assertThat(exit).describedAs(err::toString).isZero();
    TrainedFlow model = train(rows, folder.resolve("library"), epochs);
    double[] logProb = model.logProb(rows); // nats, in the rows' own units; log Z computed once
    try (Scorer scorer = Scorer.open(commandRun)) {
      assertThat(scorer.logProb(rows)).isEqualTo(logProb);
    }
    try (Scorer scorer = Scorer.open(folder.resolve("library"))) {
      assertThat(scorer.logProb(rows)).isEqualTo(logProb);
    }
  }
}
