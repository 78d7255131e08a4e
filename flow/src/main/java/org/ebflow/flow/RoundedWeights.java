package org.ebflow.flow;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.IdentityHashMap;
import java.util.List;
import org.ebflow.linalg.BFloat16Kernels;
import org.ebflow.linalg.BFloat16Matrix;
import org.ebflow.linalg.Matrix;
import org.ebflow.linalg.Team;
import org.ebflow.linalg.Worker;
import org.jspecify.annotations.Nullable;

/**
 * The large blocks of a flow's weights rounded to bfloat16, as the workers of a team keep them:
 * docs/decisions/0006.
 */
final class RoundedWeights {
  private final Parameters weights;
  private final IdentityHashMap<Parameter, BFloat16Matrix> blocks = new IdentityHashMap<>();
  private final List<List<Part>> parts = new ArrayList<>();
  private final long[] versions;

  /** One worker's rows of a block. */
  private record Part(Matrix exact, BFloat16Matrix rounded) {}

  /** Rounded as they are now. */
  RoundedWeights(Parameters weights, BFloat16Kernels kernels, Team team) {
    this.weights = weights;
    for (Parameter block : weights.blocks()) {
      if (Workspace.large(weights.of(block))) {
        blocks.put(block, BFloat16Matrix.allocate(block.rows(), block.columns()));
      }
    }
    if (blocks.isEmpty()) {
      System.getLogger(Compute.class.getName())
          .log(
              System.Logger.Level.WARNING,
              "bfloat16 changes nothing here: no weight has more than {0} numbers",
              Workspace.SMALL_WEIGHT);
    }
    for (int rank = 0; rank < team.size(); rank++) {
      Worker worker = team.worker(rank);
      List<Part> own = new ArrayList<>();
      blocks.forEach(
          (block, rounded) -> {
            int from = worker.from(block.rows());
            int to = worker.to(block.rows());
            own.add(new Part(weights.of(block).rows(from, to), rounded.rows(from, to)));
          });
      parts.add(own);
    }
    versions = new long[team.size()];
    Arrays.fill(versions, -1);
    for (int rank = 0; rank < team.size(); rank++) {
      refresh(team.worker(rank), kernels);
    }
  }

  @SuppressWarnings("ReferenceEquality") // the very weights whose version is looked at
  boolean isOf(Parameters others) {
    return weights == others;
  }

  /** The rounded block, null for a small one; complete once every worker has refreshed. */
  @Nullable BFloat16Matrix of(Parameter block) {
    return blocks.get(block);
  }

  /** Rounds the worker's rows of all blocks if the weights have changed since it last did. */
  void refresh(Worker worker, BFloat16Kernels kernels) {
    long now = weights.version();
    if (versions[worker.rank()] != now) {
      List<Part> own = parts.get(worker.rank());
      for (int i = 0; i < own.size(); i++) {
        kernels.round(own.get(i).exact, own.get(i).rounded);
      }
      versions[worker.rank()] = now;
    }
  }
}
