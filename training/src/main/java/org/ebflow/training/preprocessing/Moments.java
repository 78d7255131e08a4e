package org.ebflow.training.preprocessing;

import org.ebflow.flow.pass.NoisePurpose;
import org.ebflow.linalg.Blas;
import org.ebflow.linalg.Matrix;
import org.ebflow.linalg.Noise;
import org.ebflow.linalg.Precision;
import org.ebflow.linalg.Team;
import org.ebflow.linalg.Worker;
import org.ebflow.training.data.Dataset;

/**
 * Mean and covariance of prepared rows, in float64.
 *
 * <p>One pass over the rows, block by block; all workers of a team share the products. Rows are
 * counted from the mean of the first block, so that columns far from zero lose no digits.
 *
 * @param rows number of rows
 * @param mean [1,D]
 * @param covariance [D,D], divided by the number of rows
 */
public record Moments(long rows, Matrix mean, Matrix covariance) {
  private static final int BLOCK = 1024;

  /**
   * Those of a data set.
   *
   * @param preprocessing is applied to every row first
   * @param model precision of the model's rows
   * @param noise of the dequantisation
   */
  public static Moments of(
      Dataset data,
      Preprocessing preprocessing,
      Precision model,
      Noise noise,
      Blas blas,
      Team team) {
    if (data.size() == 0) {
      throw new IllegalArgumentException("Moments: the data set is empty");
    }
    Sums sums = new Sums(data, preprocessing, model, noise, blas, team);
    team.run(sums::add);
    return sums.moments();
  }

  /** Σ + (m - μ)(m - μ)ᵀ: the second moments about another mean μ, [D,D]. */
  Matrix secondMomentsAbout(Matrix center) {
    Matrix result = covariance.copy(Precision.FLOAT64);
    for (int r = 0; r < result.rows(); r++) {
      double deviation = mean.get(0, r) - center.get(0, r);
      for (int c = 0; c < result.columns(); c++) {
        result.set(r, c, result.get(r, c) + deviation * (mean.get(0, c) - center.get(0, c)));
      }
    }
    return result;
  }

  /** Sums over the rows that a team fills together. */
  private static final class Sums {
    private final Dataset data;
    private final Noise noise;
    private final Blas blas;
    private final int block;
    private final RowPreparation[] whole;
    private final RowPreparation[] last;
    private final Matrix block64;
    private final double[] shift;
    private final Matrix sums;
    private final Matrix products;

    Sums(
        Dataset data,
        Preprocessing preprocessing,
        Precision model,
        Noise noise,
        Blas blas,
        Team team) {
      int dimension = data.dimension();
      this.data = data;
      this.noise = noise;
      this.blas = blas;
      block = Math.min(BLOCK, data.size());
      int rest = data.size() % block;
      whole = RowPreparation.forTeam(preprocessing, dimension, model, blas, team, block);
      last =
          rest == 0
              ? whole
              : RowPreparation.forTeam(preprocessing, dimension, model, blas, team, rest);
      block64 = Matrix.allocate(Precision.FLOAT64, block, dimension);
      shift = new double[dimension];
      sums = Matrix.allocate(Precision.FLOAT64, 1, dimension);
      products = Matrix.allocate(Precision.FLOAT64, dimension, dimension);
    }

    /** What one worker does: its rows of every block, then its part of all sums. */
    void add(Worker worker) {
      for (int from = 0; from < data.size(); from += block) {
        int count = Math.min(block, data.size() - from);
        prepare(worker, from, count);
        worker.barrier();
        if (from == 0) {
          shift(worker, count);
          worker.barrier();
        }
        subtractShift(worker, count);
        worker.barrier();
        addColumns(worker, count);
        Matrix rows = block64.rows(0, count);
        blas.multiply(worker, true, rows, false, rows, 1, from == 0 ? 0 : 1, products);
        worker.barrier();
      }
    }

    private void prepare(Worker worker, int from, int count) {
      RowPreparation preparation = (count == block ? whole : last)[worker.rank()];
      int first = worker.from(count);
      data.copyRows(from + first, from + worker.to(count), preparation.rows(), 0);
      if (preparation.dequantizes()) {
        preparation.drawNoise(noise, NoisePurpose.MOMENTS, from / block, first);
      }
      preparation.prepare(block64.rows(first, worker.to(count)));
    }

    private void shift(Worker worker, int count) {
      for (int c = worker.from(shift.length); c < worker.to(shift.length); c++) {
        double sum = 0;
        for (int r = 0; r < count; r++) {
          sum += block64.get(r, c);
        }
        shift[c] = sum / count;
      }
    }

    private void subtractShift(Worker worker, int count) {
      double[] values = block64.doubles();
      for (int r = worker.from(count); r < worker.to(count); r++) {
        for (int c = 0; c < shift.length; c++) {
          values[r * shift.length + c] -= shift[c];
        }
      }
    }

    private void addColumns(Worker worker, int count) {
      double[] values = block64.doubles();
      for (int r = 0; r < count; r++) {
        for (int c = worker.from(shift.length); c < worker.to(shift.length); c++) {
          sums.doubles()[c] += values[r * shift.length + c];
        }
      }
    }

    Moments moments() {
      double n = data.size();
      Matrix mean = Matrix.allocate(Precision.FLOAT64, 1, shift.length);
      Matrix covariance = Matrix.allocate(Precision.FLOAT64, shift.length, shift.length);
      for (int r = 0; r < shift.length; r++) {
        mean.set(0, r, shift[r] + sums.get(0, r) / n);
        for (int c = 0; c < shift.length; c++) {
          double raw = (products.get(r, c) + products.get(c, r)) / 2;
          covariance.set(r, c, (raw - sums.get(0, r) * sums.get(0, c) / n) / n);
        }
      }
      return new Moments(data.size(), mean, covariance);
    }
  }
}
