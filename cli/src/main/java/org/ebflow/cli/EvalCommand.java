package org.ebflow.cli;

import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
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
      "Data are those of the run unless --data names others. Of a file all rows are taken; --split says that it is the run's own, moved.",
      "With --ood a table follows: how well each of four scores ranks those rows, which are the positives, above the rows that are evaluated. The higher, the odder: "
          + "-log_prob; latent_norm; typicality, |log p - the training rows' mean log p| (Nalisnick et al. 2019); gradient_norm, ‖∇ log p‖ by the model's input, "
          + "the row after preprocessing. AUROC is .5 and AUPR (average precision) the positives' share where a score tells nothing; an AUROC below .5 ranks them the wrong way round. "
          + "In brackets the 2.5 and 97.5 %% points of 1,000 bootstrap resamples of both sets, drawn with a fixed seed."
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
      names = "--ood",
      paramLabel = "NAME|PATH",
      description =
          "Other data that the model should find odd: a data set, of which the test rows are taken, or all rows of a file as --data names it.")
  private @Nullable String ood;

  @Option(
      names = "--drop-nonfinite",
      description = "Leave out a file's rows with missing values, NaN or infinity.")
  private boolean dropNonFinite;

  @Option(names = "--log-z", paramLabel = "METHOD", description = "exact.")
  private String logZ = "exact";

  @Option(
      names = "--json",
      description =
          "One JSON object on stdout: nll, bpd, nll_se, log_z, n, split, impossible, nll_gaussian, nll_margins, nll_copula; with --ood also ood.")
  private boolean json;

  @Mixin private ColumnOptions columns = new ColumnOptions();
  @Mixin private CsvOptions csv = new CsvOptions();
  @Mixin private DataOptions dataOptions = new DataOptions();
  @Mixin private ScoringOptions scoring = new ScoringOptions();

  /** Of the run, once they were read. */
  private @Nullable Splits ownSplits;

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
    requireFileToChooseFrom();
    TrainedFlow model = scoring.model(run);
    Rows rows = rows(model);
    model.requireRows(rows.dataset());
    Dataset others = ood == null ? null : others(model, ood);
    Dataset train = ood == null ? null : own().train();
    ConditionNumbers.of(model.flow(), scoring.compute.blas()).warnIfNearSingular();
    try (Scorer scorer = scoring.scorer(model)) {
      BaselineReport report =
          BaselineReport.of(
              scorer, run, rows.dataset(), scoring.compute.blas(), scoring.compute.threads());
      OodReport oodReport =
          others == null || train == null
              ? null
              : OodReport.of(scorer, train, rows.dataset(), others);
      print(rows, report, oodReport);
    }
    return 0;
  }

  /** Columns and rows are chosen of files, not of the run's own data. */
  private void requireFileToChooseFrom() {
    if ((columns.given() || dropNonFinite) && !isFile(ood) && !(isFile(data) && split == null)) {
      throw usage(
          data != null && isFile(data)
              ? "--split reads the run's own data as the run did, expected no other choice"
              : "--columns, --drop and --drop-nonfinite choose from a file, expected one as --data or --ood");
    }
  }

  private boolean isFile(@Nullable String name) {
    return name != null && !dataOptions.sources("").has(name);
  }

  private void print(Rows rows, BaselineReport report, @Nullable OodReport oodReport) {
    PrintWriter out = spec.commandLine().getOut();
    if (json) {
      out.println(
          EvaluationReport.json(report.model(), report.baselines(), rows.split(), oodReport));
    } else {
      out.println(EvaluationReport.text(report.model(), rows.split()));
      report.text().ifPresent(out::println);
      if (oodReport != null) {
        oodReport.print(out, rows.split());
      }
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
    if (data != null && isFile(data) && split == null) {
      return new Rows(file(model, data), "all");
    }
    Splits splits =
        data == null || isFile(data)
            ? own()
            : dataOptions.sources(Recipe.ofRun(run).dataFolder()).load(data, seed());
    String name = split == null ? "test" : split;
    return new Rows(
        switch (name) {
          case "train" -> splits.train();
          case "val" -> splits.validation();
          default -> splits.test();
        },
        name);
  }

  /** The data of the run, where --split says that --data names them, from there. */
  private Splits own() {
    if (ownSplits == null) {
      Recipe recipe = Recipe.ofRun(run);
      boolean moved = data != null && isFile(data) && split != null;
      if (moved || (data == null && !isFile(ood))) { // else these options are of other files
        recipe = recipe.with(csv.recipe());
      }
      if (moved) {
        recipe = dataOptions.moved(recipe, Objects.requireNonNull(data));
      }
      ownSplits = recipe.load(dataOptions.sources(recipe.dataFolder()));
      new RunFolder(run).requireDataOfRun(ownSplits);
    }
    return ownSplits;
  }

  /** The test rows of a data set known by name, or all of a file. */
  private Dataset others(TrainedFlow model, String name) {
    Dataset others =
        isFile(name)
            ? file(model, name)
            : dataOptions.sources(Recipe.ofRun(run).dataFolder()).load(name, seed()).test();
    model.requireRows(others);
    return others;
  }

  private long seed() {
    return Recipe.ofRun(run).seed();
  }

  private Dataset file(TrainedFlow model, String file) {
    dataOptions.requireThere(file);
    TableOptions options =
        columns
            .of(csv.table())
            .withDropNonFinite(dropNonFinite)
            .withPictures(
                DataOptions.arePictures(file)
                    ? PictureOptions.like(model.data().imageShape())
                    : PictureOptions.DEFAULT)
            .forModel(model.columns());
    return DataSources.read(Path.of(file), options);
  }

  private ParameterException usage(String message) {
    return new ParameterException(spec.commandLine(), message);
  }
}
