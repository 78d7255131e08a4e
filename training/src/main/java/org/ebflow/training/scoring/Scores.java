package org.ebflow.training.scoring;

import java.util.Arrays;

/**
 * The scores of a block of rows, one entry per row.
 *
 * <p>A finite row has either three finite scores, or density zero: log p -Infinity, energy and
 * latent norm +Infinity.
 *
 * @param logProb log p(x) in nats, in the rows' own units
 * @param energy E of the preprocessed row in nats: log p = -E - log Z + the preprocessing's
 *     log-derivative
 * @param latentNorm ‖g(x)‖
 */
public record Scores(double[] logProb, double[] energy, double[] latentNorm) {
  /** Room for that many rows. */
  public Scores(int rows) {
    this(new double[rows], new double[rows], new double[rows]);
  }

  /** -log p of every row: the higher, the odder. */
  public double[] negativeLogProb() {
    return Arrays.stream(logProb).map(value -> -value).toArray();
  }

  void set(int row, double logProbOf, double energyOf, double latentNormOf) {
    logProb[row] = logProbOf;
    energy[row] = energyOf;
    latentNorm[row] = latentNormOf;
  }

  void setImpossible(int row) {
    set(row, Double.NEGATIVE_INFINITY, Double.POSITIVE_INFINITY, Double.POSITIVE_INFINITY);
  }
}
