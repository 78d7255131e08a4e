package org.ebflow.training;

/**
 * Exact likelihood of a data set.
 *
 * @param nll mean of -log p(x) in nats
 * @param standardError of that mean
 * @param bitsPerDimension nll/(D log 2)
 * @param logZ log Z of the model in nats
 * @param rows number of rows
 */
public record Evaluation(
    double nll, double standardError, double bitsPerDimension, double logZ, long rows) {
  static Evaluation of(double[] logProb, int dimension, double logZ) {
    double mean = 0;
    double squares = 0;
    for (int r = 0; r < logProb.length; r++) { // Welford's update
      double deviation = -logProb[r] - mean;
      mean += deviation / (r + 1);
      squares += deviation * (-logProb[r] - mean);
    }
    double error = Math.sqrt(squares / Math.max(1, logProb.length - 1) / logProb.length);
    return new Evaluation(mean, error, mean / (dimension * Math.log(2)), logZ, logProb.length);
  }
}
