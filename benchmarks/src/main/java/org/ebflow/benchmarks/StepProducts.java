package org.ebflow.benchmarks;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.ebflow.linalg.Blas;
import org.ebflow.linalg.Matrix;
import org.ebflow.linalg.MatrixPool;
import org.ebflow.linalg.Precision;
import org.ebflow.linalg.Team;
import org.ebflow.linalg.Worker;

/**
 * The matrix products of one training step of a two-layer FC flow, and nothing else: same shapes,
 * places in memory, order, tiles and meetings of the workers as in the step.
 *
 * <p>Counts as in MATH.md's cost table, in products of 2·D²·batch FLOP: ssm 16, dsm 11, fdssm 13,
 * ml 5, sml 10.
 */
final class StepProducts implements Team.Program {
  /** Of which steps the products are known. */
  static final List<String> LOSSES = List.of("ssm", "dsm", "fdssm", "ml", "sml");

  private static final int LAYERS = 2;

  /** A product c ← op(a)·op(b). */
  private record Product(boolean transposeA, Matrix a, boolean transposeB, Matrix b, Matrix c) {
    ProductShape shape() {
      return ProductShape.of(transposeA, a, transposeB, c);
    }
  }

  private final Blas blas;
  private final int batch;
  private final List<Product> products = new ArrayList<>();
  private final Matrix[] inputs = new Matrix[LAYERS];
  private final Matrix[] outputs = new Matrix[LAYERS];
  private final Matrix[] inputBars = new Matrix[LAYERS];
  private final Matrix[] outputBars = new Matrix[LAYERS];
  private final Matrix[] weights = new Matrix[LAYERS];
  private final Matrix[] weightBars = new Matrix[LAYERS];

  /** Those of a loss's step. */
  StepProducts(String loss, int dimension, int batch, Blas blas) {
    this.blas = blas;
    this.batch = batch;
    Random random = new Random(1);
    MatrixPool pool = MatrixPool.cacheAligned(Precision.FLOAT32);
    int streams = loss.equals("ml") ? 1 : loss.equals("dsm") || loss.equals("sml") ? 2 : 3;
    for (int layer = 0; layer < LAYERS; layer++) {
      inputs[layer] = Operands.uniform(random, pool.matrix(streams * batch, dimension));
      outputs[layer] = Operands.uniform(random, pool.matrix(streams * batch, dimension));
      inputBars[layer] = Operands.uniform(random, pool.matrix(streams * batch, dimension));
      outputBars[layer] = Operands.uniform(random, pool.matrix(streams * batch, dimension));
      weights[layer] = Operands.uniform(random, pool.weight(dimension, dimension));
      weightBars[layer] = Operands.uniform(random, pool.weight(dimension, dimension));
    }
    switch (loss) {
      case "ssm" -> sliced();
      case "dsm" -> denoising();
      case "fdssm" -> finiteDifferences();
      case "ml" -> energies(1);
      case "sml" -> energies(2);
      default -> throw new IllegalArgumentException("StepProducts: no loss " + loss);
    }
  }

  private void sliced() {
    forward(0, 0, 2);
    forward(1, 0, 2);
    back(1, 2, 1);
    back(0, 2, 1);
    forward(0, 2, 1);
    forward(1, 2, 1);
    back(1, 0, 2);
    weightGradient(1, 3);
    weightGradient(0, 3);
  }

  private void denoising() {
    forward(0, 0, 1);
    forward(1, 0, 1);
    back(1, 1, 1);
    back(0, 1, 1);
    forward(0, 1, 1);
    forward(1, 1, 1);
    back(1, 0, 1);
    weightGradient(1, 2);
    weightGradient(0, 2);
  }

  /** The first layer sees x and v, the second three points. */
  private void finiteDifferences() {
    forward(0, 0, 2);
    forward(1, 0, 3);
    back(1, 0, 3);
    weightGradient(1, 3);
    weightGradient(0, 2);
  }

  /** Order 0 of {@code groups} batches. */
  private void energies(int groups) {
    forward(0, 0, groups);
    forward(1, 0, groups);
    back(1, 0, groups);
    weightGradient(1, groups);
    weightGradient(0, groups);
  }

  private void forward(int layer, int from, int count) {
    products.add(
        new Product(
            false,
            streams(inputs[layer], from, count),
            true,
            weights[layer],
            streams(outputs[layer], from, count)));
  }

  private void back(int layer, int from, int count) {
    products.add(
        new Product(
            false,
            streams(outputBars[layer], from, count),
            false,
            weights[layer],
            streams(inputBars[layer], from, count)));
  }

  private void weightGradient(int layer, int count) {
    products.add(
        new Product(
            true,
            streams(outputBars[layer], 0, count),
            false,
            streams(inputs[layer], 0, count),
            weightBars[layer]));
  }

  private Matrix streams(Matrix all, int from, int count) {
    return all.rows(from * batch, (from + count) * batch);
  }

  /** Does them all, with a meeting after each; gradients need none between each other. */
  @Override
  public void run(Worker worker) {
    for (int i = 0; i < products.size(); i++) {
      Product product = products.get(i);
      blas.multiply(
          worker, product.transposeA, product.a, product.transposeB, product.b, 1, 0, product.c);
      if (!product.transposeA) {
        worker.barrier();
      }
    }
  }

  /** Shapes in the order of the step. */
  List<ProductShape> shapes() {
    return products.stream().map(Product::shape).toList();
  }

  /** FLOP of all. */
  double flop() {
    return shapes().stream().mapToDouble(ProductShape::flop).sum();
  }
}
