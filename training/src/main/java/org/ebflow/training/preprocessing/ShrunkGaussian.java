package org.ebflow.training.preprocessing;

import org.ebflow.linalg.Blas;
import org.ebflow.linalg.KernelChoice;
import org.ebflow.linalg.Matrix;
import org.ebflow.linalg.Precision;
import org.ebflow.linalg.RowKernels;
import org.ebflow.linalg.SymmetricEigen;
import org.jspecify.annotations.Nullable;

/**
 * The Gaussian N(μ, Σ_λ) of training rows, whose correlations are shrunk towards zero: with R =
 * Vᵀ·diag(e)·V the matrix of correlations and S the standard deviations, Σ_λ = S·((1-λ)R + λI)·S.
 *
 * <p>λ is the one with the lowest NLL on validation rows. It decides everything where the rows are
 * fewer than the columns, or a column is a combination of others: the plain estimate λ = 0 is
 * singular there, and no candidate. The NLL of any λ follows from the second moments of the
 * validation rows alone.
 *
 * <p>Σ_λ^{-1/2}, up to a rotation, whitens: y = {@link #whitening}·x + {@link #shift} has mean 0
 * and covariance near I.
 */
public final class ShrunkGaussian {
  /** Candidates for λ a decade, from 1 down to {@link #LEAST}. */
  private static final int PER_DECADE = 8;

  private static final double LEAST = 1e-8;

  private static final RowKernels KERNELS = KernelChoice.fastest(Precision.FLOAT64).rows();

  private final double shrinkage;
  private final Matrix whitening;
  private final Matrix shift;
  private final double logAbsDeterminant;

  private ShrunkGaussian(
      double shrinkage, Matrix whitening, Matrix shift, double logAbsDeterminant) {
    this.shrinkage = shrinkage;
    this.whitening = whitening;
    this.shift = shift;
    this.logAbsDeterminant = logAbsDeterminant;
  }

  /**
   * Fits the Gaussian.
   *
   * @param train moments of the training rows; every column must vary
   * @param validation moments of the rows that choose λ; null if there are none: λ is then D/(D+n)
   */
  public static ShrunkGaussian fit(Moments train, @Nullable Moments validation, Blas blas) {
    Matrix mean = train.mean();
    int dimension = mean.columns();
    double[] deviation = new double[dimension];
    for (int c = 0; c < dimension; c++) {
      deviation[c] = Math.sqrt(train.covariance().get(c, c));
      if (!(deviation[c] > 0)) {
        throw new IllegalArgumentException(
            "ShrunkGaussian: column " + (c + 1) + " has deviation " + deviation[c]);
      }
    }
    Matrix deviations = Matrix.of(deviation, 1, dimension);
    SymmetricEigen eigen = blas.symmetricEigen(scaled(train.covariance(), deviations));
    double shrinkage =
        validation == null
            ? dimension / (dimension + (double) train.rows())
            : best(
                eigen,
                projected(
                    scaled(validation.secondMomentsAbout(mean, blas), deviations),
                    eigen.vectors(),
                    blas));
    return of(mean, deviations, eigen, shrinkage, blas);
  }

  /** Element (r,c) over the deviations of both. */
  private static Matrix scaled(Matrix moments, Matrix deviation) {
    int n = moments.rows();
    Matrix inverse = Matrix.allocate(Precision.FLOAT64, 1, n);
    for (int r = 0; r < n; r++) {
      inverse.set(0, r, 1 / deviation.get(0, r));
    }
    Matrix result = Matrix.allocate(Precision.FLOAT64, n, n);
    KERNELS.divideColumns(moments, deviation, result);
    KERNELS.scaleRows(1, inverse, result, result);
    return result;
  }

  /** The second moments along each eigenvector, diag(V·M·Vᵀ). */
  private static double[] projected(Matrix moments, Matrix vectors, Blas blas) {
    int n = moments.rows();
    Matrix product = Matrix.allocate(Precision.FLOAT64, n, n);
    blas.multiply(false, vectors, false, moments, 1, 0, product);
    double[] result = new double[n];
    KERNELS.addRowDots(1, product, vectors, Matrix.of(result, 1, n));
    return result;
  }

  private static double best(SymmetricEigen eigen, double[] moments) {
    double best = 1;
    double lowest = Double.POSITIVE_INFINITY;
    double step = Math.pow(10, -1.0 / PER_DECADE);
    for (double shrinkage = 1; shrinkage >= LEAST; shrinkage *= step) {
      double nll = nll(eigen.values(), moments, shrinkage);
      if (nll < lowest) {
        lowest = nll;
        best = shrinkage;
      }
    }
    boolean fullRank = eigen.values().get(0, 0) > LEAST; // rounding errors are no variance
    return fullRank && nll(eigen.values(), moments, 0) <= lowest ? 0 : best;
  }

  /** What of the NLL depends on λ, twice: Σ log e_λ + moments/e_λ. */
  private static double nll(Matrix values, double[] moments, double shrinkage) {
    double sum = 0;
    for (int i = 0; i < moments.length; i++) {
      double value = shrunk(values.get(0, i), shrinkage);
      sum += StrictMath.log(value) + moments[i] / value;
    }
    return Double.isNaN(sum) ? Double.POSITIVE_INFINITY : sum;
  }

  /** An eigenvalue of (1-λ)R + λI; those of R that rounding made negative count as zero. */
  private static double shrunk(double value, double shrinkage) {
    return (1 - shrinkage) * Math.max(value, 0) + shrinkage;
  }

  private static ShrunkGaussian of(
      Matrix mean, Matrix deviation, SymmetricEigen eigen, double shrinkage, Blas blas) {
    int n = mean.columns();
    Matrix scales = Matrix.allocate(Precision.FLOAT64, 1, n);
    double logDet = 0;
    for (int i = 0; i < n; i++) {
      double value = shrunk(eigen.values().get(0, i), shrinkage);
      logDet -= StrictMath.log(value) / 2 + StrictMath.log(deviation.get(0, i));
      scales.set(0, i, 1 / Math.sqrt(value));
    }
    Matrix scaledVectors = Matrix.allocate(Precision.FLOAT64, n, n);
    KERNELS.scaleRows(1, scales, eigen.vectors(), scaledVectors);
    Matrix whitening = Matrix.allocate(Precision.FLOAT64, n, n);
    blas.multiply(true, eigen.vectors(), false, scaledVectors, 1, 0, whitening); // Vᵀ e^(-1/2) V
    KERNELS.divideColumns(whitening, deviation, whitening);
    Matrix shift = Matrix.allocate(Precision.FLOAT64, 1, n);
    blas.multiply(false, mean, true, whitening, -1, 0, shift);
    return new ShrunkGaussian(shrinkage, whitening, shift, logDet);
  }

  /** λ, 0 to 1. */
  public double shrinkage() {
    return shrinkage;
  }

  /** W with WᵀW = Σ_λ⁻¹, [D,D] float64: R_λ^{-1/2}·S⁻¹, as near to S⁻¹ as whitening can be. */
  public Matrix whitening() {
    return whitening;
  }

  /** -W·μ, [1,D] float64. */
  public Matrix shift() {
    return shift;
  }

  /** log|det W| in nats. */
  public double logAbsDeterminant() {
    return logAbsDeterminant;
  }
}
