package org.ebflow.training;

/** What moves the last layer of a flow while it trains. */
public enum LastLayer {
  /** The optimizer, as every other layer. */
  TRAINED,
  /**
   * Maximum likelihood in closed form: the affine map that takes what reaches it to mean 0 and
   * covariance I. The flow must end with a dense layer.
   */
  CLOSED_FORM
}
