package org.ebflow.cli;

import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.ebflow.flow.InvalidInputException;
import org.ebflow.training.RunFolder;
import org.ebflow.training.data.DataSources;
import org.ebflow.training.data.Dataset;
import org.ebflow.training.data.PictureOptions;
import org.ebflow.training.data.Splits;
import org.ebflow.training.data.TableOptions;
import org.ebflow.training.recipe.Recipe;
import org.ebflow.training.scoring.Scorer;
import org.ebflow.training.scoring.TrainedFlow;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code ebflow eval}: exact likelihood of a data set. */
@Command(
    name = "eval",
    description = {
      "Exact likelihood by the averaged weights of a run: NLL (mean of -log p, nats), bits per dimension, standard error, log Z.",
      "Beside it the NLL of closed-form baselines on the same rows: a Gaussian of full covariance, independent margins, a Gaussian behind the margins (copula).",
      "Rows of density zero are counted, named and left out of the means; with no other row, NLL is Infinity, or null in JSON.",
      "Data are those of the run unless --data names others. Of a file all rows are taken; --split says that it is the run's own, moved."
    })
public final class EvalCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;

  @Parameters(index = "0", paramLabel = "RUN", description = "Run folder.")
  private Path run;

  @Option(
      names = "--split",
      paramLabel = "SPLIT",
      description = "test, val or train. Default: test.")
  private @Nullable String split;

  @Option(
      names = "--data",
      paramLabel = "NAME|PATH",
      description = "Another data set, a table, or a folder of pictures.")
  private @Nullable String data;

  @Option(
      names = "--drop-nonfinite",
      description = "Leave out that table's rows with missing values, NaN or infinity.")
  private boolean dropNonFinite;

  @Option(names = "--log-z", paramLabel = "METHOD", description = "exact.")
  private String logZ = "exact";

  @Option(
      names = "--json",
      description =
          "One JSON object on stdout: nll, bpd, nll_se, log_z, n, split, impossible, nll_gaussian, nll_margins, nll_copula.")
  private boolean json;

  @Mixin private ColumnOptions columns = new ColumnOptions();
  @Mixin private CsvOptions csv = new CsvOptions();
  @Mixin private DataOptions dataOptions = new DataOptions();
  @Mixin private ScoringOptions scoring = new ScoringOptions();

  /** Rows to evaluate and what they are called. */
  private record Rows(Dataset dataset, String split) {}

  @Override
  public Integer call() {
    if (!logZ.equals("exact")) {
      throw usage(
          "--log-z "
              + logZ
              + (List.of("slq", "is").contains(logZ) ? " is not built yet" : ": no such method")
              + ", expected exact");
    }
    if (split != null && !List.of("test", "val", "train").contains(split)) {
      throw usage("--split is " + split + ", expected test, val or train");
    }
    TrainedFlow model = scoring.model(run);
    Rows rows = rows(model);
    if (rows.dataset().dimension() != model.flow().dimension()) {
      throw new InvalidInputException(
          rows.dataset()
              + ": expected rows of "
              + model.flow().dimension()
              + " values, as the model has, found "
              + rows.dataset().dimension());
    }
    ConditionNumbers.of(model.flow(), scoring.compute.blas()).warnIfNearSingular();
    try (Scorer scorer = scoring.scorer(model)) {
      print(
          rows,
          BaselineReport.of(
              scorer, run, rows.dataset(), scoring.compute.blas(), scoring.compute.threads()));
    }
    return 0;
  }

  private void print(Rows rows, BaselineReport report) {
    PrintWriter out = spec.commandLine().getOut();
    if (json) {
      out.println(EvaluationReport.json(report.model(), report.baselines(), rows.split()));
    } else {
      out.println(EvaluationReport.text(report.model(), rows.split()));
      report.text().ifPresent(out::println);
    }
    report
        .advice(recipe(), rows.dataset().imageShape() == null)
        .ifPresent(spec.commandLine().getErr()::println);
  }

  /** That of the run; a run of the library has none. */
  private Optional<Recipe> recipe() {
    try {
      return Optional.of(Recipe.ofRun(run));
    } catch (InvalidInputException _) {
      return Optional.empty();
    }
  }

  private Rows rows(TrainedFlow model) {
    String file = data == null || dataOptions.sources("").has(data) ? null : data;
    if (file != null && split == null) {
      TableOptions options =
          columns
              .of(csv.table())
              .withDropNonFinite(dropNonFinite)
              .withPictures(
                  DataOptions.arePictures(file)
                      ? PictureOptions.like(model.data().imageShape())
                      : PictureOptions.DEFAULT)
              .forModel(model.columns());
      return new Rows(DataSources.read(Path.of(file), options), "all");
    }
    Recipe recipe = Recipe.ofRun(run).with(csv.recipe());
    if (file != null) {
      if (columns.given() || dropNonFinite) {
        throw usage("--split reads the run's own data as the run did, expected no other choice");
      }
      recipe = dataOptions.moved(recipe, file);
    }
    DataSources sources = dataOptions.sources(recipe.dataFolder());
    Splits splits;
    if (data == null || file != null) {
      splits = recipe.load(sources);
      new RunFolder(run).requireDataOfRun(splits);
    } else {
      splits = sources.load(data, recipe.seed());
    }
    String name = split == null ? "test" : split;
    return new Rows(
        switch (name) {
          case "train" -> splits.train();
          case "val" -> splits.validation();
          default -> splits.test();
        },
        name);
  }

  private ParameterException usage(String message) {
    return new ParameterException(spec.commandLine(), message);
  }
}
