package org.ebflow.flow;

import org.ebflow.linalg.Matrix;
import org.ebflow.linalg.Noise;

/**
 * Noise for the initial values of one parameter block: a pure function of the seed and the block's
 * place in the flow.
 */
public final class InitialDraws {
  private final Noise noise;
  private final int block;

  InitialDraws(long seed, int block) {
    this.noise = new Noise(seed);
    this.block = block;
  }

  /** Overwrites with standard normal draws. */
  public void gaussian(Matrix values) {
    noise.gaussian(NoisePurpose.INITIALIZATION, block, 0, values);
  }

  /** Overwrites with uniform draws on [0,1). */
  public void uniform(Matrix values) {
    noise.uniform(NoisePurpose.INITIALIZATION, block, 0, values);
  }
}
