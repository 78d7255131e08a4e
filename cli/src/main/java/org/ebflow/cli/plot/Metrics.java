package org.ebflow.cli.plot;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.ebflow.flow.InvalidInputException;

/** metrics.csv of a run, as curves over the steps. */
public final class Metrics {
  /** Values of one column and the steps where it has them. */
  public record Curve(double[] steps, double[] values) {
    /** Whether there is none. */
    public boolean isEmpty() {
      return steps.length == 0;
    }
  }

  private final Path file;
  private final List<String> names;
  private final List<String[]> rows = new ArrayList<>();

  private Metrics(Path file, List<String> lines) {
    this.file = file;
    names = lines.isEmpty() ? List.of() : Arrays.asList(lines.getFirst().split(","));
    for (String line : lines.subList(Math.min(1, lines.size()), lines.size())) {
      String[] cells = line.split(",", -1);
      if (cells.length == names.size()) { // a row that a crash cut short is no row
        rows.add(cells);
      }
    }
  }

  /** Reads the file. */
  public static Metrics read(Path file) {
    try {
      return new Metrics(file, Files.readAllLines(file));
    } catch (IOException e) {
      throw new UncheckedIOException(file + ": cannot be read: " + e.getMessage(), e);
    }
  }

  /** The finite values of a column. */
  public Curve curve(String name) {
    int step = column("step");
    int column = column(name);
    List<double[]> points = new ArrayList<>();
    for (String[] cells : rows) {
      if (!cells[column].isEmpty()) {
        points.add(new double[] {number(cells[step]), number(cells[column])});
      }
    }
    points.removeIf(point -> !Double.isFinite(point[1]));
    return new Curve(
        points.stream().mapToDouble(point -> point[0]).toArray(),
        points.stream().mapToDouble(point -> point[1]).toArray());
  }

  private int column(String name) {
    int column = names.indexOf(name);
    if (column < 0) {
      throw new InvalidInputException(
          file + ": expected a column " + name + ", found " + String.join(",", names));
    }
    return column;
  }

  private double number(String cell) {
    try {
      return Double.parseDouble(cell);
    } catch (NumberFormatException e) {
      throw new InvalidInputException(file + ": expected a number, found '" + cell + "'", e);
    }
  }
}
