package org.ebflow.training;

/**
 * What scoring says of a block of rows, one entry per row.
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
}
