package org.ebflow.cli;

import java.io.PrintWriter;
import java.math.BigDecimal;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.SequencedMap;
import java.util.concurrent.Callable;
import org.ebflow.cli.plot.Plots;
import org.ebflow.cli.table.CsvFile;
import org.ebflow.flow.io.OneLine;
import org.ebflow.flow.model.FullyConnectedConfig;
import org.ebflow.training.data.RunningMoments;
import org.ebflow.training.recipe.Recipe;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code ebflow study start}: what the start of the weights and its helpers are worth. */
@Command(
    name = "start",
    description = {
      "What the start of a dense model and its helpers are worth: sign, whitening, learning rate, noise floor, closed-form last layer, depth.",
      "Each is changed alone in the recipe DATA-fc-LOSS. Prints validation and test NLL and seconds of every setting, mean ± deviation over the seeds.",
      "* marks the setting that validation chooses. Writes start.csv, a row for each run, and start.png."
    })
public final class StudyStartCommand implements Callable<Integer> {
  private static final String RECIPE = "recipe";

  @Spec private CommandSpec spec;

  @Option(
      names = "--data",
      paramLabel = "NAME|PATH",
      description = "A data set by name, or a table: .csv or .npy. Default: digits.")
  private String data = "digits";

  @Option(
      names = "--losses",
      split = ",",
      paramLabel = "LOSS",
      description = "Losses to compare. Default: ssm,dsm,fdssm,ml.")
  private List<String> losses = List.of("ssm", "dsm", "fdssm", "ml");

  @Mixin private StudyOptions options = new StudyOptions();

  /**
   * One row of the table.
   *
   * @param name of the setting: what is changed in the recipe
   */
  private record Setting(String loss, String name, SeedRuns runs) {
    RunningMoments test() {
      return runs.moments(SeedResult::testNll);
    }

    double validation() {
      return runs.moments(SeedResult::validationNll).means()[0];
    }

    double seconds() {
      return runs.meanSeconds();
    }

    long diverged() {
      return runs.seeds().stream()
          .filter(seed -> runs.result(seed).testNll() == Double.POSITIVE_INFINITY)
          .count();
    }
  }

  @Override
  public Integer call() {
    SequencedMap<String, SequencedMap<String, Recipe>> recipes = new LinkedHashMap<>();
    for (String loss : losses) {
      Recipe recipe =
          options.data().recipe(data, RecipeChoice.FC, loss, spec.commandLine().getErr());
      recipes.put(loss, settings(recipe.with(options.changes())));
    }
    try (Study study = options.study("study-start")) {
      List<Setting> settings = new ArrayList<>();
      recipes.forEach(
          (loss, changed) ->
              changed.forEach(
                  (name, recipe) ->
                      settings.add(new Setting(loss, name, study.add(loss + "/" + name, recipe)))));
      study.run();
      print(settings);
      write(settings, study.folder());
    }
    return 0;
  }

  /** The recipe, and its changes one at a time. */
  private static SequencedMap<String, Recipe> settings(Recipe recipe) {
    SequencedMap<String, Recipe> settings = new LinkedHashMap<>();
    settings.put(RECIPE, recipe);
    add(settings, "model.init", List.of("published", "identity", "whitening"));
    BigDecimal rate = BigDecimal.valueOf(recipe.optimizer().learningRate());
    add(
        settings,
        "optimizer.lr",
        List.of(
            plain(rate.multiply(new BigDecimal("0.3"))),
            plain(rate.multiply(BigDecimal.TWO.add(BigDecimal.ONE)))));
    add(settings, "data.noise", List.of("0.05", "0.1"));
    add(settings, "training.last_layer", List.of("trained", "closed_form"));
    if (recipe.modelConfig() instanceof FullyConnectedConfig dense) {
      int layers = dense.layers();
      add(
          settings,
          "model.layers",
          List.of(Integer.toString(layers + 1), Integer.toString(2 * layers)));
    }
    return settings;
  }

  private static String plain(BigDecimal number) {
    return number.stripTrailingZeros().toPlainString();
  }

  private static void add(SequencedMap<String, Recipe> settings, String key, List<String> values) {
    Recipe recipe = settings.firstEntry().getValue();
    for (String value : values) {
      Recipe changed = recipe.set(key, value);
      if (!changed.toMap().equals(recipe.toMap())) {
        settings.put(key + "=" + value, changed);
      }
    }
  }

  private void print(List<Setting> settings) {
    TextTable table =
        new TextTable(
            "loss", "setting", "validation NLL", "test NLL", "± deviation", "gain", "seconds", "");
    Map<String, Setting> chosen = new LinkedHashMap<>();
    Map<String, Setting> unchanged = new LinkedHashMap<>();
    for (Setting setting : settings) {
      chosen.merge(
          setting.loss,
          setting,
          (a, b) -> Comparator.comparingDouble(Setting::validation).compare(a, b) <= 0 ? a : b);
      unchanged.putIfAbsent(setting.loss, setting);
    }
    for (Setting setting : settings) {
      double recipe = Objects.requireNonNull(unchanged.get(setting.loss)).test().means()[0];
      double test = setting.test().means()[0];
      boolean finite = setting.diverged() == 0;
      table.add(
          setting.loss,
          setting.name,
          finite ? TextTable.number(setting.validation()) : "diverged",
          finite
              ? TextTable.number(test)
              : setting.diverged() + " of " + setting.runs.seeds().size(),
          finite ? TextTable.number(setting.test().sampleDeviations()[0]) : "",
          finite ? TextTable.number(recipe - test) : "",
          String.format(Locale.ROOT, "%.1f", setting.seconds()),
          setting.equals(chosen.get(setting.loss)) ? "*" : "");
    }
    PrintWriter out = spec.commandLine().getOut();
    table.print(out);
    out.println(
        "NLL in nats; gain over the recipe unchanged, by test NLL; * has the best validation NLL of its loss");
  }

  private void write(List<Setting> settings, Path folder) {
    Path csv = folder.resolve("start.csv");
    try (CsvFile file =
        new CsvFile(csv, "loss", "setting", "seed", "validation_nll", "test_nll", "seconds")) {
      for (Setting setting : settings) {
        for (long seed : setting.runs.seeds()) {
          SeedResult result = setting.runs.result(seed);
          file.write(
              setting.loss,
              setting.name,
              Long.toString(seed),
              Double.toString(result.validationNll()),
              Double.toString(result.testNll()),
              Double.toString(setting.runs.seconds(seed)));
        }
      }
      file.publish();
    }
    Path png = folder.resolve("start.png");
    PrintWriter out = spec.commandLine().getOut();
    out.println(OneLine.name("table " + csv));
    if (Plots.settings(points(settings), png)) {
      out.println(OneLine.name("picture " + png));
    }
  }

  private static List<Plots.Estimate> points(List<Setting> settings) {
    return settings.stream()
        .map(
            setting ->
                new Plots.Estimate(
                    setting.loss,
                    setting.name,
                    setting.test().means()[0],
                    setting.test().sampleDeviations()[0]))
        .toList();
  }
}
