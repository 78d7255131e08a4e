package org.ebflow.cli;

import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.ebflow.cli.table.CsvFile;
import org.ebflow.flow.InvalidInputException;
import org.ebflow.flow.io.OneLine;
import org.ebflow.training.Baseline;
import org.ebflow.training.data.Dataset;
import org.ebflow.training.data.FileFormat;
import org.ebflow.training.data.RunningMoments;
import org.ebflow.training.data.Splits;
import org.ebflow.training.recipe.Recipe;
import org.ebflow.training.scoring.Auroc;
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
  private static final Pattern PART = Pattern.compile("(.+)-(train|test|anomalies)\\..+");

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

  /** Files of a table; no anomalies is null. */
  private record Parts(Path train, Path test, @Nullable Path anomalies) {}

  /**
   * One row of the result.
   *
   * @param rows that training and validation share
   */
  private record Table(String name, int rows, int columns, Parts parts, SeedRuns runs) {}

  /** AUROC of one seed by both scores. */
  private record Detection(double logProb, double latentNorm) {}

  @Override
  public Integer call() {
    SortedMap<String, Parts> found =
        parts(folder == null ? options.data().sources("").folder().resolve("tables") : folder);
    Study study = options.study("study-tables");
    List<Table> tables = new ArrayList<>();
    found.forEach((name, parts) -> tables.add(table(name, parts, study)));
    study.run();
    Map<String, List<Detection>> detections = new LinkedHashMap<>();
    for (Table table : tables) {
      if (table.parts.anomalies != null) {
        detections.put(
            table.name,
            table.runs.seeds().stream()
                .map(seed -> detect(table, seed, table.parts.anomalies))
                .toList());
      }
    }
    print(tables, detections);
    write(tables, detections, study.folder().resolve("tables.csv"));
    return 0;
  }

  /** The chosen tables of a folder by name. */
  private SortedMap<String, Parts> parts(Path in) {
    SortedMap<String, Map<String, Path>> files = new TreeMap<>();
    try (Stream<Path> listed = Files.list(in)) {
      listed
          .sorted()
          .filter(
              file -> List.of(FileFormat.CSV, FileFormat.NPY).contains(FileFormat.ofInput(file)))
          .forEach(
              file -> {
                Matcher name = PART.matcher(file.getFileName().toString());
                if (name.matches()) {
                  Path other =
                      files
                          .computeIfAbsent(name.group(1), _ -> new TreeMap<>())
                          .putIfAbsent(name.group(2), file);
                  if (other != null) {
                    throw new InvalidInputException(
                        file + ": expected one file of this part, found " + other.getFileName());
                  }
                }
              });
    } catch (IOException e) {
      throw new InvalidInputException(
          in + ": expected a folder of tables, found " + (Files.exists(in) ? "a file" : "nothing"),
          e);
    }
    files.values().removeIf(of -> !of.containsKey("train") || !of.containsKey("test"));
    if (!names.isEmpty()) {
      for (String name : names) {
        if (!files.containsKey(name)) {
          throw new InvalidInputException(
              in
                  + ": expected "
                  + name
                  + "-train and "
                  + name
                  + "-test, found "
                  + (files.isEmpty() ? "no such pair" : String.join(", ", files.keySet())));
        }
      }
      files.keySet().retainAll(names);
    }
    if (files.isEmpty()) {
      throw new InvalidInputException(
          in + ": expected NAME-train.csv and NAME-test.csv, or .npy, found no such pair");
    }
    SortedMap<String, Parts> parts = new TreeMap<>();
    files.forEach(
        (name, of) ->
            parts.put(
                name,
                new Parts(
                    Objects.requireNonNull(of.get("train")),
                    Objects.requireNonNull(of.get("test")),
                    of.get("anomalies"))));
    return parts;
  }

  private Table table(String name, Parts parts, Study study) {
    Map<String, String> changes = new LinkedHashMap<>(options.changes());
    changes.put("data.test", DataOptions.absolute(parts.test.toString()));
    TableDefault choice = new TableDefault(parts.train.toString(), changes);
    Splits splits = options.load(choice.recipe());
    spec.commandLine().getErr().print(OneLine.name(name + ": "));
    Recipe recipe = choice.recipe(splits.train().dimension(), spec.commandLine().getErr());
    if (parts.anomalies != null) { // what is wrong with them is said before the first run
      anomalies(recipe, parts.anomalies);
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
          Auroc.of(negative(inliers.logProb()), negative(outliers.logProb())),
          Auroc.of(inliers.latentNorm(), outliers.latentNorm()));
    }
  }

  /** Those rows, with the columns of the recipe's data. */
  private Dataset anomalies(Recipe recipe, Path anomalies) {
    return options.load(recipe.set("data.test", DataOptions.absolute(anomalies.toString()))).test();
  }

  private static double[] negative(double[] values) {
    return Arrays.stream(values).map(value -> -value).toArray();
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
      cells.add(
          String.format(
              Locale.ROOT,
              "%.1f",
              table.runs.seeds().stream()
                  .mapToDouble(seed -> Study.seconds(table.runs.run(seed)))
                  .average()
                  .orElse(0)));
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
          cells.add(Double.toString(Study.seconds(table.runs.run(seed))));
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
