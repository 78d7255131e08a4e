package org.ebflow.training.data;

/**
 * A data set in its three disjoint parts.
 *
 * @param train what is learned from
 * @param validation chooses the best weights
 * @param test is looked at last
 */
public record Splits(Dataset train, Dataset validation, Dataset test) {
  /** Refuses parts of different dimensions. */
  public Splits {
    if (train.dimension() != validation.dimension() || train.dimension() != test.dimension()) {
      throw new IllegalArgumentException(
          "Splits: dimensions "
              + train.dimension()
              + ", "
              + validation.dimension()
              + ", "
              + test.dimension()
              + " differ");
    }
  }
}
