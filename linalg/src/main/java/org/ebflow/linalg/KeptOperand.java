package org.ebflow.linalg;

import org.ebflow.linalg.backend.PackedOperand;

/**
 * A weight as it is, for products of two numbers of rows among which the backend is batch-invariant
 * with it.
 */
record KeptOperand(Blas blas, Operand weight, int few, int many) implements PackedOperand {
  @Override
  public void multiply(Operand x, Matrix y, int rows) {
    if (x.rows() != few && x.rows() != many) {
      throw new IllegalArgumentException(
          "PackedWeight.multiply: x is " + x + ", expected " + few + " or " + many + " rows");
    }
    blas.multiply(false, x, true, weight, 1, 0, y);
  }

  @Override
  public void close() {
    // on the heap
  }
}
