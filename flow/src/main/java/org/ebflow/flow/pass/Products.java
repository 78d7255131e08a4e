package org.ebflow.flow.pass;

import java.util.List;
import java.util.Map;
import org.ebflow.linalg.BFloat16Matrix;
import org.ebflow.linalg.Blas;
import org.ebflow.linalg.Matrix;
import org.ebflow.linalg.Operand;
import org.ebflow.linalg.PackedWeight;
import org.ebflow.linalg.Worker;

/**
 * How the rows of a pass are multiplied by its weights: by the weights themselves, rounded to
 * bfloat16, or by copies packed once for many products.
 *
 * <p>Threading: every worker of a team makes the same calls.
 */
interface Products {
  /**
   * to_k ← from_k·Wᵀ when {@code transpose}, else to_k ← from_k·W, for the given orders.
   *
   * @param parameters where W's values are
   * @param from read, all rows of the batch
   * @param to the given orders overwritten, complete for every worker when it returns
   */
  void multiply(
      Worker worker,
      Parameters parameters,
      boolean transpose,
      Jet from,
      Parameter weight,
      Jet to,
      int fromOrder,
      int toOrder);

  /**
   * The given orders of a jet, all rows, in the form in which products by that weight read them.
   * Products that round do so now, for this worker's rows.
   */
  Operand operand(Worker worker, Jet jet, Parameter weight, int fromOrder, int toOrder);

  /** What brings operands of products by what is derived from that weight into their form. */
  OperandCopy copy(Parameter weight);

  /**
   * Packed copies of the matrices of {@link DerivedOperands#forward}; empty where there are none.
   */
  default List<PackedWeight> packed(Parameter weight) {
    return List.of();
  }

  /** Values of a block that is added to rows or scales them. */
  default Matrix value(Parameters parameters, Parameter block) {
    return parameters.of(block);
  }

  /**
   * Whether jets between layers need memory for rounded copies.
   *
   * @throws IllegalArgumentException if these products were made for other weights
   */
  default boolean roundsJets(Parameters parameters) {
    return false;
  }

  /** Whether products round their operands to bfloat16. */
  default boolean rounds() {
    return false;
  }

  /** Blocks that are multiplied by as a whole in bfloat16, and their rounded copies. */
  default Map<Parameter, BFloat16Matrix> roundedBlocks() {
    return Map.of();
  }

  /** The same with another BLAS for products that are not rounded. */
  Products withBlas(Blas blas);
}
