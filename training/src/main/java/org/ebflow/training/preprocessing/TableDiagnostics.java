package org.ebflow.training.preprocessing;

import java.nio.DoubleBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.ebflow.linalg.Blas;
import org.ebflow.linalg.Matrix;
import org.ebflow.linalg.Precision;
import org.ebflow.training.data.Dataset;
import org.ebflow.training.data.TableSummary;
import org.ebflow.training.data.TableSummary.Column;

/**
 * What a table's user should know before a density of it is trained, in one line each: fewer rows
 * than columns, constant columns, whole numbers, columns of few values, values far out, columns
 * that are linear combinations of others, repeated rows. Each line says what is done about it.
 *
 * <p>Ranges, constant columns and whole numbers are those of all rows, everything else is found in
 * the sample of the {@link TableSummary}.
 */
public final class TableDiagnostics {
  /** With fewer rows, columns agree by chance. */
  private static final int LEAST_ROWS = 20;

  /** Most values of a column of few values, and most of them for each row. */
  private static final int FEW_VALUES = 50;

  private static final double FEW_VALUES_PER_ROW = 0.1;

  /** Share of the rows on each side that may lie anywhere, one row at least. */
  private static final double OUTERMOST = 0.01;

  /** Far out is beyond so many times the distance of all other rows from the median. */
  private static final double FAR = 50;

  /** Share of a column's variance that others must leave over. */
  private static final double INDEPENDENT = 1e-8;

  /** Least coefficient, of columns scaled to deviation 1, that counts. */
  private static final double LEAST_COEFFICIENT = 1e-3;

  private static final int MOST_COLUMNS_COMPARED = 1000;
  private static final int MOST_NAMED = 5;
  private static final double REPEATED_ROWS = 0.01;

  private final TableSummary table;
  private final Dataset sample;
  private final Treatment treatment;
  private final Blas blas;
  private final double[][] columns;
  private final List<String> lines = new ArrayList<>();

  /**
   * How a table is prepared, which decides what comes of odd columns.
   *
   * @param dequantizes whether columns of whole numbers are spread over [n, n+1)
   * @param margins whether each column is made normal by its own distribution
   * @param whitening whether correlations are taken out, shrunk as far as validation rows ask
   * @param noise whether noise is added to prepared training rows
   */
  public record Treatment(boolean dequantizes, boolean margins, boolean whitening, boolean noise) {
    /** That of the default for a user's own table. */
    public static final Treatment DEFAULT = new Treatment(true, true, true, true);
  }

  private TableDiagnostics(TableSummary table, Dataset sample, Treatment treatment, Blas blas) {
    this.table = table;
    this.sample = sample;
    this.treatment = treatment;
    this.blas = blas;
    columns = new double[sample.dimension()][sample.size()];
    for (int r = 0; r < sample.size(); r++) {
      double[] row = sample.row(r);
      for (int c = 0; c < row.length; c++) {
        columns[c][r] = row[c];
      }
    }
  }

  /** The lines for a table of real numbers; none for images or a table without a good row. */
  public static List<String> lines(TableSummary table, Treatment treatment, Blas blas) {
    if (table.sample() == null) {
      return List.of();
    }
    TableDiagnostics diagnostics = new TableDiagnostics(table, table.sample(), treatment, blas);
    diagnostics.find();
    return diagnostics.lines;
  }

  private void find() {
    if (table.goodRows() < sample.dimension()) {
      lines.add(
          String.format(
              Locale.ROOT,
              "%,d rows are fewer than the %,d columns: %s",
              table.goodRows(),
              sample.dimension(),
              treatment.whitening
                  ? "correlations are shrunk towards 0 as far as the validation rows ask"
                  : "expect overfitting (the default model shrinks correlations)"));
    }
    int[] constant = ints(table.constant());
    if (constant.length > 0) {
      lines.add(
          String.format(
              Locale.ROOT,
              "%s: an error in training; leave out by --columns or --drop-constant",
              of(constant, "are constant")));
    }
    Set<Integer> spread = treatment.dequantizes ? Set.copyOf(table.whole()) : Set.of();
    if (!spread.isEmpty()) {
      lines.add(
          String.format(
              Locale.ROOT,
              "%d of %d columns hold whole numbers: spread over [n, n+1)",
              spread.size(),
              sample.dimension()));
    }
    if (sample.size() < LEAST_ROWS) {
      return;
    }
    List<Integer> varying =
        IntStream.range(0, sample.dimension())
            .filter(c -> !table.constant().contains(c))
            .boxed()
            .toList();
    List<ColumnValues> values = varying.parallelStream().map(this::values).toList();
    fewValues(values.stream().filter(column -> !spread.contains(column.index)).toList());
    farOut(values);
    if (sample.dimension() <= MOST_COLUMNS_COMPARED) {
      combinations(values, spread);
    }
    repeatedRows();
  }

  private static int[] ints(List<Integer> list) {
    return list.stream().mapToInt(Integer::intValue).toArray();
  }

  /** "2 of 5 columns WHAT ('a', 'b')". */
  private String of(int[] listed, String what) {
    return String.format(
        Locale.ROOT,
        "%d of %d columns %s (%s)",
        listed.length,
        sample.dimension(),
        what,
        sample.columnNames(listed));
  }

  /** What keeps a density finite where the rows leave it no width. */
  private String bound() {
    return treatment.noise
        ? "only data.noise keeps finite"
        : "nothing keeps finite (--set data.noise=0.05 would)";
  }

  /**
   * The values of a column.
   *
   * @param distinct number of different values
   * @param mostTied number of rows with the commonest value
   * @param least below it a value is far out
   * @param most above it a value is far out
   */
  private record ColumnValues(int index, int distinct, int mostTied, double least, double most) {}

  private ColumnValues values(int column) {
    double[] sorted = columns[column].clone();
    Arrays.sort(sorted);
    int n = sorted.length;
    int distinct = 0;
    int mostTied = 0;
    for (int from = 0, to; from < n; from = to) {
      for (to = from; to < n && sorted[to] == sorted[from]; to++) {}
      distinct++;
      mostTied = Math.max(mostTied, to - from);
    }
    int aside = Math.max(1, (int) (OUTERMOST * n));
    double median = sorted[n / 2];
    double below = median - sorted[aside];
    double above = sorted[n - 1 - aside] - median;
    return new ColumnValues(
        column,
        distinct,
        mostTied,
        below > 0 ? median - FAR * below : Double.NEGATIVE_INFINITY,
        above > 0 ? median + FAR * above : Double.POSITIVE_INFINITY);
  }

  private void fewValues(List<ColumnValues> values) {
    int n = sample.size();
    int[] tied =
        values.stream()
            .filter(column -> column.mostTied > n / 2)
            .mapToInt(ColumnValues::index)
            .toArray();
    if (tied.length > 0) {
      lines.add(
          String.format(
              Locale.ROOT,
              "%s: the density has a peak there, which %s",
              of(tied, "have one value in more than half of the rows"),
              bound()));
    }
    int[] few =
        values.stream()
            .filter(column -> column.mostTied <= n / 2)
            .filter(
                column -> column.distinct <= Math.min(FEW_VALUES, (int) (FEW_VALUES_PER_ROW * n)))
            .mapToInt(ColumnValues::index)
            .toArray();
    if (few.length > 0) {
      lines.add(
          String.format(
              Locale.ROOT,
              "%s: the density has peaks there, which %s",
              of(few, "have at most " + FEW_VALUES + " different values"),
              bound()));
    }
  }

  private void farOut(List<ColumnValues> values) {
    int[] far =
        values.stream()
            .filter(
                column -> {
                  Column range = table.columns().get(column.index);
                  return range.min() < column.least || range.max() > column.most;
                })
            .mapToInt(ColumnValues::index)
            .toArray();
    if (far.length > 0) {
      lines.add(
          String.format(
              Locale.ROOT,
              "%s: %s",
              of(far, "have values far out"),
              treatment.margins
                  ? "they get little density and change no other row's"
                  : "they set the column's scale, in which all others are close together"
                      + " (the default model's margins bear them)"));
    }
  }

  /** Columns that are an affine function of columns before them. */
  private void combinations(List<ColumnValues> values, Set<Integer> spread) {
    int[] rows =
        IntStream.range(0, sample.size())
            .filter(
                r ->
                    values.stream()
                        .allMatch(
                            column -> {
                              double x = columns[column.index][r];
                              return x >= column.least && x <= column.most;
                            }))
            .toArray();
    List<Integer> compared = new ArrayList<>();
    List<double[]> scaled = new ArrayList<>();
    for (ColumnValues column : values) {
      double[] unit = unit(columns[column.index], rows);
      if (unit.length > 0) {
        compared.add(column.index);
        scaled.add(unit);
      }
    }
    if (rows.length < LEAST_ROWS || compared.size() < 2) {
      return;
    }
    Matrix all = Matrix.ofRows(Precision.FLOAT64, scaled.toArray(double[][]::new));
    Matrix correlations = Matrix.allocate(Precision.FLOAT64, all.rows(), all.rows());
    blas.multiply(false, all, true, all, 1, 0, correlations);
    List<Dependence> found =
        dependences(correlations, rows.length > compared.size()).stream()
            .map(each -> each.of(compared))
            .toList();
    for (boolean pairs : new boolean[] {true, false}) {
      for (boolean whole : new boolean[] {false, true}) {
        sayDependent(
            found.stream()
                .filter(each -> each.on.length == 1 == pairs && each.touches(spread) == whole)
                .toList(),
            pairs ? "repeat others up to scale and shift" : "are linear combinations of others",
            whole
                ? "spread as whole numbers, they keep a finite density"
                : "log p is high without meaning, and "
                    + (treatment.noise ? "only data.noise" : "nothing")
                    + " keeps it finite");
      }
    }
  }

  private void sayDependent(List<Dependence> dependent, String what, String consequence) {
    if (!dependent.isEmpty()) {
      int more = dependent.size() - MOST_NAMED;
      lines.add(
          String.format(
              Locale.ROOT,
              "%d of %d columns %s (%s%s): %s; leave them out by --columns",
              dependent.size(),
              sample.dimension(),
              what,
              dependent.stream()
                  .limit(MOST_NAMED)
                  .map(
                      each -> sample.columnName(each.column) + " of " + sample.columnNames(each.on))
                  .collect(Collectors.joining("; ")),
              more > 0 ? " and " + more + " more" : "",
              consequence));
    }
  }

  /** Those rows of a column with mean 0 and length 1; empty if that can't be computed. */
  private static double[] unit(double[] column, int[] rows) {
    double[] x = IntStream.of(rows).mapToDouble(r -> column[r]).toArray();
    double size = Arrays.stream(x).map(Math::abs).max().orElse(0);
    double mean = Arrays.stream(x).map(value -> value / size).average().orElse(0);
    double sum = 0;
    for (int i = 0; i < x.length; i++) {
      x[i] = x[i] / size - mean;
      sum += x[i] * x[i];
    }
    double length = Math.sqrt(sum);
    if (!(length > 1e-12 * Math.sqrt(x.length))) { // the rest is rounding
      return new double[0];
    }
    for (int i = 0; i < x.length; i++) {
      x[i] /= length;
    }
    return x;
  }

  /** A column and those before it that determine it. */
  private record Dependence(int column, int[] on) {
    /** The same of the columns with these numbers. */
    Dependence of(List<Integer> numbers) {
      return new Dependence(numbers.get(column), IntStream.of(on).map(numbers::get).toArray());
    }

    boolean touches(Set<Integer> columns) {
      return columns.contains(column) || IntStream.of(on).anyMatch(columns::contains);
    }
  }

  /**
   * By a Cholesky factorisation that leaves out each column of which those before leave nothing.
   *
   * @param full whether there are rows enough for more than pairs of columns
   */
  private static List<Dependence> dependences(Matrix correlations, boolean full) {
    List<Dependence> found = new ArrayList<>();
    List<Integer> kept = new ArrayList<>();
    List<double[]> factor = new ArrayList<>();
    for (int column = 0; column < correlations.rows(); column++) {
      int pair = column;
      for (int before : kept) {
        double r = correlations.get(column, before);
        if (1 - r * r < INDEPENDENT) {
          pair = before;
          break;
        }
      }
      if (pair < column) {
        found.add(new Dependence(column, new int[] {pair}));
        continue;
      }
      if (full) {
        double[] row = new double[kept.size() + 1];
        double left = correlations.get(column, column);
        for (int k = 0; k < kept.size(); k++) {
          double[] before = factor.get(k);
          double sum = correlations.get(column, kept.get(k));
          for (int i = 0; i < k; i++) {
            sum -= row[i] * before[i];
          }
          row[k] = sum / before[k];
          left -= row[k] * row[k];
        }
        if (left < INDEPENDENT) {
          found.add(new Dependence(column, determining(row, factor, kept)));
          continue;
        }
        row[kept.size()] = Math.sqrt(left);
        factor.add(row);
      }
      kept.add(column);
    }
    return found;
  }

  /** Columns with a coefficient, by back substitution Lᵀc = row. */
  private static int[] determining(double[] row, List<double[]> factor, List<Integer> kept) {
    double[] c = Arrays.copyOf(row, kept.size());
    for (int k = c.length - 1; k >= 0; k--) {
      double[] before = factor.get(k);
      c[k] /= before[k];
      for (int i = 0; i < k; i++) {
        c[i] -= before[i] * c[k];
      }
    }
    return IntStream.range(0, c.length)
        .filter(k -> Math.abs(c[k]) > LEAST_COEFFICIENT)
        .map(kept::get)
        .toArray();
  }

  private void repeatedRows() {
    if (table.whole().size() == sample.dimension()) {
      return; // rows of whole numbers are equal by chance
    }
    Set<DoubleBuffer> seen = new HashSet<>();
    for (int r = 0; r < sample.size(); r++) {
      seen.add(DoubleBuffer.wrap(sample.row(r)));
    }
    int repeated = sample.size() - seen.size();
    if (repeated > REPEATED_ROWS * sample.size()) {
      lines.add(
          String.format(
              Locale.ROOT,
              "%,d of %,d rows repeat others: parts that share rows make validation and test look better than new rows will",
              repeated,
              sample.size()));
    }
  }
}
