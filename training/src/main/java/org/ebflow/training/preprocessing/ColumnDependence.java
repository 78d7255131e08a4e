package org.ebflow.training.preprocessing;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.stream.IntStream;
import org.ebflow.linalg.Matrix;

/**
 * A column that is an affine function of columns before it.
 *
 * @param column number of the column
 * @param on numbers of the columns that determine it
 */
record ColumnDependence(int column, int[] on) {
  /** Share of a column's variance that others must leave over. */
  private static final double INDEPENDENT = 1e-8;

  /** Least coefficient, of columns scaled to deviation 1, that counts. */
  private static final double LEAST_COEFFICIENT = 1e-3;

  /**
   * All of them, by a Cholesky factorisation that leaves out each column of which those before
   * leave nothing.
   *
   * @param correlations [D,D] float64, read
   * @param full whether there are rows enough for more than pairs of columns
   */
  static List<ColumnDependence> all(Matrix correlations, boolean full) {
    List<ColumnDependence> found = new ArrayList<>();
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
        found.add(new ColumnDependence(column, new int[] {pair}));
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
          found.add(new ColumnDependence(column, determining(row, factor, kept)));
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

  /** The same among columns with these numbers. */
  ColumnDependence numbered(List<Integer> numbers) {
    return new ColumnDependence(numbers.get(column), IntStream.of(on).map(numbers::get).toArray());
  }

  /** Whether it is among those columns, or one that determines it is. */
  boolean touches(Set<Integer> columns) {
    return columns.contains(column) || IntStream.of(on).anyMatch(columns::contains);
  }
}
