package org.ebflow.training;

/**
 * Exact likelihood of a data set.
 *
 * @param nll mean of -log p(x) in nats, +Inf if a row is impossible
 * @param standardError of that mean
 * @param bitsPerDimension nll/(D log 2)
 * @param logZ log Z of the model in nats
 * @param rows number of rows
 */
public record Evaluation(
    double nll, double standardError, double bitsPerDimension, double logZ, long rows) {
  static Evaluation of(double[] logProb, int dimension, double logZ) {
    double sum = 0;
    for (double value : logProb) {
      sum -= value;
    }
    double mean = sum / logProb.length;
    double squares = 0;
    for (double value : logProb) {
      squares += (-value - mean) * (-value - mean);
    }
    double error = Math.sqrt(squares / Math.max(1, logProb.length - 1) / logProb.length);
    return new Evaluation(mean, error, mean / (dimension * Math.log(2)), logZ, logProb.length);
  }
}
