package org.ebflow.benchmarks;

import java.util.Random;
import org.ebflow.linalg.Blas;
import org.ebflow.linalg.Lu;
import org.ebflow.linalg.Matrix;
import org.ebflow.linalg.Precision;
import org.ebflow.linalg.Team;
import org.ebflow.linalg.Worker;

/**
 * The factorisations of one training step of a two-layer FC flow, one layer per worker at a time:
 * LU and inverse in float32, added to a gradient, for ml, LU in float64 and a solve of the batch
 * for sml.
 *
 * <p>FLOP: LU ⅔D³, inverse 4/3·D³, solve 2·D² per row.
 */
final class Factorisations implements Team.Program {
  private static final int LAYERS = 2;

  private final boolean inverse;
  private final int dimension;
  private final int batch;
  private final Matrix[] weights = new Matrix[LAYERS];
  private final Matrix[] weightBars = new Matrix[LAYERS];
  private final Lu[] factors = new Lu[LAYERS];
  private final Matrix rows;

  /** Those of ml or sml. */
  Factorisations(String loss, int dimension, int batch, Blas blas) {
    this.inverse = loss.equals("ml");
    this.dimension = dimension;
    this.batch = batch;
    Random random = new Random(1);
    for (int layer = 0; layer < LAYERS; layer++) {
      weights[layer] = Matrix.allocate(Precision.FLOAT32, dimension, dimension);
      for (int r = 0; r < dimension; r++) {
        for (int c = 0; c < dimension; c++) {
          weights[layer].set(
              r, c, (r == c ? -1 : 0) + 0.1 * random.nextGaussian() / Math.sqrt(dimension));
        }
      }
      weightBars[layer] = Matrix.allocate(Precision.FLOAT32, dimension, dimension);
      factors[layer] =
          blas.factorize(weights[layer], inverse ? Precision.FLOAT32 : Precision.FLOAT64);
    }
    rows = Matrix.allocate(Precision.FLOAT32, batch, dimension);
  }

  /** Whether a loss factorises in its steps. */
  static boolean neededBy(String loss) {
    return loss.equals("ml") || loss.equals("sml");
  }

  @Override
  public void run(Worker worker) {
    for (int layer = worker.rank(); layer < LAYERS; layer += worker.size()) {
      factors[layer].factorize(weights[layer]);
      if (inverse) {
        factors[layer].addInverseTransposed(1e-3, weightBars[layer]);
      }
    }
    worker.barrier();
    if (!inverse) {
      Matrix own = rows.rows(worker.from(batch), worker.to(batch));
      own.fill(1);
      for (int layer = LAYERS - 1; layer >= 0; layer--) {
        factors[layer].solveRows(own);
      }
    }
  }

  /** FLOP of all. */
  double flop() {
    double cube = (double) dimension * dimension * dimension;
    return LAYERS * (inverse ? 2 * cube : 2 * cube / 3 + 2.0 * dimension * dimension * batch);
  }
}
