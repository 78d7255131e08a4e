package org.ebflow.flow.pass;

/**
 * What a draw is for: the second argument of the counter-based noise, so that no two uses share
 * numbers.
 */
public final class NoisePurpose {
  /** Initial values of parameters. */
  public static final int INITIALIZATION = 1;

  /** Dequantisation of training data. */
  public static final int DEQUANTIZATION = 2;

  /** Noise added to real-valued training data. */
  public static final int DATA_NOISE = 3;

  /** Directions and perturbations of an objective. */
  public static final int OBJECTIVE = 4;

  /** Latent draws of samples. */
  public static final int SAMPLING = 5;

  /** Dequantisation of rows to be scored. */
  public static final int SCORING = 6;

  /** Dequantisation of rows whose moments are taken. */
  public static final int MOMENTS = 7;

  /** Flips and shifts of training images. */
  public static final int AUGMENTATION = 8;

  private NoisePurpose() {}
}
