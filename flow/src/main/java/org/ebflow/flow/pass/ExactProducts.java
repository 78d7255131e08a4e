package org.ebflow.flow.pass;

import org.ebflow.linalg.Blas;
import org.ebflow.linalg.Matrix;
import org.ebflow.linalg.Operand;
import org.ebflow.linalg.Worker;

/**
 * Products by the weights as they are, neither rounded nor packed. Which worker computes which
 * part: docs/decisions/0003.
 */
final class ExactProducts implements Products {
  /**
   * Most numbers of a small weight. Each worker multiplies its own rows by a small weight. The
   * workers share the columns of a product by a larger one.
   */
  static final int SMALL_WEIGHT = 128 * 128;

  private final Blas blas;

  ExactProducts(Blas blas) {
    this.blas = blas;
  }

  /** Whether a block is an operand as a whole whose products are shared by the workers. */
  static boolean large(Parameters parameters, Parameter block) {
    return block.operand() && large(parameters.of(block));
  }

  /** Whether products by a weight are shared by the workers. */
  static boolean large(Matrix weight) {
    return weight.size() > SMALL_WEIGHT;
  }

  @Override
  public void multiply(
      Worker worker,
      Parameters parameters,
      boolean transpose,
      Jet from,
      Parameter weight,
      Jet to,
      int fromOrder,
      int toOrder) {
    multiply(worker, transpose, from, parameters.of(weight), to, fromOrder, toOrder);
  }

  /** The same by a matrix that is no parameter; every worker passes the same values. */
  void multiply(
      Worker worker,
      boolean transpose,
      Jet from,
      Matrix weight,
      Jet to,
      int fromOrder,
      int toOrder) {
    if (worker.size() > 1 && !large(weight)) {
      for (int k = fromOrder; k <= toOrder; k++) {
        blas.multiply(false, from.stream(k), transpose, weight, 1, 0, to.stream(k));
      }
    } else {
      share(
          worker, transpose, from.whole(fromOrder, toOrder), weight, to.whole(fromOrder, toOrder));
    }
  }

  /** One product whose columns the workers share. */
  void share(Worker worker, boolean transpose, Operand rows, Operand weight, Matrix target) {
    worker.barrier(); // all rows of the input are written
    blas.multiply(worker, false, rows, transpose, weight, 1, 0, target);
    worker.barrier(); // all columns of the output are written
  }

  @Override
  public Operand operand(Worker worker, Jet jet, Parameter weight, int fromOrder, int toOrder) {
    return jet.whole(fromOrder, toOrder);
  }

  @Override
  public OperandCopy copy(Parameter weight) {
    return new OperandCopy(null);
  }

  @Override
  public Products withBlas(Blas other) {
    return new ExactProducts(other);
  }
}
