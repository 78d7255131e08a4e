package org.ebflow.benchmarks;

import java.util.List;
import java.util.Random;
import org.ebflow.flow.Flow;
import org.ebflow.linalg.Blas;
import org.ebflow.linalg.Precision;
import org.ebflow.training.data.Dataset;
import org.ebflow.training.preprocessing.Preprocessing;
import org.ebflow.training.recipe.Recipe;
import org.ebflow.training.scoring.EmpiricalDistribution;
import org.ebflow.training.scoring.Scorer;
import org.ebflow.training.scoring.TrainedFlow;

/** The library's scoring of random pixels by the published FC model; log Z computed once. */
public final class Scoring implements AutoCloseable {
  /** Rows scored by one repetition. */
  public static final int ROWS = 2000;

  /** Of no data set. */
  public static final TrainedFlow.DataDescription DATA =
      new TrainedFlow.DataDescription(
          "random pixels", List.of(), null, EmpiricalDistribution.unknown(), null);

  private static final int LEVELS = 256;

  private final Dataset rows;
  private final Scorer scorer;

  /** Opens the scorer; {@code bfloat16} rounds the operands of products, by backend onednn. */
  public Scoring(int dimension, int threads, boolean bfloat16) {
    byte[] pixels = new byte[ROWS * dimension];
    new Random(1).nextBytes(pixels);
    rows = Dataset.ofPixels(DATA.name(), pixels, dimension, null, LEVELS);
    Flow flow = Recipe.named("mnist-fc-ssm").flow(dimension, Precision.FLOAT32);
    TrainedFlow model = new TrainedFlow(flow, preprocessing(dimension), DATA, 1);
    scorer =
        bfloat16
            ? Scorer.bfloat16(model, Blas.named("onednn"), threads)
            : new Scorer(model, Blas.auto(), threads);
  }

  /** That of the published MNIST recipes. */
  public static Preprocessing preprocessing(int dimension) {
    return Recipe.named("mnist-fc-ssm")
        .preprocessing()
        .fit(Dataset.ofPixels(DATA.name(), new byte[dimension], dimension, null, LEVELS));
  }

  /** Scores all rows. */
  public void run() {
    double nll = scorer.evaluate(rows).nll();
    if (!Double.isFinite(nll)) {
      throw new IllegalStateException("scores are not finite");
    }
  }

  @Override
  public void close() {
    scorer.close();
  }
}
