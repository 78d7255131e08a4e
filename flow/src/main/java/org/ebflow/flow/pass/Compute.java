package org.ebflow.flow.pass;

import java.util.List;
import java.util.Map;
import org.ebflow.linalg.BFloat16Matrix;
import org.ebflow.linalg.Blas;
import org.ebflow.linalg.KernelChoice;
import org.ebflow.linalg.Kernels;
import org.ebflow.linalg.Matrix;
import org.ebflow.linalg.PackedWeight;
import org.ebflow.linalg.Precision;
import org.ebflow.linalg.Team;

/** The arithmetic of a pass: kernels of one precision, a BLAS, and the products by weights. */
public final class Compute {
  private final Kernels kernels;
  private final Blas blas;
  private final Products products;

  private Compute(Kernels kernels, Blas blas, Products products) {
    this.kernels = kernels;
    this.blas = blas;
    this.products = products;
  }

  /** The fastest kernels of that precision with the given BLAS. */
  public static Compute of(Precision precision, Blas blas) {
    return new Compute(KernelChoice.fastest(precision), blas, new ExactProducts(blas));
  }

  /**
   * Float32, with the operands of products by large weights and of convolutions rounded to bfloat16
   * (docs/decisions/0006). It serves passes of that team through flows with these weights, and no
   * others.
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
    Kernels kernels = KernelChoice.fastest(Precision.FLOAT32);
    return new Compute(
        kernels,
        blas,
        new RoundedProducts(new ExactProducts(blas), weights, kernels.bfloat16(), team));
  }

  /**
   * The arithmetic of scoring, for passes of one thread that go forward only. Products by some
   * weights read packed copies; {@code others} computes the other products.
   *
   * @param packed what to multiply by in place of a block of the weights, one copy, or in place of
   *     the matrices of its {@link Parameter#derived}, one copy of each
   * @param replaced what to add to rows in place of a block
   */
  public Compute packed(
      Blas others, Map<Parameter, List<PackedWeight>> packed, Map<Parameter, Matrix> replaced) {
    return new Compute(
        kernels, others, new PackedProducts(products.withBlas(others), packed, replaced));
  }

  /**
   * Whether a block is the operand of products, and so large that the workers share them and
   * packing it pays.
   */
  public static boolean isLarge(Parameters parameters, Parameter block) {
    return ExactProducts.large(parameters, block);
  }

  /** Elementwise kernels. */
  public Kernels kernels() {
    return kernels;
  }

  /** Matrix products and factorisations. */
  public Blas blas() {
    return blas;
  }

  /** Products by weights. */
  Products products() {
    return products;
  }

  /** Whether products round their operands to bfloat16. */
  public boolean rounds() {
    return products.rounds();
  }

  /**
   * Blocks that are multiplied by as a whole in bfloat16, and their rounded copies; empty where
   * none is.
   */
  public Map<Parameter, BFloat16Matrix> roundedBlocks() {
    return products.roundedBlocks();
  }
}
