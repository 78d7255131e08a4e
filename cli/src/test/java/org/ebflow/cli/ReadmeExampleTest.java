package org.ebflow.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Random;
import java.util.regex.Pattern;
import org.ebflow.flow.Flow;
import org.ebflow.flow.layer.Elementwise;
import org.ebflow.golden.SharedFolder;
import org.ebflow.training.Trainer;
import org.ebflow.training.check.GradientCheck;
import org.ebflow.training.data.Dataset;
import org.ebflow.training.data.InMemoryTable;
import org.ebflow.training.data.TableOptions;
import org.ebflow.training.objective.SlicedScoreMatching;
import org.ebflow.training.optimizer.RmsProp;
import org.ebflow.training.preprocessing.Standardize;
import org.ebflow.training.scoring.Scorer;
import org.ebflow.training.scoring.TrainedFlow;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The Java of the README does what it says, and the command does the same. */
class ReadmeExampleTest {
  private static final int COLUMNS = 43;
  private static final String SOURCE = "ReadmeExampleTest.java";
  private static final Pattern JAVA_BLOCK = Pattern.compile("```java\n((?s:.*?))```");

  @TempDir Path folder;

  /** The lines of the README but for the folder and, to be quick, the epochs. */
  private static TrainedFlow train(double[][] rows, Path run, int epochs) {
    Flow flow = Flow.of(43).dense().smoothLeakyRelu(0.3).dense().build();
    TrainedFlow model =
        Trainer.of(flow, new SlicedScoreMatching())
            .preprocessing(Standardize.byTrainingSet())
            .optimizer(new RmsProp(1e-4))
            .epochs(epochs)
            .seed(7)
            .fit(Dataset.of(rows).split(0.8, 0.1, 0.1, 7), run);
    return model;
  }

  private static double[] score(double[][] rows, Path run) {
    try (Scorer scorer = Scorer.open(run)) {
      double[] logProb = scorer.logProb(rows);
      return logProb;
    }
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

  /** But for the folder and the number of epochs, and whatever the spaces. */
  @Test
  void everyStatementOfTheReadmeIsOneOfThisTest() throws IOException {
    String source =
        Files.readString(Path.of("src", "test", "java", "org", "ebflow", "cli", SOURCE));
    String readme =
        Files.readString(Path.of("..", "README.md"))
            .replaceAll("\\.epochs\\(\\d+\\)", ".epochs(epochs)")
            .replace("Path.of(\"runs/mine\")", "run");

    List<String> statements =
        JAVA_BLOCK
            .matcher(readme)
            .results()
            .map(block -> compact(block.group(1)))
            .flatMap(block -> Arrays.stream(block.split("(?<=[;{}])")))
            .filter(statement -> !statement.equals("}"))
            .toList();

    assertThat(statements).hasSizeGreaterThanOrEqualTo(7).allMatch(s -> s.length() > 1);
    String code = compact(source);
    assertThat(statements).allMatch(code::contains);
  }

  private static String compact(String java) {
    return java.replaceAll("//[^\n]*|/\\*(?s:.*?)\\*/|\\s", "");
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
    Path file = SharedFolder.data().file("miniboone/val.npy");
    Dataset table = InMemoryTable.read(file, TableOptions.DEFAULT).dataset();
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
            "--model",
            "fc",
            "--epochs",
            String.valueOf(epochs),
            "--seed",
            "7",
            "--out",
            commandRun.toString());
    assertThat(exit).describedAs(err::toString).isZero();
    TrainedFlow model = train(rows, folder.resolve("library"), epochs);
    double[] logProb = model.logProb(rows); // nats, in the rows' own units; log Z computed once
    assertThat(score(rows, commandRun)).isEqualTo(logProb);
    assertThat(score(rows, folder.resolve("library"))).isEqualTo(logProb);
  }
}
