package org.ebflow.cli;

import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import org.ebflow.flow.io.OneLine;
import org.ebflow.flow.layer.Shape;
import org.ebflow.linalg.Blas;
import org.ebflow.training.data.DataSetInfo;
import org.ebflow.training.data.DataSources;
import org.ebflow.training.data.Splits;
import org.ebflow.training.data.TableOptions;
import org.ebflow.training.data.TableSummary;
import org.ebflow.training.preprocessing.TableDiagnostics;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code ebflow data}: the data sets known by name, and what is in a file. */
@Command(name = "data", description = "Data sets: list them, fetch one, look into a file.")
public final class DataCommand implements Runnable {
  @Spec private CommandSpec spec;

  @Mixin private DataOptions options = new DataOptions();

  @Override
  public void run() {
    list();
  }

  @Command(name = "list", description = "All data sets known by name.")
  int list() {
    PrintWriter out = spec.commandLine().getOut();
    out.printf(
        Locale.ROOT,
        "%-14s %6s %8s %8s %8s  %-9s %s%n",
        "name",
        "values",
        "train",
        "val",
        "test",
        "here",
        "licence");
    DataSources sources = options.sources("");
    for (DataSetInfo set : sources.list()) {
      out.printf(
          Locale.ROOT,
          "%-14s %6d %8d %8d %8d  %-9s %s%n",
          set.name(),
          set.dimension(),
          set.train(),
          set.validation(),
          set.test(),
          set.present() ? "yes" : "no",
          set.licence());
    }
    spec.commandLine().getErr().println("in " + OneLine.name(sources.folder().toString()));
    return 0;
  }

  @Command(
      name = "fetch",
      description = "Downloads a data set unless it is there, and names its files.")
  int fetch(@Parameters(paramLabel = "NAME", description = "Name of a data set.") String name) {
    List<Path> files = options.sources("").fetch(name);
    files.forEach(file -> spec.commandLine().getOut().println(OneLine.name(file.toString())));
    if (files.isEmpty()) {
      spec.commandLine().getErr().println(name + " is generated, nothing to fetch");
    }
    return 0;
  }

  @Command(
      name = "info",
      description =
          "What is in a data set, or in the columns of a file, and what training would say of them.")
  int info(
      @Parameters(
              paramLabel = "NAME|PATH",
              description =
                  "Name of a data set, tables (.csv, .npy, .parquet; a folder of them, or a pattern), images in an array (.npy) or idx file, or pictures.")
          String nameOrPath,
      @Mixin ColumnOptions columns,
      @Mixin CsvOptions csv) {
    DataSources sources = options.sources("");
    if (sources.has(nameOrPath)) {
      describe(sources, nameOrPath, columns.of(csv.table()));
    } else {
      describe(TableSummary.of(Path.of(nameOrPath), columns.of(csv.table())));
    }
    return 0;
  }

  /** Describes a named set by its rows, or where they are missing by those that were published. */
  private void describe(DataSources sources, String name, TableOptions csv) {
    PrintWriter out = spec.commandLine().getOut();
    DataSetInfo set = sources.info(name);
    if (set.present()) {
      Splits rows = sources.load(name, csv, 0);
      describe(set, rows.train().size(), rows.validation().size(), rows.test().size());
    } else {
      describe(set, set.train(), set.validation(), set.test());
      out.println("not here: ebflow data fetch " + name + " gets it");
    }
  }

  private void describe(DataSetInfo set, int train, int validation, int test) {
    PrintWriter out = spec.commandLine().getOut();
    out.printf(
        Locale.ROOT,
        "%d training, %d validation, %d test rows, %d columns%n",
        train,
        validation,
        test,
        set.dimension());
    if (set.imageShape() != null) {
      describe(set.imageShape());
    }
    out.println(set.licence());
  }

  private void describe(Shape shape) {
    spec.commandLine()
        .getOut()
        .printf(
            Locale.ROOT,
            "images of %d channel%s, height %d, width %d%n",
            shape.channels(),
            shape.channels() == 1 ? "" : "s",
            shape.height(),
            shape.width());
  }

  private void describe(TableSummary summary) {
    PrintWriter out = spec.commandLine().getOut();
    out.printf(Locale.ROOT, "%d rows, %d columns%n", summary.rows(), summary.columns().size());
    if (summary.header() != null) {
      out.println(
          summary.header()
              ? "header: the first line, with the names below"
              : "header: none, the first line is a row");
    }
    if (summary.note() != null) {
      out.println(OneLine.name(summary.note()));
    }
    Shape shape = summary.imageShape();
    if (shape != null) {
      describe(shape);
    } else {
      out.printf(
          Locale.ROOT, "%-24s %13s %13s %13s %13s%n", "column", "min", "max", "mean", "deviation");
      for (TableSummary.Column column : summary.columns()) {
        out.printf(
            Locale.ROOT,
            "%-24s %13.6g %13.6g %13.6g %13.6g%n",
            OneLine.name(column.name()),
            column.min(),
            column.max(),
            column.mean(),
            column.deviation());
      }
    }
    if (summary.badRows() > 0) {
      out.printf(
          Locale.ROOT,
          "%d bad rows, the first is %s%n",
          summary.badRows(),
          OneLine.name(String.valueOf(summary.firstBad())));
    }
    TableDiagnostics.lines(summary, TableDiagnostics.Treatment.DEFAULT, Blas.named("java"))
        .forEach(line -> out.println(OneLine.name(line)));
  }
}
