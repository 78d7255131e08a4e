package org.ebflow.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.stream.Stream;
import org.ebflow.flow.Flow;
import org.ebflow.flow.InvalidInputException;
import org.ebflow.flow.layer.MonotoneSpline.Tails;
import org.ebflow.flow.layer.Shape;
import org.ebflow.flow.model.Init;
import org.ebflow.flow.model.SplineConfig;
import org.ebflow.linalg.Blas;
import org.ebflow.linalg.Precision;
import org.ebflow.training.data.Dataset;
import org.ebflow.training.data.Splits;
import org.ebflow.training.objective.MaximumLikelihood;
import org.ebflow.training.objective.SlicedScoreMatching;
import org.ebflow.training.optimizer.RmsProp;
import org.ebflow.training.preprocessing.Margins;
import org.ebflow.training.preprocessing.Preprocessing;
import org.ebflow.training.preprocessing.Standardize;
import org.ebflow.training.scoring.Evaluation;
import org.ebflow.training.scoring.TrainedFlow;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class BaselinesTest {
  private static final Blas BLAS = Blas.named("java");
  private static final double CORRELATION = 0.8;

  @TempDir private Path folder;

  /** Two normal columns of deviations 1 and 3 with {@link #CORRELATION}, far from zero. */
  private static double[][] rows(int count, long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    double[][] rows = new double[count][2];
    for (double[] row : rows) {
      double first = random.nextGaussian();
      double second = random.nextGaussian();
      row[0] = 40 + first;
      row[1] = -7 + 3 * (CORRELATION * first + Math.sqrt(1 - CORRELATION * CORRELATION) * second);
    }
    return rows;
  }

  private static Splits splits(double[][] train, double[][] validation, double[][] test) {
    return new Splits(Dataset.of(train), Dataset.of(validation), Dataset.of(test));
  }

  /** A trainer whose model hardly counts. */
  private static Trainer trainer(int dimension, Preprocessing.Fit preprocessing) {
    return Trainer.of(Flow.of(dimension).dense().build(), new SlicedScoreMatching())
        .preprocessing(preprocessing)
        .steps(1)
        .threads(2)
        .seed(9)
        .blas(BLAS);
  }

  private static Map<Baseline, Evaluation> evaluate(Path run, Dataset rows) {
    return Baselines.load(run, rows.dimension()).evaluate(rows, BLAS, 1);
  }

  private Map<Baseline, Evaluation> train(
      String run, Splits data, Preprocessing.Fit preprocessing, Dataset rows) {
    trainer(data.train().dimension(), preprocessing).fit(data, folder.resolve(run));
    return evaluate(folder.resolve(run), rows);
  }

  private static Preprocessing.Fit none() {
    return train -> Preprocessing.none();
  }

  /** Mean of ½(2·log 2π + log|Σ| + (x-μ)ᵀΣ⁻¹(x-μ)), Σ of the training rows with shrunk ρ. */
  private static double closedForm(double[][] train, double shrinkage, double[][] rows) {
    double[] mean = new double[2];
    for (double[] row : train) {
      mean[0] += row[0] / train.length;
      mean[1] += row[1] / train.length;
    }
    double a = 0;
    double b = 0;
    double c = 0;
    for (double[] row : train) {
      a += (row[0] - mean[0]) * (row[0] - mean[0]) / train.length;
      b += (1 - shrinkage) * (row[0] - mean[0]) * (row[1] - mean[1]) / train.length;
      c += (row[1] - mean[1]) * (row[1] - mean[1]) / train.length;
    }
    double determinant = a * c - b * b;
    double sum = 0;
    for (double[] row : rows) {
      double x = row[0] - mean[0];
      double y = row[1] - mean[1];
      sum += (c * x * x - 2 * b * x * y + a * y * y) / determinant;
    }
    return 0.5 * (2 * Math.log(2 * Math.PI) + Math.log(determinant) + sum / rows.length);
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void theGaussianHasItsClosedForm(boolean standardized) {
    double[][] train = rows(90, 1);
    double[][] test = rows(50, 2);
    Preprocessing.Fit fit = standardized ? Standardize.byTrainingSet() : none();

    // rows that were fitted choose no shrinkage
    double plain =
        train("plain", splits(train, train, test), fit, Dataset.of(test))
            .get(Baseline.GAUSSIAN)
            .nll();
    // and without validation rows it is D/(D+n)
    Dataset all = Dataset.of(train);
    Splits unvalidated = new Splits(all, all.select(0, 0), Dataset.of(test));
    double shrunk =
        train("shrunk", unvalidated, fit, Dataset.of(test)).get(Baseline.GAUSSIAN).nll();

    assertThat(plain).isCloseTo(closedForm(train, 0, test), within(1e-9));
    assertThat(shrunk).isCloseTo(closedForm(train, 2 / 92., test), within(1e-9));
    assertThat(shrunk).isNotCloseTo(plain, within(1e-5));
  }

  @Test
  void marginsAreTheSumOverTheColumns() {
    double[][] train = rows(400, 3);
    double[][] test = rows(100, 4);
    double sum = 0;
    for (int c = 0; c < 2; c++) {
      Splits one = splits(column(train, c), column(test, c), column(test, c));
      sum += train("column" + c, one, none(), one.test()).get(Baseline.MARGINS).nll();
    }
    Splits both = splits(train, test, test);
    assertThat(train("both", both, none(), both.test()).get(Baseline.MARGINS).nll())
        .isCloseTo(sum, within(1e-9));
  }

  private static double[][] column(double[][] rows, int column) {
    return Arrays.stream(rows).map(row -> new double[] {row[column]}).toArray(double[][]::new);
  }

  /** For normal columns all that margins miss is ½ log(1-ρ²), and a Gaussian misses nothing. */
  @Test
  void theCopulaGainsTheMutualInformationOnTheMargins() {
    double[][] rows = rows(5000, 5);
    Splits data = splits(rows, rows, rows);
    Map<Baseline, Evaluation> found = train("run", data, Standardize.byTrainingSet(), data.train());
    double information = -0.5 * Math.log(1 - CORRELATION * CORRELATION);
    double margins = found.get(Baseline.MARGINS).nll();
    double copula = found.get(Baseline.COPULA).nll();
    assertThat(margins - copula).isCloseTo(information, within(0.03));
    assertThat(copula).isCloseTo(found.get(Baseline.GAUSSIAN).nll(), within(0.02));
    assertThat(found.keySet())
        .containsExactly(Baseline.GAUSSIAN, Baseline.MARGINS, Baseline.COPULA);
  }

  @ParameterizedTest
  @CsvSource({"1000, false", "1000, true", "1e-6, false", "1e-6, true"})
  void areInTheUnitsOfTheData(double factor, boolean margins) {
    Preprocessing.Fit fit = margins ? Margins.byTrainingSet(false) : Standardize.byTrainingSet();
    double[][] train = rows(300, 6);
    double[][] test = rows(100, 7);
    Splits plain = splits(train, test, test);
    Splits scaled = splits(scaled(train, factor), scaled(test, factor), scaled(test, factor));
    Map<Baseline, Evaluation> one = train("plain", plain, fit, plain.test());
    Map<Baseline, Evaluation> other = train("scaled", scaled, fit, scaled.test());
    for (Baseline baseline : Baseline.values()) {
      assertThat(other.get(baseline).nll() - one.get(baseline).nll())
          .as(baseline.title())
          .isCloseTo(2 * Math.log(factor), within(1e-6));
    }
  }

  private static double[][] scaled(double[][] rows, double factor) {
    return Arrays.stream(rows)
        .map(row -> Arrays.stream(row).map(x -> factor * x).toArray())
        .toArray(double[][]::new);
  }

  /** Whole numbers 0 … 9, as often each: spread evenly over [0,10). */
  @Test
  void columnsOfWholeNumbersAreSpreadWhereTheRunSpreadsThem() {
    double[][] rows = new double[2000][1];
    Arrays.setAll(rows, r -> new double[] {r % 10});
    Splits data = splits(rows, rows, rows);
    Preprocessing.Fit spread = train -> Preprocessing.none().dequantizing(List.of(0));
    Map<Baseline, Evaluation> found = train("spread", data, spread, data.test());
    double variance = 100 / 12.;
    assertThat(found.get(Baseline.GAUSSIAN).nll())
        .isCloseTo(0.5 * Math.log(2 * Math.PI * Math.E * variance), within(0.02));
    assertThat(found.get(Baseline.MARGINS).nll())
        .isCloseTo(Math.log(10), within(0.12)); // smooth edges
    for (TrainedFlow model : Baselines.load(folder.resolve("spread"), 1).models().values()) {
      assertThat(model.preprocessing().wholeColumns()).containsExactly(0);
      assertThat(model.flow().precision()).isEqualTo(Precision.FLOAT64);
    }
    train("as they are", data, none(), data.test());
    for (TrainedFlow model : Baselines.load(folder.resolve("as they are"), 1).models().values()) {
      assertThat(model.preprocessing().wholeColumns()).isEmpty();
    }
  }

  /** Pixels of 16 levels, each as often, the second the same as the first. */
  private static Dataset pixels() {
    byte[] pixels = new byte[2 * 1600];
    for (int i = 0; i < pixels.length; i++) {
      pixels[i] = (byte) (i / 2 % 16);
    }
    return Dataset.ofPixels("pixels", pixels, 2, null, 16);
  }

  @Test
  void marginsOfPixelsHaveTheEntropyOfTheirLevels() {
    Dataset data = pixels();
    Map<Baseline, Evaluation> found =
        train("run", new Splits(data, data, data), train -> Preprocessing.logit(2, 16, 3), data);
    assertThat(found.get(Baseline.MARGINS).nll()).isCloseTo(2 * Math.log(16), within(1e-3));
    assertThat(found.get(Baseline.COPULA).nll()).isLessThan(2 * Math.log(16) - 0.5);
    for (TrainedFlow model : Baselines.load(folder.resolve("run"), 2).models().values()) {
      assertThat(model.preprocessing().levels()).isEqualTo(16);
      assertThat(model.flow().precision()).isEqualTo(Precision.FLOAT32);
    }
  }

  /** A whitened start is the Gaussian behind its preprocessing: the same rows, noise and units. */
  @ParameterizedTest
  @CsvSource({
    "pixels, logit, FLOAT32, GAUSSIAN, 1e-4",
    "pixels, margins, FLOAT32, COPULA, 1e-4",
    "table, none, FLOAT64, GAUSSIAN, 1e-9",
    "table, standardize, FLOAT64, GAUSSIAN, 1e-9",
    "table, margins, FLOAT64, COPULA, 1e-9",
    "table, margins, FLOAT32, COPULA, 1e-4"
  })
  void aWhitenedStartIsTheGaussianBehindItsPreprocessing(
      String rows, String name, Precision precision, Baseline baseline, double rounding) {
    Dataset data = rows.equals("table") ? Dataset.of(rows(200, 8)) : pixels();
    Preprocessing.Fit fit =
        switch (name) {
          case "none" -> none();
          case "standardize" -> Standardize.byTrainingSet();
          case "logit" -> train -> Preprocessing.logit(2, 16, 3);
          default -> Margins.byTrainingSet(true);
        };
    double[] start = new double[1];
    Flow flow =
        new SplineConfig(2, 9, 3.5, Tails.FROZEN, Init.WHITENING)
            .build(Shape.plain(2), precision, 1);
    Splits halves = new Splits(data, data.select(0, 100), data);
    Trainer.of(flow, new MaximumLikelihood())
        .preprocessing(fit)
        .whitening(true)
        .optimizer(new RmsProp(0.3))
        .steps(1)
        .threads(1)
        .seed(4)
        .blas(BLAS)
        .listener(
            new TrainingListener() {
              @Override
              public void evaluated(
                  long step, Evaluation validation, boolean best, TrainedFlow averaged) {
                start[0] = step == 0 ? validation.nll() : start[0];
              }
            })
        .fit(halves, folder.resolve("run"));
    assertThat(evaluate(folder.resolve("run"), halves.validation()).get(baseline).nll())
        .isCloseTo(start[0], within(rounding));
  }

  @Test
  void aResumedRunLeavesThemAsTheyAre() throws IOException {
    double[][] rows = rows(200, 10);
    Splits data = splits(rows, rows, rows);
    Path run = folder.resolve("run");
    trainer(2, none()).epochs(0).steps(2).fit(data, run);
    RunFolder files = new RunFolder(run);
    // were they fitted again, the first two would be others and the third would be back
    Files.write(files.baseline(Baseline.GAUSSIAN), new byte[] {1, 2, 3});
    Files.copy(
        files.baseline(Baseline.COPULA),
        files.baseline(Baseline.MARGINS),
        StandardCopyOption.REPLACE_EXISTING);
    Files.delete(files.baseline(Baseline.COPULA));
    byte[] margins = Files.readAllBytes(files.baseline(Baseline.MARGINS));

    trainer(2, none()).epochs(0).steps(4).resume(data, run);

    assertThat(files.baseline(Baseline.GAUSSIAN)).hasBinaryContent(new byte[] {1, 2, 3});
    assertThat(files.baseline(Baseline.MARGINS)).hasBinaryContent(margins);
    assertThat(files.baseline(Baseline.COPULA)).doesNotExist();
  }

  private static final class Notes implements TrainingListener {
    final List<String> lines = new ArrayList<>();

    @Override
    public void noted(String line) {
      lines.add(line);
    }
  }

  @Test
  void whatCanNotBeFittedIsSaidAndDoesNotStopARun() throws IOException {
    double[][] rows = rows(100, 11);
    for (double[] row : rows) {
      row[1] = 5;
    }
    Splits data = splits(rows, rows, rows);
    Path run = folder.resolve("run");
    Notes notes = new Notes();
    trainer(2, none()).listener(notes).fit(data, run);
    assertThat(notes.lines).hasSize(3).allMatch(line -> line.contains("column 2"));
    assertThat(notes.lines.get(0)).startsWith("no baseline Gaussian: ");
    assertThat(run.resolve("run.log")).content().contains(notes.lines);
    assertThat(Baselines.load(run, 2).models()).isEmpty();
    try (Stream<Path> files = Files.list(run.resolve("baselines"))) {
      assertThat(files).isEmpty();
    }
  }

  @Test
  void aGaussianThatWouldTakeTooLongIsLeftOutButMarginsAreNot() {
    int dimension = 4700;
    SplittableRandom random = new SplittableRandom(12);
    double[][] rows = new double[4][dimension];
    for (double[] row : rows) {
      Arrays.setAll(row, c -> random.nextDouble());
    }
    Notes notes = new Notes();
    Trainer.of(Flow.of(dimension).smoothLeakyRelu(0.3).build(), new SlicedScoreMatching())
        .steps(1)
        .threads(1)
        .blas(BLAS)
        .listener(notes)
        .fit(splits(rows, rows, rows), folder.resolve("run"));
    assertThat(notes.lines)
        .containsExactly(
            "no baseline Gaussian: 8 rows of 4,700 columns would take 2.1e+12 operations, more than 2.0e+12",
            "no baseline copula: 8 rows of 4,700 columns would take 2.1e+12 operations, more than 2.0e+12");
    assertThat(Baselines.load(folder.resolve("run"), dimension).models().keySet())
        .containsExactly(Baseline.MARGINS);
  }

  @Test
  void thoseOfAnotherTableAreRefused() {
    double[][] rows = rows(100, 13);
    trainer(2, none()).fit(splits(rows, rows, rows), folder.resolve("run"));
    assertThatThrownBy(() -> Baselines.load(folder.resolve("run"), 3))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageEndingWith("gaussian.safetensors: expected a model of 3 columns, found 2");
  }

  @Test
  void aRunThatHasNoneHasNone() {
    assertThat(Baselines.load(folder, 2).models()).isEmpty();
    assertThat(Baselines.load(folder, 2).evaluate(Dataset.of(rows(5, 1)), BLAS, 1)).isEmpty();
  }
}
