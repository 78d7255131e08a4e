package org.ebflow.training.data;

import org.ebflow.linalg.Matrix;
import org.ebflow.linalg.Precision;

/**
 * Mean and standard deviation of each column as rows arrive (Welford 1962), in constant memory.
 *
 * <p>Threading: not thread-safe.
 */
public final class RunningMoments {
  private final double[] mean;
  private final double[] squares;
  private long rows;

  /** Of no rows yet, with so many columns. */
  public RunningMoments(int dimension) {
    mean = new double[dimension];
    squares = new double[dimension];
  }

  /** Those of all rows of a data set. */
  public static RunningMoments of(Dataset data) {
    RunningMoments result = new RunningMoments(data.dimension());
    Matrix row = Matrix.allocate(Precision.FLOAT64, 1, data.dimension());
    for (int r = 0; r < data.size(); r++) {
      data.copyRows(r, r + 1, row, 0);
      result.add(row.doubles());
    }
    return result;
  }

  /** Adds a row, the first value of which is that of the first column. */
  public void add(double[] row) {
    rows++;
    for (int c = 0; c < mean.length; c++) {
      double deviation = row[c] - mean[c];
      mean[c] += deviation / rows;
      squares[c] += deviation * (row[c] - mean[c]);
    }
  }

  /** Number of rows so far. */
  public long rows() {
    return rows;
  }

  /** Means per column, a copy; 0 before the first row. */
  public double[] means() {
    return mean.clone();
  }

  /** Unbiased standard deviations per column, divided by rows - 1; 0 for a single row. */
  public double[] sampleDeviations() {
    return deviations(Math.max(1, rows - 1));
  }

  /** Standard deviations per column, divided by the number of rows; 0 before the first row. */
  public double[] populationDeviations() {
    return deviations(Math.max(1, rows));
  }

  private double[] deviations(long divisor) {
    double[] result = new double[squares.length];
    for (int c = 0; c < result.length; c++) {
      result[c] = Math.sqrt(squares[c] / divisor);
    }
    return result;
  }
}
