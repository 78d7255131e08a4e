package org.ebflow.cli;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import org.ebflow.cli.table.ScoringInput;
import org.ebflow.cli.table.TableScoring;
import org.ebflow.flow.layer.Shape;
import org.ebflow.training.ExitCode;
import org.ebflow.training.data.FileFormat;
import org.ebflow.training.data.InputFiles;
import org.ebflow.training.data.PictureOptions;
import org.ebflow.training.data.Sha256;
import org.ebflow.training.data.TableOptions;
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

/** {@code ebflow score}: log-densities of the rows of tables, in constant memory. */
@Command(
    name = "score",
    description = {
      "Scores the rows of tables by the model of a run, in constant memory and over all cores.",
      "CSV output has one line per row that could be scored: id, log_prob (nats, in the rows' own units), bits_per_dim, energy (nats), "
          + "latent_norm, percentile (among the training rows). NPY output is float64 [rows,5], the same without id, one row per input row, "
          + "NaN where it was rejected. Parquet output has the columns of CSV, id as a whole number unless --id names a column.",
      "To find odd rows, look for a low log_prob, or its percentile; --top K writes the lowest. Where many values of a table are the same, as in a table of counts that are mostly zero, "
          + "log_prob tells above all how many of them a row has: there a high latent_norm may be the better sign, or the worse, and neither may be good. Images that are simpler than those of the "
          + "training have a higher log_prob than these: look there for a log_prob far from the usual on either side. eval --ood measures each score on rows that are known to be odd.",
      "A row so far out that its density is zero in floating point has log_prob -Infinity and percentile 0, and is counted.",
      "Rows with NaN, infinity, a missing value (an empty cell, NA, N/A, null, None, ?), text or a wrong number of cells go to FILE.rejected.csv with their line and the reason; "
          + "for a model of images also rows with values that are no whole numbers from 0 to 255, or to what its pixels have.",
      "Stopped or killed, the same call goes on from its last checkpoint, and the files have the same bytes as in one go.",
      "Rows are numbered from 1 over all inputs; a blank line is a row only where a table has one column."
    })
public final class ScoreCommand implements Callable<Integer> {
  private static final int MOST_BLOCK_VALUES = 1 << 26;

  /** They are held in memory. */
  private static final int MOST_TOP = 1_000_000;

  @Spec private CommandSpec spec;

  @Parameters(index = "0", paramLabel = "RUN", description = "Run folder or model file.")
  private Path run;

  @Parameters(
      index = "1..*",
      arity = "1..*",
      paramLabel = "INPUT",
      description =
          "Tables (.csv, .npy, either with .gz, .parquet), a folder of them, or a pattern, as 'parts/*.parquet'; for a model of images also arrays of images, idx files and pictures.")
  private List<Path> names;

  @Option(
      names = "--out",
      required = true,
      paramLabel = "FILE",
      description = "Scores: .csv, .npy or .parquet.")
  private Path out;

  @Option(
      names = "--id",
      paramLabel = "COLUMN",
      description =
          "Column copied as id, which may be one of the model's. Default: the row's number, for pictures their path.")
  private @Nullable String id;

  @Option(
      names = "--top",
      paramLabel = "K",
      description =
          "Write only the K most anomalous rows, those of lowest log_prob, the lowest first; of equal ones the earlier. NPY then has the row's number in front.")
  private int top;

  @Option(
      names = "--batch-size",
      paramLabel = "N",
      description =
          "Rows in a block, of which each thread has some; changes memory and speed, no bit of the scores.")
  private int batchSize;

  @Option(
      names = "--strict",
      description = "Stop at the first bad row, with exit code 2 and without output.")
  private boolean strict;

  @Mixin private ColumnOptions columns = new ColumnOptions();
  @Mixin private CsvOptions csv = new CsvOptions();
  @Mixin private ScoringOptions scoring = new ScoringOptions();

  @Override
  public Integer call() {
    requireOutputName();
    if (given("--top") && (top < 1 || top > MOST_TOP)) {
      throw usage("--top is " + top + ", expected 1 to " + MOST_TOP);
    }
    List<InputFiles> inputs =
        names.stream().flatMap(name -> InputFiles.of(name).each().stream()).toList();
    requireOtherThan(inputs);
    TrainedFlow model = scoring.model(run);
    Shape image = model.data().imageShape();
    TableOptions options =
        columns
            .of(csv.table())
            .withIdColumn(id)
            .withPictures(PictureOptions.like(image))
            .forModel(model.columns());
    List<ScoringInput> tables =
        inputs.stream().map(input -> ScoringInput.match(input, options, image)).toList();
    try (Scorer scorer = scoring.scorer(model);
        RowProgress progress =
            new RowProgress(spec.commandLine().getErr(), Terminal.ofStderr(), rows(tables))) {
      Path rejected = rejected();
      TableScoring table =
          new TableScoring(model, scorer, tables, blockRows(model.flow().dimension()), strict, top);
      StopSignals signals =
          new StopSignals("block", table::requestStop, spec.commandLine().getErr());
      TableScoring.Summary summary;
      try {
        summary = table.run(out, rejected, call(tables), progress);
      } finally {
        signals.restore();
      }
      if (!summary.complete()) {
        progress.finish(
            "stopped behind " + RowProgress.number(summary.scored()) + " scored rows",
            ": the same call goes on from there");
        return ExitCode.INTERRUPTED;
      }
      progress.finish(
          "scored "
              + RowProgress.number(summary.scored())
              + " rows"
              + written(summary)
              + " into "
              + out,
          withDensityZero(summary)
              + (summary.rejected() == 0
                  ? ""
                  : ", rejected " + RowProgress.number(summary.rejected()) + " into " + rejected));
    }
    return 0;
  }

  /** Number of rows of all inputs, or -1 where it is not known. */
  private static long rows(List<ScoringInput> tables) {
    return tables.stream().anyMatch(table -> table.rows() < 0)
        ? -1
        : tables.stream().mapToLong(ScoringInput::rows).sum();
  }

  private String call(List<ScoringInput> tables) {
    return call(Version.withCommit(), run, scoring.computation(), tables, strict, top);
  }

  /** What decides the bytes of the output, as a hash. */
  static String call(
      String version,
      Path run,
      String computation,
      List<ScoringInput> tables,
      boolean strict,
      int top) {
    List<String> lines = new ArrayList<>();
    lines.add(version);
    lines.add(ScoringInput.version(TrainedFlow.file(run)));
    lines.add(computation);
    for (ScoringInput table : tables) {
      lines.add(table.options().toString());
      table.versions().forEach(lines::add);
    }
    lines.add("strict " + strict);
    lines.add("top " + top);
    return Sha256.of(String.join("\n", lines));
  }

  private String written(TableScoring.Summary summary) {
    return top == 0
        ? ""
        : ", the " + RowProgress.number(Math.min(top, summary.scored())) + " of lowest log_prob";
  }

  private static String withDensityZero(TableScoring.Summary summary) {
    return summary.firstImpossible() == null
        ? ""
        : String.format(
            Locale.ROOT,
            ", %,d with density zero (%s%s)",
            summary.impossible(),
            summary.impossible() == 1 ? "" : "the first: ",
            summary.firstImpossible());
  }

  private void requireOutputName() {
    switch (FileFormat.ofOutput(out)) {
      case CSV, NPY, PARQUET -> {}
      default -> throw usage("--out " + out + ": expected a name ending in .csv, .npy or .parquet");
    }
  }

  private void requireOtherThan(List<InputFiles> inputs) {
    for (Path input : inputs.stream().flatMap(each -> each.files().stream()).toList()) {
      if (same(input, out)) {
        throw usage("--out " + out + " is one of the inputs, expected another name");
      }
      if (same(input, rejected())) {
        throw usage(
            "--out " + out + " would replace the input " + input + ", expected another name");
      }
    }
  }

  private Path rejected() {
    return out.resolveSibling(out.getFileName() + ".rejected.csv");
  }

  private static boolean same(Path one, Path other) {
    try {
      return (Files.exists(one) && Files.exists(other))
          ? Files.isSameFile(one, other)
          : one.toAbsolutePath().normalize().equals(other.toAbsolutePath().normalize());
    } catch (IOException e) {
      throw new UncheckedIOException(one + ": cannot be read: " + e.getMessage(), e);
    }
  }

  private boolean given(String option) {
    return spec.commandLine().getParseResult().hasMatchedOption(option);
  }

  private int blockRows(int dimension) {
    if (given("--batch-size")) {
      int most = MOST_BLOCK_VALUES / dimension;
      if (batchSize < 1 || batchSize > most) {
        throw usage(
            "--batch-size is "
                + batchSize
                + ", expected 1 to "
                + most
                + " for rows of "
                + dimension
                + " values");
      }
      return batchSize;
    }
    return TableScoring.blockRows(dimension);
  }

  private ParameterException usage(String message) {
    return new ParameterException(spec.commandLine(), message);
  }
}
