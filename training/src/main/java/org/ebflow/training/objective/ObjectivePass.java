package org.ebflow.training.objective;

import org.ebflow.flow.pass.Gradients;
import org.ebflow.linalg.Matrix;
import org.ebflow.linalg.Noise;
import org.jspecify.annotations.Nullable;

/**
 * One batch, or a {@link BatchShare} of it, under an objective, as one worker sees it. Every worker
 * of the team makes the same calls: writes {@link #data}, then {@link #draw}, then {@link
 * #evaluate} as often as wanted on the same draw.
 */
public interface ObjectivePass {
  /** This worker's rows of the share, [rows,dimension], written by the caller and not modified. */
  Matrix data();

  /** Draws what is random at this step: a pure function of (noise, step, row). */
  void draw(Noise noise, long step);

  /**
   * The memory of one draw, [rows,dimension] of this worker, for a caller that writes its own
   * numbers in place of {@link #draw}.
   */
  Matrix noise(int draw);

  /**
   * Computes {@link #losses} and, unless {@code gradients} is null, the gradient of their sum over
   * the share divided by the rows of the whole batch.
   *
   * @param gradients overwritten and finished
   */
  void evaluate(@Nullable Gradients gradients);

  /** Loss of each of this worker's rows, float64 [1,rows]; zero where it was not finite. */
  Matrix losses();

  /**
   * How many of this worker's rows had a loss that is not finite in the last evaluation. Such rows
   * add nothing to losses and gradients.
   */
  int nonFinite();
}
