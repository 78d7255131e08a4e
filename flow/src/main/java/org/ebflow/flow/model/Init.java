package org.ebflow.flow.model;

/** Where the weights of a model start. */
public enum Init {
  /** As the published recipes do. */
  PUBLISHED,
  /** As near to the identity as the model can be. */
  IDENTITY,
  /**
   * As {@link #IDENTITY}, behind a fixed affine map that whitens the training rows. The trainer
   * fits that map: it is part of the preprocessing.
   */
  WHITENING
}
