package org.ebflow.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.nio.file.Path;
import java.util.Random;
import org.ebflow.flow.Flow;
import org.ebflow.flow.layer.Activation;
import org.ebflow.flow.layer.MonotoneSpline.Tails;
import org.ebflow.flow.model.CouplingConfig;
import org.ebflow.flow.model.Init;
import org.ebflow.flow.model.SplineConfig;
import org.ebflow.linalg.Blas;
import org.ebflow.linalg.Lu;
import org.ebflow.linalg.Matrix;
import org.ebflow.linalg.Precision;
import org.ebflow.training.data.Dataset;
import org.ebflow.training.data.Shuffle;
import org.ebflow.training.data.Splits;
import org.ebflow.training.objective.DenoisingScoreMatching;
import org.ebflow.training.objective.FiniteDifferenceScoreMatching;
import org.ebflow.training.objective.LossScale;
import org.ebflow.training.objective.MaximumLikelihood;
import org.ebflow.training.objective.Objective;
import org.ebflow.training.objective.SlicedScoreMatching;
import org.ebflow.training.optimizer.Adam;
import org.ebflow.training.preprocessing.Preprocessing;
import org.ebflow.training.preprocessing.Standardize;
import org.ebflow.training.scoring.Scorer;
import org.ebflow.training.scoring.TrainedFlow;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The last layer is that of maximum likelihood for what reaches it, whatever trains the others. */
class ClosedFormLastLayerTest {
  private static final Blas BLAS = Blas.named("java");
  private static final int D = 3;

  @TempDir Path folder;

  /** Correlated, skewed columns far from zero. */
  private static Dataset table(int count) {
    Random random = new Random(8);
    double[][] rows = new double[count][D];
    for (double[] row : rows) {
      double common = random.nextGaussian();
      for (int c = 0; c < D; c++) {
        row[c] = 5 * c + (c + 1) * (common + Math.exp(0.5 * random.nextGaussian()));
      }
    }
    return Dataset.of(rows);
  }

  private static Splits withoutValidation(Dataset all) {
    return new Splits(all, all.select(0, 0), all.select(0, 0));
  }

  /** The validation rows are the training rows, so that they choose no shrinkage. */
  private static Splits validatedByItself(Dataset all) {
    return new Splits(all, all, all.select(0, 0));
  }

  private static Objective objective(String loss) {
    return switch (loss) {
      case "ml" -> new MaximumLikelihood();
      case "ssm" -> new SlicedScoreMatching();
      case "dsm" -> new DenoisingScoreMatching(0.3, 0, LossScale.PER_DIMENSION);
      default -> new FiniteDifferenceScoreMatching(0.5, 0, LossScale.PER_DIMENSION);
    };
  }

  private static Flow flow(String model, Precision precision) {
    return switch (model) {
      case "dense" -> Flow.of(D).dense().precision(precision).build();
      case "fc" -> Flow.of(D).dense().smoothLeakyRelu(0.3).dense().precision(precision).build();
      case "spline" -> new SplineConfig(3, 5, 3, Tails.FROZEN).build(D, precision, 1);
      default ->
          new CouplingConfig(
                  2,
                  5,
                  1,
                  Activation.Kind.SWISH,
                  false,
                  CouplingConfig.Transform.BOUNDED,
                  Init.PUBLISHED)
              .build(D, precision, 1);
    };
  }

  private static Trainer trainer(Flow flow, String loss) {
    return Trainer.of(flow, objective(loss))
        .preprocessing(Standardize.byTrainingSet())
        .lastLayer(LastLayer.CLOSED_FORM)
        .optimizer(new Adam(1e-2))
        .batchSize(20)
        .epochs(0)
        .seed(4)
        .threads(2)
        .blas(BLAS);
  }

  /** Mean [1,n] and covariance [n,n] of rows. */
  private record Gaussian(double[] mean, Matrix covariance) {
    static Gaussian of(Matrix rows) {
      int n = rows.columns();
      double[] mean = new double[n];
      Matrix covariance = Matrix.allocate(Precision.FLOAT64, n, n);
      for (int r = 0; r < rows.rows(); r++) {
        for (int c = 0; c < n; c++) {
          mean[c] += rows.get(r, c) / rows.rows();
        }
      }
      for (int r = 0; r < rows.rows(); r++) {
        for (int a = 0; a < n; a++) {
          for (int b = 0; b < n; b++) {
            double product = (rows.get(r, a) - mean[a]) * (rows.get(r, b) - mean[b]);
            covariance.set(a, b, covariance.get(a, b) + product / rows.rows());
          }
        }
      }
      return new Gaussian(mean, covariance);
    }

    /** With correlations times 1-λ. */
    Gaussian shrunk(double shrinkage) {
      Matrix result = covariance.copy(Precision.FLOAT64);
      for (int a = 0; a < result.rows(); a++) {
        for (int b = 0; b < result.rows(); b++) {
          result.set(a, b, result.get(a, b) * (a == b ? 1 : 1 - shrinkage));
        }
      }
      return new Gaussian(mean, result);
    }

    /** Mean -log density of rows that have this mean and those second moments. */
    double nll(Matrix moments) {
      Matrix solved = moments.copy(Precision.FLOAT64);
      try (Lu lu = BLAS.factorize(covariance, Precision.FLOAT64)) {
        lu.solveRows(solved);
        double trace = 0;
        for (int c = 0; c < solved.columns(); c++) {
          trace += solved.get(c, c);
        }
        int n = covariance.rows();
        return 0.5 * (n * Math.log(2 * Math.PI) + lu.logAbsDeterminant() + trace);
      }
    }
  }

  private static Matrix rows(Dataset data) {
    double[][] rows = new double[data.size()][];
    for (int r = 0; r < rows.length; r++) {
      rows[r] = data.row(r);
    }
    return Matrix.ofRows(Precision.FLOAT64, rows);
  }

  /** What leaves the last layer, of prepared rows. */
  private static Matrix latent(TrainedFlow model, Dataset data, Preprocessing preprocessing) {
    Matrix prepared = preprocessing.flow(D, Precision.FLOAT64).forward(rows(data), BLAS);
    return model.flow().copy(Precision.FLOAT64).forward(prepared, BLAS);
  }

  /** A Gaussian's likelihood, with the shrinkage D/(D+n) where no rows choose it. */
  @ParameterizedTest
  @CsvSource({
    "ml, FLOAT64, true",
    "ml, FLOAT32, false",
    "ssm, FLOAT32, true",
    "ssm, FLOAT64, false",
    "dsm, FLOAT64, true",
    "fdssm, FLOAT64, true",
    "fdssm, FLOAT32, true"
  })
  void aDenseLayerAloneHasTheLikelihoodOfTheGaussian(
      String loss, Precision precision, boolean map) {
    Dataset data = table(150);
    double rounding = precision == Precision.FLOAT32 ? 1e-5 : 1e-9;
    Gaussian plain = Gaussian.of(rows(data));

    TrainedFlow shrunk =
        trainer(flow("dense", precision), loss)
            .matchAfterPreprocessing(map)
            .steps(3)
            .fit(withoutValidation(data), folder.resolve("shrunk"));
    TrainedFlow validated =
        trainer(flow("dense", precision), loss)
            .matchAfterPreprocessing(map)
            .steps(3)
            .fit(validatedByItself(data), folder.resolve("validated"));

    assertThat(nll(shrunk, data))
        .isCloseTo(plain.shrunk(D / (D + 150.0)).nll(plain.covariance()), within(rounding));
    assertThat(nll(validated, data)).isCloseTo(plain.nll(plain.covariance()), within(rounding));
  }

  private static double nll(TrainedFlow model, Dataset data) {
    try (Scorer scorer = new Scorer(model, BLAS, 1)) {
      return scorer.evaluate(data).nll();
    }
  }

  /** No affine map has a higher likelihood than one whose latents have mean 0 and covariance I. */
  @ParameterizedTest
  @CsvSource({
    "fc, ml, FLOAT64, true", "fc, ssm, FLOAT32, true", "spline, ssm, FLOAT64, false",
    "spline, dsm, FLOAT64, true", "spline, fdssm, FLOAT64, true", "coupling, ml, FLOAT64, false",
    "coupling, dsm, FLOAT32, true"
  })
  void theAveragedModelHasStandardisedLatents(
      String model, String loss, Precision precision, boolean map) {
    Dataset data = table(200);
    TrainedFlow best =
        trainer(flow(model, precision), loss)
            .matchAfterPreprocessing(map)
            .steps(70)
            .fit(validatedByItself(data), folder.resolve("run"));

    Gaussian latents = Gaussian.of(latent(best, data, Standardize.byTrainingSet().fit(data)));
    // a shrinkage of 1e-8 is as good as none to all digits of the NLL
    double rounding = precision == Precision.FLOAT32 ? 2e-5 : 2e-8;
    for (int a = 0; a < D; a++) {
      assertThat(latents.mean()[a]).isCloseTo(0, within(rounding));
      for (int b = 0; b < D; b++) {
        assertThat(latents.covariance().get(a, b)).isCloseTo(a == b ? 1 : 0, within(rounding));
      }
    }
  }

  /**
   * All rows fit into the moments of one update. So after 50 steps the layer whitens, with the
   * shrinkage D/(D+n), what the layers below now give; between updates it stays.
   */
  @ParameterizedTest
  @ValueSource(strings = {"ml", "ssm", "dsm", "fdssm"})
  void theTrainedLayerIsUpdatedEveryFiftySteps(String loss) {
    Dataset data = table(200);
    Flow first = trained("spline", loss, 1, data);
    Flow before = trained("spline", loss, 49, data);
    Flow after = trained("spline", loss, 50, data);

    assertThat(values(before, "4.weight")).containsExactly(values(first, "4.weight"));
    assertThat(values(before, "4.bias")).containsExactly(values(first, "4.bias"));
    assertThat(values(before, "2.weight")).isNotEqualTo(values(first, "2.weight"));
    assertThat(values(after, "4.weight")).isNotEqualTo(values(first, "4.weight"));

    Matrix prepared =
        Standardize.byTrainingSet().fit(data).flow(D, Precision.FLOAT64).forward(rows(data), BLAS);
    Gaussian reaching = Gaussian.of(after.part(0, 4).forward(prepared, BLAS));
    assertWhitens(
        after.weights().get("4.weight"),
        after.weights().get("4.bias"),
        reaching.shrunk(D / (D + 200.0)));
  }

  /** Whether y = W x + b of such rows has mean 0 and covariance I. */
  private static void assertWhitens(Matrix weight, Matrix bias, Gaussian reaching) {
    for (int a = 0; a < D; a++) {
      double shift = bias.get(0, a);
      for (int k = 0; k < D; k++) {
        shift += weight.get(a, k) * reaching.mean()[k];
      }
      assertThat(shift).isCloseTo(0, within(1e-9));
      for (int b = 0; b < D; b++) {
        double sum = 0;
        for (int k = 0; k < D; k++) {
          for (int l = 0; l < D; l++) {
            sum += weight.get(a, k) * reaching.covariance().get(k, l) * weight.get(b, l);
          }
        }
        assertThat(sum).isCloseTo(a == b ? 1 : 0, within(1e-9));
      }
    }
  }

  /**
   * An update, the first of them before the first step, sees the 100 rows that the next 50 steps
   * train on: a half of a pass. The average is over 64·3 rows, of which the latest count 100/192.
   */
  @ParameterizedTest
  @CsvSource({"50, 2", "100, 3"})
  void updatesEnterAnExponentialAverageOfTheMoments(int steps, int updates) {
    Dataset data = table(200);
    Flow flow = flow("dense", Precision.FLOAT64);
    trainer(flow, "ml")
        .batchSize(2)
        .steps(steps)
        .fit(withoutValidation(data), folder.resolve("run"));

    double[][] prepared =
        Standardize.byTrainingSet()
            .fit(data)
            .flow(D, Precision.FLOAT64)
            .forward(rows(data), BLAS)
            .toRows();
    double share = 100 / 192.0;
    double[] mean = new double[D];
    double[][] second = new double[D][D]; // moments about 0
    for (int update = 0; update < updates; update++) {
      int[] order = new int[200];
      Shuffle.fill(order, 4, update / 2);
      double keep = update == 0 ? 0 : 1 - share;
      for (int a = 0; a < D; a++) {
        mean[a] *= keep;
        for (int b = 0; b < D; b++) {
          second[a][b] *= keep;
        }
      }
      for (int i = 0; i < 100; i++) {
        double[] x = prepared[order[update % 2 * 100 + i]];
        for (int a = 0; a < D; a++) {
          mean[a] += (1 - keep) * x[a] / 100;
          for (int b = 0; b < D; b++) {
            second[a][b] += (1 - keep) * x[a] * x[b] / 100;
          }
        }
      }
    }
    Matrix covariance = Matrix.allocate(Precision.FLOAT64, D, D);
    for (int a = 0; a < D; a++) {
      for (int b = 0; b < D; b++) {
        covariance.set(a, b, second[a][b] - mean[a] * mean[b]);
      }
    }
    assertWhitens(
        flow.weights().get("0.weight"),
        flow.weights().get("0.bias"),
        new Gaussian(mean, covariance).shrunk(D / (D + 192.0)));
  }

  private static double[] values(Flow flow, String name) {
    return flow.parameters().byName().get(name).copy(Precision.FLOAT64).doubles();
  }

  /** The flow with its weights of the last step, not averaged. */
  private Flow trained(String model, String loss, int steps, Dataset data) {
    Flow flow = flow(model, Precision.FLOAT64);
    trainer(flow, loss).steps(steps).fit(withoutValidation(data), folder.resolve("run" + steps));
    return flow;
  }

  @Test
  void anotherNumberOfThreadsChangesLastBitsOnly() {
    Dataset data = table(150);
    double[] one =
        trainer(flow("fc", Precision.FLOAT32), "ssm")
            .threads(1)
            .steps(60)
            .fit(withoutValidation(data), folder.resolve("one"))
            .logProb(new double[][] {data.row(0), data.row(1)});
    double[] three =
        trainer(flow("fc", Precision.FLOAT32), "ssm")
            .threads(3)
            .steps(60)
            .fit(withoutValidation(data), folder.resolve("three"))
            .logProb(new double[][] {data.row(0), data.row(1)});
    assertThat(three).containsExactly(one, within(1e-3));
  }

  @Test
  void aFlowThatEndsWithAnotherLayerIsRefused() {
    Flow flow = Flow.of(D).dense().actNorm().build();
    assertThatThrownBy(
            () ->
                trainer(flow, "ml")
                    .steps(1)
                    .fit(withoutValidation(table(20)), folder.resolve("run")))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage(
            "last_layer is closed_form, expected trained: the model ends with ActNorm(3) and not with a dense layer");
  }
}
