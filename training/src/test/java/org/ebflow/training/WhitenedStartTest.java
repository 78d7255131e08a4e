package org.ebflow.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.ebflow.flow.Flow;
import org.ebflow.flow.layer.Activation;
import org.ebflow.flow.layer.FixedAffine;
import org.ebflow.flow.layer.MonotoneSpline.Tails;
import org.ebflow.flow.layer.Shape;
import org.ebflow.flow.model.CouplingConfig;
import org.ebflow.flow.model.CouplingConfig.Transform;
import org.ebflow.flow.model.Init;
import org.ebflow.flow.model.ModelConfig;
import org.ebflow.flow.model.PatchesConfig;
import org.ebflow.flow.model.SplineConfig;
import org.ebflow.linalg.Blas;
import org.ebflow.linalg.Lu;
import org.ebflow.linalg.Matrix;
import org.ebflow.linalg.Noise;
import org.ebflow.linalg.Precision;
import org.ebflow.linalg.Team;
import org.ebflow.training.data.Dataset;
import org.ebflow.training.data.Splits;
import org.ebflow.training.objective.MaximumLikelihood;
import org.ebflow.training.optimizer.RmsProp;
import org.ebflow.training.preprocessing.Margins;
import org.ebflow.training.preprocessing.Moments;
import org.ebflow.training.preprocessing.Preprocessing;
import org.ebflow.training.preprocessing.Standardize;
import org.ebflow.training.scoring.EmpiricalDistribution;
import org.ebflow.training.scoring.Evaluation;
import org.ebflow.training.scoring.Scorer;
import org.ebflow.training.scoring.TrainedFlow;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Behind a whitening map a run starts as the shrunk Gaussian and ends no worse. */
class WhitenedStartTest {
  private static final Blas BLAS = Blas.named("java");
  private static final Shape SHAPE = new Shape(1, 2, 2);
  private static final long SEED = 3;

  @TempDir Path folder;

  /** Correlated columns of different scales, far from zero; the last holds whole numbers. */
  private static double[][] rows(int count) {
    Random random = new Random(5);
    double[][] rows = new double[count][4];
    for (double[] row : rows) {
      double common = random.nextGaussian();
      Arrays.setAll(row, c -> 7 * c + Math.pow(10, c - 1) * (common + random.nextGaussian()));
      row[3] = Math.rint(row[3]);
    }
    return rows;
  }

  private static Dataset table(int count) {
    return Dataset.of(rows(count));
  }

  /** Pictures whose pixels are correlated. */
  private static Dataset pictures(int count) {
    Random random = new Random(6);
    byte[] pixels = new byte[count * SHAPE.size()];
    int common = 0;
    for (int i = 0; i < pixels.length; i++) {
      common = i % SHAPE.size() == 0 ? random.nextInt(100) : common;
      pixels[i] = (byte) (common + random.nextInt(60));
    }
    return Dataset.ofPixels("pictures", pixels, SHAPE.size(), SHAPE, 256);
  }

  /** A training part of that share, and a validation part of all the others. */
  private static Splits parts(Dataset all, double share) {
    int train = (int) (share * all.size());
    return new Splits(all.select(0, train), all.select(train, all.size()), all.select(0, 0));
  }

  private static ModelConfig model(String type) {
    return switch (type) {
      case "spline" -> new SplineConfig(3, 9, 3.5, Tails.FROZEN, Init.WHITENING);
      case "patches" -> new PatchesConfig(1, 1, 9, 3.5, Tails.FROZEN, Init.WHITENING);
      default ->
          new CouplingConfig(
              3,
              8,
              1,
              Activation.Kind.SWISH,
              type.endsWith("normalised"),
              transform(type),
              Init.WHITENING);
    };
  }

  private static Transform transform(String type) {
    return type.contains("bounded")
        ? Transform.BOUNDED
        : type.contains("additive") ? Transform.ADDITIVE : Transform.PUBLISHED;
  }

  private static Preprocessing.Fit preprocessing(String name) {
    return switch (name) {
      case "none" -> train -> Preprocessing.none();
      case "standardize" -> Standardize.byTrainingSet();
      case "logit" -> train -> Preprocessing.logit(train.dimension(), train.levels(), 1);
      default -> Margins.byTrainingSet(true);
    };
  }

  /** What a scorer's preprocessing makes of rows, and the log-determinant of each row. */
  private record Prepared(Matrix z, double[] logDets) {
    /**
     * With a shift of 1 in column c, log N(z + e_c) - log N(z) = -z_c - ½: so log p of five models
     * tells z, whatever noise was added.
     */
    static Prepared of(Dataset data, Preprocessing before, Precision precision) {
      int dimension = data.dimension();
      double[] plain = logProb(data, before, precision, -1);
      Matrix z = Matrix.allocate(Precision.FLOAT64, data.size(), dimension);
      double[] logDets = plain.clone();
      for (int c = 0; c < dimension; c++) {
        double[] shifted = logProb(data, before, precision, c);
        for (int r = 0; r < shifted.length; r++) {
          double value = plain[r] - shifted[r] - 0.5;
          z.set(r, c, value);
          logDets[r] += 0.5 * (value * value + Math.log(2 * Math.PI));
        }
      }
      return new Prepared(z, logDets);
    }

    private static double[] logProb(
        Dataset data, Preprocessing before, Precision precision, int column) {
      double[] ones = new double[data.dimension()];
      Arrays.fill(ones, 1);
      double[] shift = new double[data.dimension()];
      if (column >= 0) {
        shift[column] = 1;
      }
      Flow flow =
          Flow.of(data.dimension())
              .precision(precision)
              .layer(new FixedAffine(ones, shift))
              .build();
      TrainedFlow model =
          new TrainedFlow(
              flow,
              before,
              new TrainedFlow.DataDescription(
                  data.name(), List.of(), data.imageShape(), EmpiricalDistribution.unknown(), null),
              SEED);
      try (Scorer scorer = new Scorer(model, BLAS, 1)) {
        return scorer.logProb(data);
      }
    }
  }

  /** N(μ, S((1-λ)R + λI)S) of moments. */
  private record Gaussian(Matrix mean, Matrix covariance) {
    static Gaussian of(Moments moments, double shrinkage) {
      Matrix covariance = moments.covariance().copy(Precision.FLOAT64);
      for (int r = 0; r < covariance.rows(); r++) {
        for (int c = 0; c < covariance.columns(); c++) {
          covariance.set(r, c, covariance.get(r, c) * (r == c ? 1 : 1 - shrinkage));
        }
      }
      return new Gaussian(moments.mean(), covariance);
    }

    /** Mean of ½(D·log 2π + log|Σ| + (z-μ)ᵀΣ⁻¹(z-μ)) over the rows of z. */
    double nll(Matrix z) {
      Matrix solved = z.copy(Precision.FLOAT64);
      Matrix deviation = z.copy(Precision.FLOAT64);
      for (int r = 0; r < z.rows(); r++) {
        for (int c = 0; c < z.columns(); c++) {
          deviation.set(r, c, z.get(r, c) - mean.get(0, c));
        }
      }
      solved.copyFrom(deviation);
      try (Lu lu = BLAS.factorize(covariance, Precision.FLOAT64)) {
        lu.solveRows(solved);
        double sum = 0;
        for (int r = 0; r < z.rows(); r++) {
          for (int c = 0; c < z.columns(); c++) {
            sum += deviation.get(r, c) * solved.get(r, c);
          }
        }
        return 0.5
            * (z.columns() * Math.log(2 * Math.PI) + lu.logAbsDeterminant() + sum / z.rows());
      }
    }
  }

  private static Moments moments(Dataset data, Preprocessing before, Precision precision) {
    try (Team team = new Team(1)) {
      return Moments.of(data, before, precision, new Noise(SEED), BLAS, team);
    }
  }

  /** NLL of the validation rows, or, without any, of the training rows. */
  private static double expected(Splits data, Preprocessing before, Precision precision) {
    Moments train = moments(data.train(), before, precision);
    boolean validated = data.validation().size() > 0;
    Prepared rows = Prepared.of(validated ? data.validation() : data.train(), before, precision);
    double shrinkage = 4.0 / (4 + data.train().size());
    if (validated) {
      Moments validation = moments(data.validation(), before, precision);
      double lowest = Double.POSITIVE_INFINITY;
      for (int k = -1; k <= 64; k++) {
        double candidate = k < 0 ? 0 : Math.pow(10, -k / 8.0);
        double nll = nll(Gaussian.of(train, candidate), validation);
        if (nll < lowest) {
          lowest = nll;
          shrinkage = candidate;
        }
      }
    }
    double nll = Gaussian.of(train, shrinkage).nll(rows.z);
    return nll - Arrays.stream(rows.logDets).average().orElseThrow();
  }

  /** That of rows with these moments, but for a constant: log|Σ| + tr Σ⁻¹M about μ. */
  private static double nll(Gaussian gaussian, Moments rows) {
    Matrix moments = rows.covariance().copy(Precision.FLOAT64);
    for (int r = 0; r < moments.rows(); r++) {
      for (int c = 0; c < moments.columns(); c++) {
        double ofMeans =
            (rows.mean().get(0, r) - gaussian.mean.get(0, r))
                * (rows.mean().get(0, c) - gaussian.mean.get(0, c));
        moments.set(r, c, moments.get(r, c) + ofMeans);
      }
    }
    try (Lu lu = BLAS.factorize(gaussian.covariance, Precision.FLOAT64)) {
      lu.solveRows(moments);
      double trace = 0;
      for (int c = 0; c < moments.columns(); c++) {
        trace += moments.get(c, c);
      }
      return lu.logAbsDeterminant() + trace;
    }
  }

  /** A rate that ruins any model: the start stays the best. */
  private TrainedFlow run(
      String type,
      Preprocessing.Fit fit,
      boolean map,
      Precision precision,
      Splits data,
      double[] start) {
    Flow flow = model(type).build(SHAPE, precision, SEED);
    return Trainer.of(flow, new MaximumLikelihood())
        .preprocessing(fit)
        .whitening(true)
        .matchAfterPreprocessing(map)
        .optimizer(new RmsProp(0.3))
        .averageDecay(0)
        .batchSize(32)
        .epochs(1)
        .seed(SEED)
        .threads(2)
        .blas(BLAS)
        .listener(
            new TrainingListener() {
              @Override
              public void evaluated(
                  long step, Evaluation validation, boolean best, TrainedFlow averaged) {
                if (step == 0) {
                  start[0] = validation.nll();
                }
                assertThat(best).isEqualTo(step == 0);
              }
            })
        .fit(data, folder.resolve("run"));
  }

  @ParameterizedTest
  @CsvSource({
    "spline, none, true, FLOAT64, .8",
    "spline, standardize, true, FLOAT32, .8",
    "spline, standardize, false, FLOAT64, .8",
    "spline, margins, true, FLOAT64, .8",
    "spline, margins, true, FLOAT32, .8",
    "spline, standardize, true, FLOAT64, 1",
    "coupling, standardize, true, FLOAT64, .8",
    "coupling, margins, true, FLOAT32, .8",
    "coupling normalised, standardize, true, FLOAT64, .8",
    "coupling, none, false, FLOAT64, 1",
    "bounded coupling, standardize, true, FLOAT32, .8",
    "bounded coupling normalised, none, false, FLOAT64, .8",
    "additive coupling, margins, true, FLOAT64, .8"
  })
  void tablesStartAsTheShrunkGaussianAndEndNoWorse(
      String type, String preprocessing, boolean map, Precision precision, double share) {
    Dataset all = table(130);
    check(type, preprocessing, map, precision, parts(all, share), all);
  }

  @ParameterizedTest
  @CsvSource({
    "spline, margins, true, FLOAT32",
    "spline, logit, true, FLOAT64",
    "patches, margins, true, FLOAT32",
    "patches, margins, true, FLOAT64",
    "coupling, logit, true, FLOAT32",
    "spline, logit, false, FLOAT64"
  })
  void picturesStartAsTheShrunkGaussianAndEndNoWorse(
      String type, String preprocessing, boolean map, Precision precision) {
    Dataset all = pictures(130);
    check(type, preprocessing, map, precision, parts(all, .8), all);
  }

  @Test
  void aRunThatGoesOnDoesNotEvaluateItsStartAgain() {
    List<Long> evaluated = new ArrayList<>();
    TrainingListener told =
        new TrainingListener() {
          @Override
          public void evaluated(
              long step, Evaluation validation, boolean best, TrainedFlow averaged) {
            evaluated.add(step);
          }
        };
    Splits data = parts(table(130), .8);
    for (int steps : new int[] {3, 5}) {
      Trainer trainer =
          Trainer.of(model("spline").build(SHAPE, Precision.FLOAT32, SEED), new MaximumLikelihood())
              .whitening(true)
              .epochs(0)
              .steps(steps)
              .threads(1)
              .blas(BLAS)
              .listener(told);
      if (steps == 3) {
        trainer.fit(data, folder.resolve("run"));
      } else {
        trainer.resume(data, folder.resolve("run"));
      }
    }
    assertThat(evaluated.getFirst()).isZero();
    assertThat(evaluated).doesNotHaveDuplicates();
    assertThat(evaluated).contains(3L, 5L).isSorted();
  }

  private void check(
      String type,
      String preprocessing,
      boolean map,
      Precision precision,
      Splits data,
      Dataset all) {
    Preprocessing.Fit fit = preprocessing(preprocessing);
    // a preprocessing of pixels has float32 weights in either precision
    double rounding =
        precision == Precision.FLOAT32 ? 2e-5 : data.train().levels() > 0 ? 1e-7 : 1e-9;
    double[] start = {Double.NaN};
    TrainedFlow best = run(type, fit, map, precision, data, start);
    Evaluation loaded;
    try (Scorer scorer = Scorer.open(folder.resolve("run"))) {
      loaded = scorer.evaluate(data.validation().size() > 0 ? data.validation() : data.train());
      double[][] two = {all.row(0), all.row(1)};
      assertThat(scorer.logProb(two)).containsExactly(best.logProb(two), within(rounding));
    }
    double expected = expected(data, fit.fit(data.train()), precision);
    assertThat(start[0]).isCloseTo(expected, within(rounding));
    assertThat(loaded.nll()).isCloseTo(expected, within(rounding));
  }
}
