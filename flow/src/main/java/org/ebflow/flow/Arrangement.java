package org.ebflow.flow;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import org.ebflow.flow.layer.Dense;
import org.ebflow.linalg.BFloat16Matrix;
import org.ebflow.linalg.Blas;
import org.ebflow.linalg.Factor;
import org.ebflow.linalg.Kernels;
import org.ebflow.linalg.Matrix;
import org.ebflow.linalg.PackedWeight;
import org.ebflow.linalg.Precision;
import org.ebflow.linalg.Team;
import org.jspecify.annotations.Nullable;

/**
 * Large weights of a flow arranged for densities of many rows.
 *
 * <p>log p sees of the latent z = W x + b of a fully connected last layer only ‖z‖, which no
 * rotation changes. So W = Q·R gives way to R, b to Qᵀb, and the products with R's zeros are left
 * out: docs/decisions/0009.
 */
final class Arrangement implements AutoCloseable {
  private final Flow flow;
  private final Blas blas;
  private final int few;
  private final int batch;
  private final Map<Parameter, PackedWeight> weights = new ConcurrentHashMap<>();
  private final Map<Parameter, Matrix> turnedBiases = new ConcurrentHashMap<>();

  /**
   * Arranges what the BLAS can for products of {@code batch} rows, and of {@code few}, that treat
   * rows alike. The team divides the blocks among itself, and log Z, which the flow keeps: where
   * there are many dimensions a factorisation takes long.
   *
   * @param blocks large blocks of the flow's weights, as they are or rounded
   */
  Arrangement(Flow flow, Blas blas, int few, int batch, Map<Parameter, Factor> blocks, Team team) {
    this.flow = flow;
    this.blas = blas;
    this.few = few;
    this.batch = batch;
    List<Runnable> tasks = new ArrayList<>();
    blocks.forEach(
        (block, weight) -> tasks.addFirst(() -> add(block, weight))); // the longest first
    tasks.add(() -> flow.logZ(blas));
    AtomicInteger next = new AtomicInteger();
    try {
      team.run(
          worker -> {
            for (int i = next.getAndIncrement(); i < tasks.size(); i = next.getAndIncrement()) {
              tasks.get(i).run();
            }
          });
    } catch (RuntimeException | Error e) {
      close();
      throw e;
    }
  }

  private void add(Parameter block, Factor weight) {
    PackedWeight found = turns(block, weight) ? turned(weight) : blas.pack(few, batch, weight);
    if (found != null) {
      weights.put(block, found);
    }
  }

  /**
   * Whether the block is the weight of a fully connected last layer that shares none of its own.
   */
  private boolean turns(Parameter block, Factor weight) {
    return flow.layers().getLast() instanceof Dense last
        && last.weight().equals(block)
        && flow.layers().stream().filter(layer -> shares(layer, last)).count() == 1
        && blas.packsUpperTriangular(few, batch, weight);
  }

  private static boolean shares(Layer layer, Layer other) {
    return !Collections.disjoint(layer.parameters(), other.parameters());
  }

  private @Nullable PackedWeight turned(Factor weight) {
    Dense last = (Dense) flow.layers().getLast();
    Dense.Values values = last.triangular(flow.parameters(), blas);
    Factor triangle = weight instanceof Matrix ? values.weight() : rounded(values.weight());
    PackedWeight found = blas.packUpperTriangular(few, batch, triangle);
    if (found != null) {
      turnedBiases.put(last.bias(), values.bias());
    }
    return found;
  }

  private static BFloat16Matrix rounded(Matrix exact) {
    BFloat16Matrix result = BFloat16Matrix.allocate(exact.rows(), exact.columns());
    Kernels.of(Precision.FLOAT32).bfloat16().round(exact, result);
    return result;
  }

  /** The arranged copy of a block, or null if there is none. */
  @Nullable PackedWeight weight(Parameter block) {
    return weights.get(block);
  }

  /** What to add in place of a bias whose weight was turned, or null for the bias itself. */
  @Nullable Matrix turnedBias(Parameter bias) {
    return turnedBiases.get(bias);
  }

  /** Frees native memory. */
  @Override
  public void close() {
    weights.values().forEach(PackedWeight::close);
    weights.clear();
    turnedBiases.clear();
  }
}
