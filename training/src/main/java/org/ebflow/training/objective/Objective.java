package org.ebflow.training.objective;

import java.util.LinkedHashMap;
import java.util.SequencedMap;
import org.ebflow.flow.Flow;
import org.ebflow.flow.pass.Compute;
import org.ebflow.flow.pass.Parameter;
import org.ebflow.linalg.Team;

/**
 * A loss of a flow on a batch, with its gradient.
 *
 * <p>Source: Chao et al. 2023, sections 3 and 4; exact formulas and scales:
 * docs/derivations/objectives.md. Immutable.
 */
public interface Objective {
  /** Begins the names of parameters of an objective's own. */
  String PREFIX = "objective.";

  /** Name in recipes: ml, sml, ssm, dsm, fdssm, rg or snf. */
  String name();

  /** Whether it can be trained with products of operands rounded to bfloat16. */
  default boolean toleratesBFloat16() {
    return true;
  }

  /**
   * Whether what {@link ObjectivePass#evaluate} computes is the gradient of the losses. A relative
   * gradient is not.
   */
  default boolean followsGradient() {
    return true;
  }

  /**
   * Parameters that the objective trains beside the flow's, by name; none unless it overrides this.
   * The flow that {@link #forTeam} gets holds them behind its own. They are part of a run's state,
   * not of its model.
   */
  default SequencedMap<String, Parameter> parameters(Flow flow) {
    return new LinkedHashMap<>();
  }

  /** The same layers with the objective's parameters behind the flow's own. */
  default Flow withParameters(Flow flow, long seed) {
    SequencedMap<String, Parameter> own = new LinkedHashMap<>();
    parameters(flow).forEach((name, block) -> own.put(PREFIX + name, block));
    return own.isEmpty() ? flow : flow.withParameters(flow.parameters().with(own, seed));
  }

  /**
   * Refuses a flow that it can't train, before anything is made for a run; it trains any unless it
   * overrides this.
   *
   * @throws IllegalArgumentException that says what the flow lacks
   */
  default void requireTrains(Flow flow) {}

  /**
   * Buffers and passes of all workers of a team for that share of batches of one size, in the order
   * of their ranks.
   */
  ObjectivePass[] forTeam(Flow flow, Compute compute, Team team, BatchShare share);

  /** The same for whole batches of that size. */
  default ObjectivePass[] forTeam(Flow flow, Compute compute, Team team, int batch) {
    return forTeam(flow, compute, team, BatchShare.whole(batch));
  }
}
