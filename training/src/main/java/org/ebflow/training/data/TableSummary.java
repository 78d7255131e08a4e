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
      ColumnSummaries summaries = new ColumnSummaries(images.dimension());
      for (int r = 0; r < images.size(); r++) {
        summaries.add(images.row(r));
      }
      return new TableSummary(
          images.size(), 0, null, null, null, images.imageShape(), summaries.columns(List.of()));
    }
    try (TableReader table = TableReader.open(file, options)) {
      ColumnSummaries summaries = new ColumnSummaries(table.dimension());
      long bad = 0;
      String firstBad = null;
      while (table.next()) {
        String problem = table.problem();
        if (problem == null) {
          summaries.add(table.values());
        } else {
          bad++;
          firstBad = firstBad == null ? table.place() + ": " + problem : firstBad;
        }
      }
      return new TableSummary(
          summaries.moments.rows() + bad,
          bad,
          firstBad,
          FileFormat.ofInput(file) == FileFormat.CSV ? table.header() : null,
          table.note(),
          null,
          summaries.columns(table.columns()));
    } catch (IOException e) {
      throw new InvalidInputException(file + ": cannot be read: " + e.getMessage(), e);
    }
  }

  /** Range, mean and deviation of every column as rows arrive. */
  private static final class ColumnSummaries {
    private final RunningMoments moments;
    private final double[] min;
    private final double[] max;

    ColumnSummaries(int dimension) {
      moments = new RunningMoments(dimension);
      min = new double[dimension];
      max = new double[dimension];
      Arrays.fill(min, Double.NaN);
      Arrays.fill(max, Double.NaN);
    }

    void add(double[] row) {
      moments.add(row);
      for (int i = 0; i < min.length; i++) {
        min[i] = row[i] >= min[i] ? min[i] : row[i];
        max[i] = row[i] <= max[i] ? max[i] : row[i];
      }
    }

    List<Column> columns(List<String> names) {
      double[] means = moments.means();
      double[] deviations = moments.populationDeviations();
      List<Column> columns = new ArrayList<>(min.length);
      for (int i = 0; i < min.length; i++) {
        String name = names.isEmpty() ? Integer.toString(i + 1) : names.get(i);
        columns.add(
            moments.rows() == 0
                ? new Column(name, Double.NaN, Double.NaN, Double.NaN, Double.NaN)
                : new Column(name, min[i], max[i], means[i], deviations[i]));
      }
      return columns;
    }
  }
}
