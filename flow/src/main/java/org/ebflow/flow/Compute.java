package org.ebflow.flow;

import org.ebflow.linalg.BFloat16Matrix;
import org.ebflow.linalg.Blas;
import org.ebflow.linalg.Kernels;
import org.ebflow.linalg.Precision;
import org.ebflow.linalg.Team;
import org.ebflow.linalg.Worker;
import org.jspecify.annotations.Nullable;

/** What arithmetic runs on: the kernels of one precision, a BLAS, and how large products round. */
public final class Compute {
  private final Kernels kernels;
  private final Blas blas;
  private final @Nullable RoundedWeights rounded;

  private Compute(Kernels kernels, Blas blas, @Nullable RoundedWeights rounded) {
    this.kernels = kernels;
    this.blas = blas;
    this.rounded = rounded;
  }

  /** The fastest kernels of that precision with the given BLAS. */
  public static Compute of(Precision precision, Blas blas) {
    return new Compute(Kernels.of(precision), blas, null);
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
    return new Compute(Kernels.of(Precision.FLOAT32), blas, new RoundedWeights(weights, team));
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

  /** Brings the worker's part of the rounded weights up to date. */
  void refresh(Worker worker) {
    if (rounded != null) {
      rounded.refresh(worker, kernels.bfloat16());
    }
  }
}
