package org.ebflow.flow.pass;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import org.ebflow.linalg.BFloat16Kernels;
import org.ebflow.linalg.BFloat16Matrix;
import org.ebflow.linalg.Blas;
import org.ebflow.linalg.Matrix;
import org.ebflow.linalg.Operand;
import org.ebflow.linalg.Team;
import org.ebflow.linalg.Worker;

/**
 * Products whose operands are rounded to bfloat16, by large weights and by what is derived from
 * others: docs/decisions/0006. The workers of a team keep rounded copies of the large blocks, each
 * worker its own of derived matrices.
 */
final class RoundedProducts implements Products {
  private final ExactProducts exact;
  private final BFloat16Kernels kernels;
  private final Parameters weights;
  private final IdentityHashMap<Parameter, BFloat16Matrix> blocks;
  private final List<List<Part>> parts;
  private final long[] versions;

  /** One worker's rows of a block. */
  private record Part(Matrix exact, BFloat16Matrix rounded) {}

  /** Allocates the rounded copies and rounds the weights as they are now. */
  RoundedProducts(ExactProducts exact, Parameters weights, BFloat16Kernels kernels, Team team) {
    this.exact = exact;
    this.kernels = kernels;
    this.weights = weights;
    blocks = new IdentityHashMap<>();
    parts = new ArrayList<>();
    for (Parameter block : weights.blocks()) {
      if (ExactProducts.large(weights, block)) {
        blocks.put(block, BFloat16Matrix.allocate(block.rows(), block.columns()));
      }
    }
    if (blocks.isEmpty() && weights.blocks().stream().allMatch(block -> block.derived() == null)) {
      System.getLogger(Compute.class.getName())
          .log(
              System.Logger.Level.WARNING,
              "bfloat16 changes nothing here: no convolution, and no weight has more than {0} numbers",
              ExactProducts.SMALL_WEIGHT);
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
      refresh(team.worker(rank));
    }
  }

  private RoundedProducts(ExactProducts exact, RoundedProducts other) {
    this.exact = exact;
    kernels = other.kernels;
    weights = other.weights;
    blocks = other.blocks;
    parts = other.parts;
    versions = other.versions;
  }

  @Override
  public Products withBlas(Blas blas) {
    return new RoundedProducts(new ExactProducts(blas), this);
  }

  @Override
  public Map<Parameter, BFloat16Matrix> roundedBlocks() {
    return blocks;
  }

  /** Rounds the worker's rows of all blocks if the weights have changed since it last did. */
  private void refresh(Worker worker) {
    long now = weights.version();
    if (versions[worker.rank()] != now) {
      List<Part> own = parts.get(worker.rank());
      for (int i = 0; i < own.size(); i++) {
        kernels.round(own.get(i).exact, own.get(i).rounded);
      }
      versions[worker.rank()] = now;
    }
  }

  @Override
  public void multiply(
      Worker worker,
      Parameters parameters,
      boolean transpose,
      Jet from,
      Parameter weight,
      Jet to,
      int fromOrder,
      int toOrder) {
    BFloat16Matrix rounded = blocks.get(weight);
    if (rounded == null || from.rounded() == null) {
      exact.multiply(worker, parameters, transpose, from, weight, to, fromOrder, toOrder);
    } else {
      Operand rows = operand(worker, from, weight, fromOrder, toOrder);
      exact.share(worker, transpose, rows, rounded, to.whole(fromOrder, toOrder));
    }
  }

  @Override
  public Operand operand(Worker worker, Jet jet, Parameter weight, int fromOrder, int toOrder) {
    RoundedJet rounded = jet.rounded();
    if (rounded == null || !blocks.containsKey(weight)) {
      return jet.whole(fromOrder, toOrder);
    }
    refresh(worker);
    rounded.round(kernels, jet, fromOrder, toOrder);
    return rounded.whole(jet, fromOrder, toOrder);
  }

  @Override
  public boolean rounds() {
    return true;
  }

  @Override
  public OperandCopy copy(Parameter weight) {
    return new OperandCopy(weight.derived() == null ? null : kernels);
  }

  @SuppressWarnings("ReferenceEquality") // the very weights whose version is looked at
  @Override
  public boolean roundsJets(Parameters parameters) {
    if (weights != parameters) {
      throw new IllegalArgumentException(
          "Compute.bfloat16 was made for other weights than those of the flow");
    }
    return !blocks.isEmpty();
  }
}
