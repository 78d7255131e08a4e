package org.ebflow.spark;

import org.ebflow.flow.InvalidInputException;
import org.ebflow.linalg.Blas;

/** What computes the products of an executor. */
final class ExecutorBlas {
  private ExecutorBlas() {}

  /**
   * The fastest backend of that executor.
   *
   * @param bfloat16 whether it has to round operands to bfloat16
   * @throws InvalidInputException if the executor's processor has no such products
   */
  static Blas of(boolean bfloat16) {
    if (!bfloat16) {
      return Blas.auto();
    }
    Blas blas = Blas.named("onednn");
    if (!blas.multipliesBFloat16()) {
      throw new InvalidInputException(
          "precision bf16: the executor's processor has no such products (AVX-512 with bfloat16), expected f32");
    }
    return blas;
  }
}
