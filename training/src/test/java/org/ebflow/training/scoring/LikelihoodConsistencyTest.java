package org.ebflow.training.scoring;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.nio.file.Path;
import java.util.Random;
import org.ebflow.flow.Flow;
import org.ebflow.flow.layer.Activation;
import org.ebflow.flow.model.CouplingConfig;
import org.ebflow.linalg.Blas;
import org.ebflow.linalg.Matrix;
import org.ebflow.linalg.Precision;
import org.ebflow.training.Trainer;
import org.ebflow.training.data.Dataset;
import org.ebflow.training.data.Splits;
import org.ebflow.training.objective.SlicedScoreMatching;
import org.ebflow.training.optimizer.Adam;
import org.ebflow.training.preprocessing.Standardize;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Independent ways to the same likelihood of a trained 2-D model agree. */
class LikelihoodConsistencyTest {
  private static final int GRID = 600;
  private static final double HALF_SIDE = 12;
  private static final double CELL = 2 * HALF_SIDE / GRID;

  private static Splits data;
  private static TrainedFlow model;
  private static double[] gridLogProb;

  @BeforeAll
  static void trainASmallModel(@TempDir Path folder) {
    Random random = new Random(11);
    double[][] rows = new double[3000][];
    for (int r = 0; r < rows.length; r++) {
      double side = r % 2 == 0 ? 1.5 : -1.5;
      rows[r] =
          new double[] {
            side + 0.7 * random.nextGaussian(), side * side - 2 + random.nextGaussian()
          };
    }
    data = Dataset.of(rows).split(0.8, 0.1, 0.1);
    Flow flow = new CouplingConfig(3, 16, 2, Activation.Kind.ELU).build(2, Precision.FLOAT64, 1);
    model =
        Trainer.of(flow, new SlicedScoreMatching())
            .preprocessing(Standardize.byTrainingSet())
            .optimizer(new Adam(2e-3))
            .epochs(10)
            .seed(2)
            .fit(data, folder.resolve("run"));
    Matrix grid = Matrix.allocate(Precision.FLOAT64, GRID * GRID, 2);
    for (int i = 0; i < GRID; i++) {
      for (int j = 0; j < GRID; j++) {
        grid.set(i * GRID + j, 0, -HALF_SIDE + (i + 0.5) * CELL);
        grid.set(i * GRID + j, 1, -HALF_SIDE + (j + 0.5) * CELL);
      }
    }
    try (Scorer scorer = new Scorer(model, Blas.auto(), 2)) {
      gridLogProb = scorer.score(grid).logProb();
    }
  }

  @Test
  void theDensityIntegratesToOne() {
    double sum = 0;
    for (double logProb : gridLogProb) {
      sum += Math.exp(logProb) * CELL * CELL;
    }
    assertThat(sum).isCloseTo(1, within(1e-3));
  }

  private static Evaluation evaluation(Scores scores, Scorer scorer) {
    return Evaluation.of(
        scores.logProb(),
        2,
        scorer.logZ(),
        row -> {
          throw new AssertionError("row " + row + " has density zero");
        });
  }

  @Test
  void samplesHaveTheEntropyOfTheDensity() {
    double entropy = 0;
    for (double logProb : gridLogProb) {
      entropy -= Math.exp(logProb) * logProb * CELL * CELL;
    }
    Matrix samples = model.sample(100_000, 5, Blas.auto());
    try (Scorer scorer = new Scorer(model, Blas.auto(), 2)) {
      Evaluation sampled = evaluation(scorer.score(samples), scorer);
      assertThat(sampled.nll()).isCloseTo(entropy, within(4 * sampled.standardError()));
    }
  }

  @Test
  void scoringEvaluationAndEnergyAgree() {
    try (Scorer scorer = new Scorer(model, Blas.auto(), 2)) {
      double[][] rows = new double[data.test().size()][];
      for (int r = 0; r < rows.length; r++) {
        rows[r] = data.test().row(r);
      }
      Scores scores = scorer.score(Matrix.ofRows(Precision.FLOAT64, rows));
      assertThat(evaluation(scores, scorer)).isEqualTo(scorer.evaluate(data.test()));
      double logDerivative = scores.logProb()[0] + scores.energy()[0] + scorer.logZ();
      for (int r = 0; r < rows.length; r++) {
        // standardisation has the same log-derivative everywhere
        assertThat(scores.logProb()[r])
            .isCloseTo(
                -scores.energy()[r] - scorer.logZ() + logDerivative,
                within(1e-12 * Math.abs(scores.energy()[r]) + 1e-12));
      }
      assertThat(model.logProb(rows)).isEqualTo(scores.logProb());
    }
  }
}
