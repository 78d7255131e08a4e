package org.ebflow.flow;

import org.ebflow.linalg.BFloat16Matrix;
import org.ebflow.linalg.Blas;
import org.ebflow.linalg.Kernels;
import org.ebflow.linalg.Matrix;
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
    Kernels kernels = Kernels.of(Precision.FLOAT32);
    return new Compute(kernels, blas, new RoundedWeights(weights, kernels.bfloat16(), team));
  }

  /**
   * For passes whose results must not depend on a row's place in a batch of either size: products
   * by that BLAS where it treats rows alike ({@link Blas#treatsAlike}) and they are large, else by
   * {@link Blas#rowsAlike}.
   */
  public static Compute rowsAlike(Parameters weights, Blas blas, int few, int batch) {
    boolean alike = true;
    for (Matrix block : weights.byName().values()) {
      alike &= isRow(block) || (Workspace.large(block) && blas.treatsAlike(few, batch, block));
    }
    return of(weights.precision(), alike ? blas : Blas.rowsAlike());
  }

  /**
   * As {@link #bfloat16} for passes of one thread each, whose results must not depend on a row's
   * place in a batch of either size. The weights may not change.
   *
   * @throws IllegalArgumentException also if the BLAS does not treat rows alike
   */
  public static Compute bfloat16RowsAlike(Parameters weights, Blas blas, int few, int batch) {
    try (Team solo = new Team(1)) {
      Compute compute = bfloat16(weights, blas, solo);
      for (Parameter parameter : weights.blocks()) {
        Matrix block = weights.of(parameter);
        BFloat16Matrix rounded = compute.rounded(parameter);
        if (!isRow(block) && !blas.treatsAlike(few, batch, rounded == null ? block : rounded)) {
          throw new IllegalArgumentException(
              "Compute.bfloat16RowsAlike: a row's product by "
                  + parameter.name()
                  + " depends on its place among others with backend "
                  + blas.name());
        }
      }
      return compute;
    }
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

  /** Brings the worker's part of the rounded weights up to date. */
  void refresh(Worker worker) {
    if (rounded != null) {
      rounded.refresh(worker, kernels.bfloat16());
    }
  }
}
