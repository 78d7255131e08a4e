package org.ebflow.flow;

import java.util.IdentityHashMap;
import org.ebflow.linalg.BFloat16Matrix;
import org.ebflow.linalg.Blas;
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
  private final IdentityHashMap<Parameter, PackedWeight> packed = new IdentityHashMap<>();

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
   * For passes of one thread each, whose results must not depend on a row's place in a batch of
   * either size: products by large weights are that BLAS's where it has arranged them ({@link
   * Blas#pack}), all products where it treats rows alike ({@link Blas#treatsAlike}) and all are by
   * large weights, the others {@link Blas#rowsAlike}. The weights may not change.
   */
  public static Compute rowsAlike(Parameters weights, Blas blas, int few, int batch) {
    IdentityHashMap<Parameter, PackedWeight> packed = new IdentityHashMap<>();
    boolean alike = true;
    for (Parameter parameter : weights.blocks()) {
      Matrix block = weights.of(parameter);
      if (!isRow(block)) {
        PackedWeight found = Workspace.large(block) ? blas.pack(few, batch, block) : null;
        if (found != null) {
          packed.put(parameter, found);
        }
        alike &= packed.isEmpty() && Workspace.large(block) && blas.treatsAlike(few, batch, block);
      }
    }
    Compute compute = of(weights.precision(), alike ? blas : Blas.rowsAlike());
    compute.packed.putAll(packed);
    return compute;
  }

  /**
   * As {@link #rowsAlike} with the factors of products by large weights rounded to bfloat16, but
   * for those inside of networks.
   *
   * @throws IllegalArgumentException if the weights are float64 or the BLAS has no such products,
   *     or does not treat rows alike
   */
  public static Compute bfloat16RowsAlike(Parameters weights, Blas blas, int few, int batch) {
    try (Team solo = new Team(1)) {
      Compute compute = bfloat16(weights, blas, solo);
      Compute alike = new Compute(compute.kernels, Blas.rowsAlike(), compute.rounded);
      for (Parameter parameter : weights.blocks()) {
        BFloat16Matrix rounded = compute.rounded(parameter);
        if (rounded != null) {
          PackedWeight found = blas.pack(few, batch, rounded);
          if (found == null) {
            alike.close();
            throw new IllegalArgumentException(
                "Compute.bfloat16RowsAlike: a row's product by "
                    + parameter.name()
                    + " depends on its place among others with backend "
                    + blas.name());
          }
          alike.packed.put(parameter, found);
        }
      }
      return alike;
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

  /** The arranged copy of a block, or null if there is none. */
  @Nullable PackedWeight packed(Parameter block) {
    return packed.get(block);
  }

  /** Frees native memory; no pass may run beside or follow. */
  @Override
  public void close() {
    packed.values().forEach(PackedWeight::close);
    packed.clear();
  }

  /** Brings the worker's part of the rounded weights up to date. */
  void refresh(Worker worker) {
    if (rounded != null) {
      rounded.refresh(worker, kernels.bfloat16());
    }
  }
}
