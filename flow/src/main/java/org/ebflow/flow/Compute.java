package org.ebflow.flow;

import java.util.LinkedHashMap;
import java.util.Map;
import org.ebflow.linalg.BFloat16Matrix;
import org.ebflow.linalg.Blas;
import org.ebflow.linalg.Factor;
import org.ebflow.linalg.Kernels;
import org.ebflow.linalg.Matrix;
import org.ebflow.linalg.PackedWeight;
import org.ebflow.linalg.Precision;
import org.ebflow.linalg.Team;
import org.ebflow.linalg.Worker;
import org.jspecify.annotations.Nullable;

/**
 * What arithmetic runs on: the kernels of one precision, a BLAS, how large products round, and
 * weights arranged for them in native memory, which {@link #close} frees.
 */
public final class Compute implements AutoCloseable {
  private final Kernels kernels;
  private final Blas blas;
  private final @Nullable RoundedWeights rounded;
  private final @Nullable Arrangement arrangement;

  private Compute(
      Kernels kernels,
      Blas blas,
      @Nullable RoundedWeights rounded,
      @Nullable Arrangement arrangement) {
    this.kernels = kernels;
    this.blas = blas;
    this.rounded = rounded;
    this.arrangement = arrangement;
  }

  /** The fastest kernels of that precision with the given BLAS. */
  public static Compute of(Precision precision, Blas blas) {
    return new Compute(Kernels.of(precision), blas, null, null);
  }

  /**
   * Float32 but for products by large weights, whose factors are rounded to bfloat16:
   * docs/decisions/0006. For passes of that team through flows with these weights.
   *
   * @throws IllegalArgumentException if the weights are float64 or the BLAS has no such products
   */
  public static Compute bfloat16(Parameters weights, Blas blas, Team team) {
    if (weights.precision() != Precision.FLOAT32 || !blas.multipliesBFloat16()) {
      throw new IllegalArgumentException(
          "Compute.bfloat16: weights are "
              + weights.precision()
              + ", expected FLOAT32, and backend "
              + blas.name()
              + (blas.multipliesBFloat16() ? " has" : " does not have")
              + " bfloat16 products");
    }
    Kernels kernels = Kernels.of(Precision.FLOAT32);
    return new Compute(kernels, blas, new RoundedWeights(weights, kernels.bfloat16(), team), null);
  }

  /**
   * For passes of one thread each through that flow, whose densities must not depend on a row's
   * place in a batch of either size: products by large weights are that BLAS's where it has
   * arranged them ({@link Blas#pack}), all products where it treats rows alike ({@link
   * Blas#treatsAlike}) and all are by large weights, the others {@link Blas#rowsAlike}. The weights
   * may not change.
   *
   * <p>A last layer that is fully connected may be arranged turned, which halves its products: of
   * the latent z only ‖z‖ is then that of the flow (docs/decisions/0009).
   *
   * @param team divides the work of arranging, and that of log Z, which the flow keeps
   */
  public static Compute rowsAlike(Flow flow, Blas blas, int few, int batch, Team team) {
    Parameters weights = flow.parameters();
    Map<Parameter, Factor> large = new LinkedHashMap<>();
    for (Parameter block : weights.blocks()) {
      if (Workspace.large(weights.of(block))) {
        large.put(block, weights.of(block));
      }
    }
    Arrangement arrangement = new Arrangement(flow, blas, few, batch, large, team);
    boolean alike = true;
    for (Parameter block : weights.blocks()) {
      Matrix weight = weights.of(block);
      if (!isRow(weight)) {
        alike =
            alike
                && large.containsKey(block)
                && arrangement.weight(block) == null
                && blas.treatsAlike(few, batch, weight);
      }
    }
    return new Compute(
        Kernels.of(weights.precision()), alike ? blas : Blas.rowsAlike(), null, arrangement);
  }

  /**
   * As {@link #rowsAlike} with the factors of products by large weights rounded to bfloat16, but
   * for those inside of networks.
   *
   * @throws IllegalArgumentException if the weights are float64 or the BLAS has no such products,
   *     or does not treat rows alike
   */
  public static Compute bfloat16RowsAlike(Flow flow, Blas blas, int few, int batch, Team team) {
    Compute compute = bfloat16(flow.parameters(), blas, team);
    Map<Parameter, Factor> large = new LinkedHashMap<>();
    for (Parameter block : flow.parameters().blocks()) {
      BFloat16Matrix weight = compute.rounded(block);
      if (weight != null) {
        large.put(block, weight);
      }
    }
    Arrangement arrangement = new Arrangement(flow, blas, few, batch, large, team);
    for (Parameter block : large.keySet()) {
      if (arrangement.weight(block) == null) {
        arrangement.close();
        throw new IllegalArgumentException(
            "Compute.bfloat16RowsAlike: a row's bfloat16 product by "
                + flow.parameters().names().get(flow.parameters().blocks().indexOf(block))
                + " depends on its place among others with backend "
                + blas.name()
                + " on this processor; score in float32");
      }
    }
    return new Compute(compute.kernels, Blas.rowsAlike(), compute.rounded, arrangement);
  }

  /** Biases and scales: no factors of products. */
  private static boolean isRow(Matrix block) {
    return block.rows() == 1;
  }

  /** Elementwise kernels. */
  public Kernels kernels() {
    return kernels;
  }

  /** Matrix products and factorisations. */
  public Blas blas() {
    return blas;
  }

  /** Whether products by large blocks of these weights round; they are the only ones that may. */
  boolean rounds(Parameters weights) {
    if (rounded != null && !rounded.isOf(weights)) {
      throw new IllegalArgumentException(
          "Compute.bfloat16 was made for other weights than those of the flow");
    }
    return rounded != null;
  }

  /** What to multiply by in place of a block of the weights, or null for the block itself. */
  @Nullable BFloat16Matrix rounded(Parameter block) {
    return rounded == null ? null : rounded.of(block);
  }

  /** The arranged copy of a block, or null if there is none. */
  @Nullable PackedWeight packed(Parameter block) {
    return arrangement == null ? null : arrangement.weight(block);
  }

  /** What to add in place of a bias whose weight was arranged turned, or null for the bias. */
  @Nullable Matrix turnedBias(Parameter bias) {
    return arrangement == null ? null : arrangement.turnedBias(bias);
  }

  /** Frees native memory; no pass may run beside or follow. */
  @Override
  public void close() {
    if (arrangement != null) {
      arrangement.close();
    }
  }

  /** Brings the worker's part of the rounded weights up to date. */
  void refresh(Worker worker) {
    if (rounded != null) {
      rounded.refresh(worker, kernels.bfloat16());
    }
  }
}
