package org.ebflow.flow.pass;

import java.util.List;
import org.ebflow.linalg.Matrix;

/**
 * The matrices that rows are multiplied by for a weight that is no operand as a whole, such as that
 * of a convolution: a layer computes them from the weight.
 */
public interface DerivedOperands {
  /**
   * The matrices M [n,k] of the products x·Mᵀ of forward passes, newly made. Their number and
   * shapes are always the same.
   *
   * @param weight read
   */
  List<Matrix> forward(Matrix weight);

  /**
   * Rows of x in such a product.
   *
   * @param rows of a pass that goes forward only
   * @return -1 if they are not the same in all products of such a pass
   */
  int rowsOfProducts(int rows);

  /** How many numbers the matrices have together. */
  long numbers();
}
