package org.ebflow.spark;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.ebflow.cli.ScoreCommand;
import org.ebflow.flow.Flow;
import org.ebflow.flow.layer.Activation;
import org.ebflow.flow.model.CouplingConfig;
import org.ebflow.linalg.Precision;
import org.ebflow.training.Trainer;
import org.ebflow.training.data.DataSources;
import org.ebflow.training.objective.MaximumLikelihood;
import org.ebflow.training.optimizer.Adam;
import org.ebflow.training.preprocessing.Standardize;
import picocli.CommandLine;

/** Small trained models of columns a, b and c, rows for them, and their scores on one machine. */
final class Models {
  static final List<String> COLUMNS = List.of("a", "b", "c");

  private Models() {}

  static double[][] rows(int count, long seed) {
    Random random = new Random(seed);
    double[][] rows = new double[count][3];
    for (double[] row : rows) {
      double common = random.nextGaussian();
      for (int c = 0; c < 3; c++) {
        row[c] = 5 * c + common + (1 + c) * random.nextGaussian();
      }
    }
    return rows;
  }

  /** A float32 model: fc or coupling. */
  static Path train(String type, Path run) throws IOException {
    Flow flow =
        type.equals("fc")
            ? Flow.of(3).dense().smoothLeakyRelu(0.3).dense().build()
            : new CouplingConfig(2, 16, 1, Activation.Kind.TANH).build(3, Precision.FLOAT32, 1);
    Path csv = run.resolveSibling(type + "-train.csv");
    csv(csv, rows(400, 1));
    Trainer.of(flow, new MaximumLikelihood())
        .preprocessing(Standardize.byTrainingSet())
        .optimizer(new Adam(1e-2))
        .epochs(2)
        .threads(1)
        .fit(DataSources.in(null).load(csv.toString(), 1), run);
    return run;
  }

  /** Writes a table of columns a, b, c. */
  static void csv(Path file, double[][] rows) throws IOException {
    List<String> lines = new ArrayList<>(List.of("a,b,c"));
    for (double[] row : rows) {
      lines.add(row[0] + "," + row[1] + "," + row[2]);
    }
    Files.write(file, lines);
  }

  /** What {@code ebflow score} writes of a table with an id column: scores by id. */
  static Map<String, double[]> score(Path run, Path table, String... options) throws IOException {
    Path out = Files.createTempDirectory("scores").resolve("out.csv");
    List<String> arguments =
        new ArrayList<>(List.of(run.toString(), table.toString(), "--out", out.toString()));
    arguments.addAll(List.of(options));
    StringWriter err = new StringWriter();
    int exit =
        new CommandLine(new ScoreCommand())
            .setErr(new PrintWriter(err))
            .execute(arguments.toArray(String[]::new));
    if (exit != 0) {
      throw new IllegalStateException(err.toString());
    }
    return csvScores(out);
  }

  /** Scores by id of a CSV file: id, five scores, and perhaps more. */
  static Map<String, double[]> csvScores(Path csv) throws IOException {
    Map<String, double[]> scores = new HashMap<>();
    Files.readAllLines(csv).stream()
        .skip(1)
        .map(line -> line.split(",", -1))
        .filter(cells -> !cells[1].isEmpty() && !cells[1].equals("\"\""))
        .forEach(
            cells ->
                scores.put(
                    cells[0],
                    Arrays.stream(cells, 1, 6).mapToDouble(Double::parseDouble).toArray()));
    return scores;
  }
}
