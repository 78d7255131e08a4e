package org.ebflow.flow.pass;

import java.util.List;
import org.ebflow.linalg.Matrix;
import org.ebflow.linalg.Noise;
import org.ebflow.linalg.Precision;

/**
 * Noise for the initial values of one parameter block: a pure function of the seed and the block's
 * place in the flow.
 */
public final class InitialDraws {
  private final long seed;
  private final List<Parameter> blocks;
  private final int block;
  private final Noise noise;

  /** For block number {@code block} of these. */
  InitialDraws(long seed, List<Parameter> blocks, int block) {
    this.seed = seed;
    this.blocks = blocks;
    this.block = block;
    this.noise = new Noise(seed);
  }

  /** Initial values of this block, float64. */
  Matrix values() {
    Parameter parameter = blocks.get(block);
    Matrix values = Matrix.allocate(Precision.FLOAT64, parameter.rows(), parameter.columns());
    parameter.initializer().initialize(values, this);
    return values;
  }

  /** Initial values of another block of the flow, float64, for one that starts from them. */
  public Matrix valuesOf(Parameter other) {
    return of(other).values();
  }

  /** The noise of another block of the flow, for blocks that start from one draw. */
  public InitialDraws of(Parameter other) {
    int place = blocks.indexOf(other);
    if (place < 0) {
      throw new IllegalArgumentException(
          "InitialDraws: no block " + other.name() + " of this flow");
    }
    return new InitialDraws(seed, blocks, place);
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
