package org.ebflow.training;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.ebflow.flow.Flow;
import org.ebflow.flow.InvalidInputException;
import org.ebflow.flow.io.Safetensors;
import org.ebflow.flow.layer.Activation;
import org.ebflow.flow.layer.Shape;
import org.ebflow.flow.model.CouplingConfig;
import org.ebflow.linalg.Blas;
import org.ebflow.linalg.Matrix;
import org.ebflow.linalg.Precision;
import org.ebflow.training.data.Dataset;
import org.ebflow.training.data.RunningMoments;
import org.ebflow.training.data.Splits;
import org.ebflow.training.objective.FiniteDifferenceScoreMatching;
import org.ebflow.training.objective.FlowsUnderTest;
import org.ebflow.training.objective.LossScale;
import org.ebflow.training.objective.MaximumLikelihood;
import org.ebflow.training.objective.Objective;
import org.ebflow.training.objective.SlicedScoreMatching;
import org.ebflow.training.optimizer.Adam;
import org.ebflow.training.optimizer.RmsProp;
import org.ebflow.training.preprocessing.Preprocessing;
import org.ebflow.training.preprocessing.Standardize;
import org.ebflow.training.scoring.Evaluation;
import org.ebflow.training.scoring.Scorer;
import org.ebflow.training.scoring.TrainedFlow;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class TrainerTest {
  @TempDir Path folder;

  static Splits gaussians(int rows, int dimension) {
    Random random = new Random(5);
    double[][] data = new double[rows][dimension];
    for (double[] row : data) {
      double common = random.nextGaussian();
      for (int c = 0; c < dimension; c++) {
        row[c] = 1 + c + 0.5 * common + (0.5 + 0.25 * c) * random.nextGaussian();
      }
    }
    return Dataset.of(data).split(0.8, 0.1, 0.1);
  }

  static Trainer small() {
    return small(3);
  }

  static Trainer small(int dimension) {
    Flow flow = Flow.of(dimension).dense().smoothLeakyRelu(0.3).dense().build();
    return Trainer.of(flow, new SlicedScoreMatching())
        .preprocessing(Standardize.byTrainingSet())
        .optimizer(new RmsProp(1e-3))
        .epochs(4)
        .batchSize(48)
        .seed(7)
        .threads(2);
  }

  @Test
  void trainingALinearFlowRecoversTheCovariance() {
    Splits data = gaussians(6000, 3);
    Flow flow = Flow.of(3).dense().precision(Precision.FLOAT64).build();
    TrainedFlow model =
        Trainer.of(flow, new SlicedScoreMatching())
            .optimizer(new Adam(1e-2))
            .schedule(0.9, 60)
            .epochs(60)
            .seed(3)
            .fit(data, folder.resolve("run"));
    Matrix weight = model.flow().parameters().byName().get("0.weight");
    double[][] moments = new double[3][3];
    double[] mean = RunningMoments.of(data.train()).means();
    for (int r = 0; r < data.train().size(); r++) {
      double[] row = data.train().row(r);
      for (int i = 0; i < 3; i++) {
        for (int j = 0; j < 3; j++) {
          moments[i][j] += (row[i] - mean[i]) * (row[j] - mean[j]) / data.train().size();
        }
      }
    }
    // z = W x + b is standard normal, so W Σ Wᵀ = I
    for (int i = 0; i < 3; i++) {
      for (int j = 0; j < 3; j++) {
        double sum = 0;
        for (int k = 0; k < 3; k++) {
          for (int l = 0; l < 3; l++) {
            sum += weight.get(i, k) * moments[k][l] * weight.get(j, l);
          }
        }
        assertThat(sum).isCloseTo(i == j ? 1 : 0, within(0.05));
      }
    }
  }

  @Test
  void roundedProductsAreRefusedWhereTheyCannotBe() {
    Splits data = gaussians(100, 3);
    Path run = folder.resolve("run");
    assertThatThrownBy(() -> small().blas(Blas.named("java")).bfloat16(true).fit(data, run))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("backend java does not have bfloat16 products");
    Flow flow = Flow.of(3).dense().build();
    Objective energies = new FiniteDifferenceScoreMatching(0.1, 0, LossScale.PER_DIMENSION);
    assertThatThrownBy(() -> Trainer.of(flow, energies).bfloat16(true).fit(data, run))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("fdssm does not tolerate bfloat16");
  }

  private static final Shape PICTURE = new Shape(1, 4, 4);

  /** Pictures of 16 levels, brighter towards a corner. */
  static Splits pictures(int count) {
    Random random = new Random(8);
    byte[] pixels = new byte[count * PICTURE.size()];
    for (int i = 0; i < pixels.length; i++) {
      int place = i % PICTURE.size();
      double mean = 4 + place % 4 + place / 4;
      pixels[i] = (byte) Math.clamp(Math.round(mean + 1.5 * random.nextGaussian()), 0, 15);
    }
    return Dataset.ofPixels("pictures", pixels, PICTURE.size(), PICTURE, 16).split(0.8, 0.1, 0.1);
  }

  /** Score matching needs rows after preprocessing to learn much of pictures in a few epochs. */
  static Trainer multiScale(boolean matchAfterPreprocessing) {
    return Trainer.of(
            FlowsUnderTest.multiScale(PICTURE, Precision.FLOAT32),
            matchAfterPreprocessing ? new SlicedScoreMatching() : new MaximumLikelihood())
        .preprocessing(train -> Preprocessing.logit(train.dimension(), train.levels(), 1))
        .matchAfterPreprocessing(matchAfterPreprocessing)
        .optimizer(new Adam(3e-3))
        .epochs(8)
        .batchSize(50)
        .seed(7)
        .threads(2);
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void aMultiScaleFlowLearnsPicturesAndIsReadAgain(boolean matchAfterPreprocessing) {
    Splits data = pictures(1000);
    Path run = folder.resolve("run");
    List<Double> likelihoods = new ArrayList<>();
    TrainedFlow trained =
        multiScale(matchAfterPreprocessing)
            .listener(
                new TrainingListener() {
                  @Override
                  public void evaluated(
                      long step, Evaluation validation, boolean best, TrainedFlow model) {
                    likelihoods.add(validation.nll());
                  }
                })
            .fit(data, run);
    assertThat(likelihoods.getLast()).isLessThan(likelihoods.getFirst() - 1);
    TrainedFlow loaded = TrainedFlow.load(run);
    assertThat(loaded.data().imageShape()).isEqualTo(PICTURE);
    assertThat(loaded.flow().shapes()).isEqualTo(trained.flow().shapes());
    try (Scorer one = new Scorer(trained, Blas.auto(), 1);
        Scorer other = new Scorer(loaded, Blas.auto(), 2)) {
      assertThat(other.logProb(data.test())).containsExactly(one.logProb(data.test()));
    }
    for (double value : loaded.sample(50, 1, Blas.auto()).doubles()) {
      assertThat(value).isBetween(0.0, 15.0).isEqualTo(Math.rint(value));
    }
  }

  @Test
  void theSameSettingsGiveTheSameBits() throws IOException {
    Splits data = gaussians(300, 3);
    small().fit(data, folder.resolve("a"));
    small().fit(data, folder.resolve("b"));
    assertThat(Files.readAllBytes(folder.resolve("a/model.safetensors")))
        .isEqualTo(Files.readAllBytes(folder.resolve("b/model.safetensors")));
  }

  @Test
  void anotherNumberOfThreadsChangesLastBitsOnly() {
    Splits data = gaussians(300, 3);
    double[] one =
        small().threads(1).fit(data, folder.resolve("one")).logProb(new double[][] {{1, 2, 3}});
    double[] three =
        small().threads(3).fit(data, folder.resolve("three")).logProb(new double[][] {{1, 2, 3}});
    assertThat(three[0]).isCloseTo(one[0], within(1e-3));
  }

  @Test
  void aFolderThatHoldsARunIsRefused() {
    Splits data = gaussians(300, 3);
    small().fit(data, folder.resolve("a"));
    assertThatThrownBy(() -> small().fit(data, folder.resolve("a")))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageContaining("--resume");
  }

  @Test
  void aHopelessLearningRateStopsTheRunAndNamesTheCheckpoint() {
    Splits data = gaussians(700, 3);
    Trainer trainer = small().optimizer(new RmsProp(1e30)).epochs(40);
    assertThatThrownBy(() -> trainer.fit(data, folder.resolve("bad")))
        .isInstanceOf(TrainingDivergedException.class)
        .hasMessageContaining("state.safetensors")
        .hasMessageEndingWith("a learning rate that is too high is the likely cause");
    assertThatThrownBy(
            () -> trainer.matchAfterPreprocessing(false).fit(data, folder.resolve("inside")))
        .isInstanceOf(TrainingDivergedException.class)
        .hasMessageEndingWith("or noise that takes rows out of the preprocessing's domain");
    try (Safetensors good = Safetensors.read(folder.resolve("bad/last/state.safetensors"))) {
      for (String name : good.names()) {
        Matrix tensor = Matrix.allocate(good.precision(name), good.rows(name), good.columns(name));
        good.copyTo(name, tensor);
        for (int c = 0; c < tensor.columns(); c++) {
          // of before the step that threw the weights to 1e30
          assertThat(tensor.get(0, c)).as("%s[%d]", name, c).isBetween(-1e3, 1e3);
        }
      }
    }
  }

  @Test
  void aRunWithoutAFiniteLikelihoodHasDiverged() {
    Splits data = gaussians(300, 3);
    Trainer trainer = small().optimizer(new RmsProp(1e30)).epochs(1);
    assertThatThrownBy(() -> trainer.fit(data, folder.resolve("infinite")))
        .isInstanceOf(TrainingDivergedException.class)
        .hasMessageContaining("NLL was never finite");
  }

  @Test
  void aShortRunOfWhichNoStepHadAFiniteLossHasDiverged() {
    Splits data = gaussians(300, 3);
    Trainer trainer = small().epochs(3).dataNoise(1e300);
    assertThatThrownBy(() -> trainer.fit(data, folder.resolve("noise")))
        .isInstanceOf(TrainingDivergedException.class)
        .hasMessageMatching("all \\d+ steps had losses that are not finite.*");
  }

  /** Training and test rows as they are; rows of the validation part replaced. */
  static Splits withValidation(Splits data, double[]... replaced) {
    double[][] rows = new double[data.validation().size()][];
    for (int r = 0; r < rows.length; r++) {
      rows[r] = r < replaced.length ? replaced[r] : data.validation().row(r);
    }
    return new Splits(data.train(), Dataset.of(rows), data.test());
  }

  @Test
  void anImpossibleValidationRowIsCountedAndNamedAndLeftOutOfTheNll() throws IOException {
    Splits data = withValidation(gaussians(300, 3), new double[3], new double[] {1, -1e250, 3});
    List<Evaluation> evaluations = new ArrayList<>();
    Path run = folder.resolve("run");
    TrainedFlow best =
        small()
            .listener(
                new TrainingListener() {
                  @Override
                  public void evaluated(
                      long step, Evaluation validation, boolean best, TrainedFlow averaged) {
                    evaluations.add(validation);
                  }
                })
            .fit(data, run);
    assertThat(evaluations).hasSize(4);
    Evaluation last = evaluations.getLast();
    assertThat(last.countedRows())
        .isEqualTo("over 29 of 30 rows; 1 row has density zero: row 2, column 2 = -1.0E250");
    assertThat(last.nll()).isFinite();
    assertThat(Files.readString(run.resolve("run.log")))
        .contains("nats over 29 of 30 rows; 1 row has density zero: row 2, column 2", "done");
    try (Scorer scorer = new Scorer(best, Blas.auto(), 2)) {
      assertThat(scorer.evaluate(data.validation()).nll()).isEqualTo(last.nll());
    }
  }

  @Test
  void aRunWhoseValidationRowsAreAllImpossibleHasDiverged() {
    Splits data = gaussians(300, 3);
    double[][] far = new double[data.validation().size()][3];
    for (double[] row : far) {
      row[0] = 1e200;
    }
    Splits impossible = withValidation(data, far);
    assertThatThrownBy(() -> small().fit(impossible, folder.resolve("run")))
        .isInstanceOf(TrainingDivergedException.class)
        .hasMessageContaining("NLL was never finite");
  }

  private static Flow coupling() {
    return new CouplingConfig(2, 16, 2, Activation.Kind.SWISH).build(2, Precision.FLOAT32, 1);
  }

  @Test
  void dataDependentWeightsStartFromDozensOfRowsWhateverTheBatch() throws IOException {
    Splits data = gaussians(300, 2);
    Map<Integer, byte[]> starts = new HashMap<>();
    for (int batch : new int[] {1, 2, 8, 64, 100}) {
      Path run = folder.resolve("batch" + batch);
      TrainedFlow trained =
          Trainer.of(coupling(), new SlicedScoreMatching())
              .preprocessing(Standardize.byTrainingSet())
              .optimizer(new Adam(1e-4))
              .epochs(1)
              .batchSize(batch)
              .threads(1)
              .listener(
                  new TrainingListener() {
                    @Override
                    public void started(Plan plan) {
                      starts.put(batch, weights(run));
                    }
                  })
              .fit(data, run);
      assertThat(trained.logProb(new double[][] {{1, 2}})[0]).isBetween(-20.0, 5.0);
    }
    for (int small : new int[] {1, 2, 8}) {
      assertThat(starts.get(small)).as("batch %d", small).isEqualTo(starts.get(64));
    }
    assertThat(starts.get(100)).isNotEqualTo(starts.get(64));
  }

  /** The weights of the last checkpoint, byte for byte. */
  private static byte[] weights(Path run) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (Safetensors state = Safetensors.read(run.resolve("last/state.safetensors"))) {
      for (String name : state.names()) {
        if (name.startsWith("weights.")) {
          Matrix block =
              Matrix.allocate(state.precision(name), state.rows(name), state.columns(name));
          state.copyTo(name, block);
          for (int r = 0; r < block.rows(); r++) {
            for (int c = 0; c < block.columns(); c++) {
              bytes.writeBytes(Double.toString(block.get(r, c)).getBytes(UTF_8));
            }
          }
        }
      }
    }
    return bytes.toByteArray();
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 8})
  void tablesOfAFewRowsTrainWithActNorm(int rows) {
    Dataset few = gaussians(300, 2).train().select(0, rows);
    TrainedFlow trained =
        Trainer.of(coupling(), new SlicedScoreMatching())
            .epochs(3)
            .batchSize(1)
            .fit(new Splits(few, few, few), folder.resolve("run"));
    assertThat(trained.logProb(new double[][] {{1, 2}})[0]).isBetween(-1e3, 1e3);
  }

  @Test
  void aRunWithPreprocessingInsideTheModelIsLoadedLikeAnyOther() {
    Splits data = gaussians(300, 3);
    Path run = folder.resolve("inside");
    TrainedFlow trained = small().matchAfterPreprocessing(false).fit(data, run);
    double[][] rows = {{1, 2, 3}, {-1, 0, 4}};
    assertThat(TrainedFlow.load(run).logProb(rows)).containsExactly(trained.logProb(rows));
  }

  @Test
  void trainingWithPreprocessingInsideTheModelReportsTheSameKindOfLikelihood() {
    Splits data = gaussians(900, 3);
    double outside = mean(small().epochs(20).fit(data, folder.resolve("outside")), data);
    double inside =
        mean(
            small().epochs(20).matchAfterPreprocessing(false).fit(data, folder.resolve("inside")),
            data);
    assertThat(inside).isCloseTo(outside, within(0.5));
  }

  private static double mean(TrainedFlow model, Splits data) {
    double[][] rows = new double[data.test().size()][];
    for (int r = 0; r < rows.length; r++) {
      rows[r] = data.test().row(r);
    }
    double sum = 0;
    for (double logProb : model.logProb(rows)) {
      sum += logProb / rows.length;
    }
    return sum;
  }

  @Test
  void aListenerThatFailsCostsNoCheckpoint() {
    Splits data = gaussians(480, 3);
    Path run = folder.resolve("run");
    Trainer failing =
        small()
            .listener(
                new TrainingListener() {
                  @Override
                  public void evaluated(
                      long step, Evaluation validation, boolean best, TrainedFlow averaged) {
                    throw new IllegalStateException("no fonts");
                  }
                });
    assertThatThrownBy(() -> failing.fit(data, run)).hasMessage("no fonts");
    try (Safetensors state = Safetensors.read(new RunFolder(run).state())) {
      assertThat(state.metadata()).containsEntry("step", "8"); // 384 rows in batches of 48
    }
    small().resume(data, run);
    small().fit(data, folder.resolve("whole"));
    assertThat(new RunFolder(run).model())
        .hasSameBinaryContentAs(new RunFolder(folder.resolve("whole")).model());
  }
}
