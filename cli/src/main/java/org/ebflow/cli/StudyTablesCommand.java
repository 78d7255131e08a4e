package org.ebflow.cli;

import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.SortedMap;
import java.util.concurrent.Callable;
import org.ebflow.cli.table.CsvFile;
import org.ebflow.flow.io.OneLine;
import org.ebflow.training.Baseline;
import org.ebflow.training.data.Dataset;
import org.ebflow.training.data.RunningMoments;
import org.ebflow.training.data.Splits;
import org.ebflow.training.recipe.Recipe;
import org.ebflow.training.scoring.RankingMetrics;
import org.ebflow.training.scoring.Scorer;
import org.ebflow.training.scoring.Scores;
import org.ebflow.training.scoring.TrainedFlow;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code ebflow study tables}: the default for tables on every table of a folder. */
@Command(
    name = "tables",
    description = {
      "The default for tables on every NAME-train of a folder that has a NAME-test: mean log p of the test rows, mean ± deviation over the seeds, beside the closed-form baselines.",
      "Where there is a NAME-anomalies: the AUROC of its rows against the test rows, by log p and by latent norm. Writes tables.csv, a row for each run."
    })
public final class StudyTablesCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;

  @Parameters(
      arity = "0..*",
      paramLabel = "NAME",
      description = "Tables to train on. Default: all of the folder.")
  private List<String> names = List.of();

  @Option(
      names = "--tables",
      paramLabel = "DIR",
      description = "Folder of the tables, CSV or NPY. Default: tables in the data folder.")
  private @Nullable Path folder;

  @Mixin private StudyOptions options = new StudyOptions();

  /**
   * One row of the result.
   *
   * @param rows that training and validation share
   */
  private record Table(String name, int rows, int columns, TableParts parts, SeedRuns runs) {}

  /** AUROC of one seed by both scores. */
  private record Detection(double logProb, double latentNorm) {}

  @Override
  public Integer call() {
    SortedMap<String, TableParts> found =
        TableParts.in(
            folder == null ? options.data().sources("").folder().resolve("tables") : folder, names);
    try (Study study = options.study("study-tables")) {
      List<Table> tables = new ArrayList<>();
      found.forEach((name, parts) -> tables.add(table(name, parts, study)));
      study.run();
      Map<String, List<Detection>> detections = new LinkedHashMap<>();
      for (Table table : tables) {
        if (table.parts.anomalies() != null) {
          detections.put(
              table.name,
              table.runs.seeds().stream()
                  .map(seed -> detect(table, seed, table.parts.anomalies()))
                  .toList());
        }
      }
      print(tables, detections);
      write(tables, detections, study.folder().resolve("tables.csv"));
    }
    return 0;
  }

  private Table table(String name, TableParts parts, Study study) {
    Map<String, String> changes = new LinkedHashMap<>(options.changes());
    changes.put("data.test", DataOptions.absolute(parts.test().toString()));
    TableDefault choice = new TableDefault(parts.train().toString(), changes);
    Splits splits = options.load(choice.recipe());
    spec.commandLine().getErr().print(OneLine.name(name + ": "));
    Recipe recipe = choice.recipe(splits.train().dimension(), spec.commandLine().getErr());
    if (parts.anomalies() != null) { // what is wrong with them is said before the first run
      anomalies(recipe, parts.anomalies());
    }
    return new Table(
        name,
        splits.train().size() + splits.validation().size(),
        splits.train().dimension(),
        parts,
        study.add(name, recipe));
  }

  private Detection detect(Table table, long seed, Path anomalies) {
    if (table.runs.result(seed).testNll() == Double.POSITIVE_INFINITY) {
      return new Detection(Double.NaN, Double.NaN);
    }
    Recipe recipe = table.runs.recipe(seed);
    Dataset test = options.load(recipe).test();
    Dataset odd = anomalies(recipe, anomalies);
    try (Scorer scorer =
        new Scorer(
            TrainedFlow.load(table.runs.run(seed)),
            options.compute().blas(),
            options.compute().threads())) {
      Scores inliers = scorer.score(test);
      Scores outliers = scorer.score(odd);
      return new Detection(
          auroc(inliers.negativeLogProb(), outliers.negativeLogProb()),
          auroc(inliers.latentNorm(), outliers.latentNorm()));
    }
  }

  /** Those rows, with the columns of the recipe's data. */
  private Dataset anomalies(Recipe recipe, Path anomalies) {
    return options.load(recipe.set("data.test", DataOptions.absolute(anomalies.toString()))).test();
  }

  private static double auroc(double[] inliers, double[] outliers) {
    return RankingMetrics.of(inliers, outliers).auroc();
  }

  private void print(List<Table> tables, Map<String, List<Detection>> detections) {
    TextTable text =
        new TextTable(
            "table",
            "rows × columns",
            "Gaussian",
            "margins",
            "copula",
            "EBFlow",
            "± deviation",
            "seconds",
            "AUROC log p",
            "latent norm");
    for (Table table : tables) {
      List<String> cells = new ArrayList<>();
      cells.add(table.name);
      cells.add(table.rows + " × " + table.columns);
      for (Baseline baseline : Baseline.values()) {
        cells.add(
            table.runs.seeds().stream()
                    .allMatch(seed -> table.runs.result(seed).baselines().containsKey(baseline))
                ? TextTable.number(
                    0 - table.runs.moments(of -> of.baselines().get(baseline)).means()[0])
                : "");
      }
      RunningMoments test = table.runs.moments(SeedResult::testNll);
      boolean finite = Double.isFinite(test.means()[0]);
      cells.add(finite ? TextTable.number(0 - test.means()[0]) : "diverged");
      cells.add(finite ? TextTable.number(test.sampleDeviations()[0]) : "");
      cells.add(String.format(Locale.ROOT, "%.1f", table.runs.meanSeconds()));
      List<Detection> of = detections.get(table.name);
      cells.add(of == null ? "" : auroc(of.stream().mapToDouble(Detection::logProb).toArray()));
      cells.add(of == null ? "" : auroc(of.stream().mapToDouble(Detection::latentNorm).toArray()));
      text.add(cells.toArray(String[]::new));
    }
    PrintWriter out = spec.commandLine().getOut();
    text.print(out);
    out.println(
        "mean log p of the test rows in nats, higher is better; means over the seeds; seconds of one run's steps and evaluations");
  }

  private static String auroc(double[] ofSeeds) {
    return String.format(Locale.ROOT, "%.3f", Arrays.stream(ofSeeds).average().orElseThrow());
  }

  private void write(List<Table> tables, Map<String, List<Detection>> detections, Path csv) {
    try (CsvFile file =
        new CsvFile(
            csv,
            "table",
            "rows",
            "columns",
            "seed",
            "nll_gaussian",
            "nll_margins",
            "nll_copula",
            "validation_nll",
            "test_nll",
            "seconds",
            "auroc_log_prob",
            "auroc_latent_norm")) {
      for (Table table : tables) {
        List<Detection> detected = detections.get(table.name);
        for (int i = 0; i < table.runs.seeds().size(); i++) {
          long seed = table.runs.seeds().get(i);
          SeedResult result = table.runs.result(seed);
          List<String> cells =
              new ArrayList<>(
                  List.of(
                      table.name,
                      Integer.toString(table.rows),
                      Integer.toString(table.columns),
                      Long.toString(seed)));
          for (Baseline baseline : Baseline.values()) {
            Double nll = result.baselines().get(baseline);
            cells.add(nll == null ? "" : nll.toString());
          }
          cells.add(Double.toString(result.validationNll()));
          cells.add(Double.toString(result.testNll()));
          cells.add(Double.toString(table.runs.seconds(seed)));
          cells.add(detected == null ? "" : Double.toString(detected.get(i).logProb()));
          cells.add(detected == null ? "" : Double.toString(detected.get(i).latentNorm()));
          file.write(cells.toArray(String[]::new));
        }
      }
      file.publish();
    }
    spec.commandLine().getOut().println(OneLine.name("table " + csv));
  }
}
