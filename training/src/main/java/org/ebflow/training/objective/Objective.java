package org.ebflow.training.objective;

import org.ebflow.flow.Flow;
import org.ebflow.flow.pass.Compute;
import org.ebflow.linalg.Team;

/**
 * A loss of a flow on a batch, with its gradient.
 *
 * <p>Source: Chao et al. 2023, sections 3 and 4; exact formulas and scales:
 * docs/derivations/objectives.md. Immutable.
 */
public interface Objective {
  /** Name in recipes: ml, sml, ssm, dsm or fdssm. */
  String name();

  /** Whether its loss survives products of factors with eight bits of precision. */
  default boolean toleratesBFloat16() {
    return true;
  }

  /**
   * Buffers and passes of all workers of a team for batches of that size, in the order of their
   * ranks.
   */
  ObjectivePass[] forTeam(Flow flow, Compute compute, Team team, int batch);
}
