package org.ebflow.benchmarks;

import java.util.Random;
import org.ebflow.linalg.Blas;
import org.ebflow.linalg.Matrix;
import org.ebflow.linalg.MatrixPool;
import org.ebflow.linalg.Precision;
import org.ebflow.linalg.Team;

/**
 * Speed of one product done again and again.
 *
 * @param shape what was multiplied
 * @param threads workers that shared it
 * @param timing of one product
 */
record SgemmCeiling(ProductShape shape, int threads, Timing timing) {
  /** GFLOP/s of the median run. */
  double median() {
    return shape.flop() / timing.median() / 1e6;
  }

  /** GFLOP/s of the best run. */
  double best() {
    return shape.flop() / timing.best() / 1e6;
  }

  /**
   * Checks the answer, then measures. Operands lie as in a step: a product with a transposed left
   * factor is the gradient of a weight, any other multiplies by one.
   */
  static SgemmCeiling measure(ProductShape shape, Blas blas, Team team, double seconds) {
    Random random = new Random(1);
    boolean gradient = shape.transposeA();
    MatrixPool pool = MatrixPool.cacheAligned(Precision.FLOAT32);
    Matrix a =
        Operands.uniform(
            random,
            gradient ? pool.matrix(shape.k(), shape.m()) : pool.matrix(shape.m(), shape.k()));
    Matrix b =
        Operands.uniform(
            random,
            shape.transposeB()
                ? pool.weight(shape.n(), shape.k())
                : gradient ? pool.matrix(shape.k(), shape.n()) : pool.weight(shape.k(), shape.n()));
    Matrix c = gradient ? pool.weight(shape.m(), shape.n()) : pool.matrix(shape.m(), shape.n());
    Team.Program product =
        worker -> blas.multiply(worker, gradient, a, shape.transposeB(), b, 1, 0, c);
    team.run(product);
    Operands.requireProduct(shape, a, b, c);
    return new SgemmCeiling(shape, team.size(), Timing.of(seconds, () -> team.run(product))[0]);
  }
}
