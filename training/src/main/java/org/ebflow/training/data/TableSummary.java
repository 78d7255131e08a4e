package org.ebflow.training.data;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.ebflow.flow.InvalidInputException;
import org.ebflow.flow.layer.Shape;
import org.jspecify.annotations.Nullable;

/**
 * What is in a file.
 *
 * @param rows rows in all
 * @param badRows rows that cannot be used
 * @param firstBad where and why the first of them is bad, or null
 * @param header whether the first line was taken for names; null where there are no lines
 * @param note what else the reader decided, or null
 * @param imageShape how a row is a picture, or null
 * @param columns in their order, over the good rows
 */
public record TableSummary(
    long rows,
    long badRows,
    @Nullable String firstBad,
    @Nullable Boolean header,
    @Nullable String note,
    @Nullable Shape imageShape,
    List<Column> columns) {
  /**
   * One column.
   *
   * @param name its name, or its number from 1 where the file has no names
   * @param deviation standard deviation, divided by the number of rows
   */
  public record Column(String name, double min, double max, double mean, double deviation) {}

  /** Reads the file once: tables in constant memory, idx images in their own size. */
  public static TableSummary of(Path file, TableOptions options) {
    if (FileFormat.ofInput(file) == FileFormat.IDX) {
      Dataset images = IdxFile.read(file);
      Moments moments = new Moments(images.dimension());
      for (int r = 0; r < images.size(); r++) {
        moments.add(images.row(r));
      }
      return new TableSummary(
          images.size(), 0, null, null, null, images.imageShape(), moments.columns(List.of()));
    }
    try (TableReader table = TableReader.open(file, options)) {
      Moments moments = new Moments(table.dimension());
      long bad = 0;
      String firstBad = null;
      while (table.next()) {
        String problem = table.problem();
        if (problem == null) {
          moments.add(table.values());
        } else {
          bad++;
          firstBad = firstBad == null ? table.place() + ": " + problem : firstBad;
        }
      }
      return new TableSummary(
          moments.rows + bad,
          bad,
          firstBad,
          FileFormat.ofInput(file) == FileFormat.CSV ? table.header() : null,
          table.note(),
          null,
          moments.columns(table.columns()));
    } catch (IOException e) {
      throw new InvalidInputException(file + ": cannot be read: " + e.getMessage(), e);
    }
  }

  /** Mean and variance as rows arrive (Welford 1962). */
  private static final class Moments {
    private final double[] min;
    private final double[] max;
    private final double[] mean;
    private final double[] squares;
    private long rows;

    Moments(int dimension) {
      min = new double[dimension];
      max = new double[dimension];
      mean = new double[dimension];
      squares = new double[dimension];
      Arrays.fill(min, Double.NaN);
      Arrays.fill(max, Double.NaN);
    }

    void add(double[] row) {
      rows++;
      for (int i = 0; i < mean.length; i++) {
        min[i] = row[i] >= min[i] ? min[i] : row[i];
        max[i] = row[i] <= max[i] ? max[i] : row[i];
        double off = row[i] - mean[i];
        mean[i] += off / rows;
        squares[i] += off * (row[i] - mean[i]);
      }
    }

    List<Column> columns(List<String> names) {
      List<Column> columns = new ArrayList<>(mean.length);
      for (int i = 0; i < mean.length; i++) {
        String name = names.isEmpty() ? Integer.toString(i + 1) : names.get(i);
        columns.add(
            rows == 0
                ? new Column(name, Double.NaN, Double.NaN, Double.NaN, Double.NaN)
                : new Column(name, min[i], max[i], mean[i], Math.sqrt(squares[i] / rows)));
      }
      return columns;
    }
  }
}
