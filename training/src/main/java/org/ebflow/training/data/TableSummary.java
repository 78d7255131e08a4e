package org.ebflow.training.data;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.ebflow.flow.InvalidInputException;
import org.ebflow.flow.layer.Shape;
import org.jspecify.annotations.Nullable;

/**
 * What is in a table.
 *
 * @param rows rows in all
 * @param badRows rows that cannot be used
 * @param firstBad where and why the first of them is bad, or null
 * @param header whether the first line was taken for names; null where there are no lines
 * @param note what else the reader decided, or null
 * @param imageShape how a row is a picture, or null
 * @param columns in their order, over the good rows
 * @param constant columns, from 0, with one value in all good rows, {@link Dataset#constantColumns}
 * @param whole columns, from 0, that vary and have whole numbers in all good rows
 * @param sample at most 20,000 of the good rows, evenly spaced; null where there are none, or
 *     images
 */
public record TableSummary(
    long rows,
    long badRows,
    @Nullable String firstBad,
    @Nullable Boolean header,
    @Nullable String note,
    @Nullable Shape imageShape,
    List<Column> columns,
    List<Integer> constant,
    List<Integer> whole,
    @Nullable Dataset sample) {
  /**
   * One column.
   *
   * @param name its name, or its number from 1 where the file has no names
   * @param deviation standard deviation, divided by the number of rows
   */
  public record Column(String name, double min, double max, double mean, double deviation) {}

  /** Number of rows that can be used. */
  public long goodRows() {
    return rows - badRows;
  }

  /** Of rows of real numbers. */
  public static TableSummary of(Dataset table) {
    ColumnSummaries summaries = ColumnSummaries.of(table);
    return new TableSummary(
        table.size(),
        0,
        null,
        null,
        null,
        null,
        summaries.columns(table.columns()),
        IntStream.of(table.constantColumns()).boxed().toList(),
        summaries.wholeColumns(),
        table.evenlySpaced(RowSample.most(table.dimension())));
  }

  /**
   * Reads what has this name once, tables in constant memory; or pictures, which must be of one
   * size.
   */
  public static TableSummary of(Path file, TableOptions options) {
    InputFiles files = InputFiles.of(file);
    FileFormat format = FileFormat.ofInput(files.files().getFirst());
    if (files.areImages()) {
      Dataset images = DataSources.read(files, options);
      ColumnSummaries summaries = ColumnSummaries.of(images);
      return new TableSummary(
          images.size(),
          0,
          null,
          null,
          null,
          images.imageShape(),
          summaries.columns(List.of()),
          List.of(),
          List.of(),
          null);
    }
    try (TableReader table = TableReader.open(files, options)) {
      ColumnSummaries summaries = new ColumnSummaries(table.dimension());
      RowSample sample = new RowSample(table.dimension());
      long bad = 0;
      String firstBad = null;
      while (table.next()) {
        String problem = table.problem();
        if (problem == null) {
          summaries.add(table.values());
          sample.add(table.values());
        } else {
          bad++;
          firstBad = firstBad == null ? table.place() + ": " + problem : firstBad;
        }
      }
      return new TableSummary(
          summaries.moments.rows() + bad,
          bad,
          firstBad,
          format == FileFormat.CSV ? table.header() : null,
          table.note(),
          null,
          summaries.columns(table.columns()),
          summaries.moments.rows() == 0 ? List.of() : constant(file, summaries, table),
          summaries.wholeColumns(),
          summaries.moments.rows() == 0 ? null : dataset(file, sample.rows(), table));
    } catch (IOException e) {
      throw new InvalidInputException(file + ": cannot be read: " + e.getMessage(), e);
    }
  }

  private static List<Integer> constant(Path file, ColumnSummaries summaries, TableReader table) {
    RealsBuilder ends = new RealsBuilder(table.dimension());
    ends.add(summaries.min);
    ends.add(summaries.max);
    return IntStream.of(dataset(file, ends, table).constantColumns()).boxed().toList();
  }

  private static Dataset dataset(Path file, RealsBuilder rows, TableReader table) {
    return Dataset.ofTable(InputFiles.title(file), rows, table, List.of());
  }

  /** Range, mean and deviation of every column as rows arrive. */
  private static final class ColumnSummaries {
    private final RunningMoments moments;
    private final double[] min;
    private final double[] max;
    private final boolean[] whole;

    ColumnSummaries(int dimension) {
      moments = new RunningMoments(dimension);
      min = new double[dimension];
      max = new double[dimension];
      whole = new boolean[dimension];
      Arrays.fill(whole, true);
      Arrays.fill(min, Double.NaN);
      Arrays.fill(max, Double.NaN);
    }

    static ColumnSummaries of(Dataset rows) {
      ColumnSummaries summaries = new ColumnSummaries(rows.dimension());
      for (int r = 0; r < rows.size(); r++) {
        summaries.add(rows.row(r));
      }
      return summaries;
    }

    void add(double[] row) {
      moments.add(row);
      for (int i = 0; i < min.length; i++) {
        min[i] = row[i] >= min[i] ? min[i] : row[i];
        max[i] = row[i] <= max[i] ? max[i] : row[i];
        whole[i] &= Dataset.isWhole(row[i]);
      }
    }

    List<Integer> wholeColumns() {
      return IntStream.range(0, min.length)
          .filter(i -> whole[i] && min[i] < max[i])
          .boxed()
          .toList();
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
