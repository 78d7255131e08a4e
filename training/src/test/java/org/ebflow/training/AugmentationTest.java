package org.ebflow.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.ebflow.flow.Flow;
import org.ebflow.flow.InvalidInputException;
import org.ebflow.flow.layer.Shape;
import org.ebflow.linalg.Blas;
import org.ebflow.linalg.Matrix;
import org.ebflow.linalg.Precision;
import org.ebflow.linalg.Team;
import org.ebflow.training.data.Dataset;
import org.ebflow.training.data.Splits;
import org.ebflow.training.objective.BatchShare;
import org.ebflow.training.objective.SlicedScoreMatching;
import org.ebflow.training.optimizer.RmsProp;
import org.ebflow.training.preprocessing.Preprocessing;
import org.ebflow.training.scoring.Evaluation;
import org.ebflow.training.scoring.TrainedFlow;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class AugmentationTest {
  private static final int ROWS = 500;
  private static final int STEPS = 5;
  private static final Shape SMALL = new Shape(2, 2, 3);

  /** As high as wide, so large that it is shifted by one pixel; each says where it stands. */
  private static final Shape PLACES = new Shape(2, 32, 32);

  @TempDir Path folder;
  private int runs;

  /** Rows 1 and 2 of 2×3 pixels of two channels, behind another row. */
  private static Matrix small(Precision precision) {
    return Matrix.ofRows(
        precision,
        new double[][] {
          {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0},
          {11, -11, 12, -12, 13, -13, 21, -21, 22, -22, 23, -23},
          {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}
        });
  }

  private static double[] transformed(
      Precision precision, boolean flip, int down, int right, int times) {
    Matrix images = small(precision);
    double[][] before = images.toRows();
    Augmentation augmentation = new Augmentation(SMALL, precision, 3);
    for (int i = 0; i < times; i++) {
      augmentation.transform(images, 1, flip, down, right);
    }
    double[][] after = images.toRows();
    assertThat(after[0]).containsExactly(before[0]);
    assertThat(after[2]).containsExactly(before[2]);
    return after[1];
  }

  @ParameterizedTest
  @EnumSource(Precision.class)
  void aFlipReversesEveryLineAndTwoAreTheIdentity(Precision precision) {
    assertThat(transformed(precision, true, 0, 0, 1))
        .containsExactly(13, -13, 12, -12, 11, -11, 23, -23, 22, -22, 21, -21);
    assertThat(transformed(precision, true, 0, 0, 2)).containsExactly(small(precision).toRows()[1]);
    assertThat(transformed(precision, false, 0, 0, 1))
        .containsExactly(small(precision).toRows()[1]);
  }

  @ParameterizedTest
  @EnumSource(Precision.class)
  void aShiftByOneRepeatsTheBorder(Precision precision) {
    assertThat(transformed(precision, false, 0, 1, 1))
        .containsExactly(11, -11, 11, -11, 12, -12, 21, -21, 21, -21, 22, -22);
    assertThat(transformed(precision, false, 0, -1, 1))
        .containsExactly(12, -12, 13, -13, 13, -13, 22, -22, 23, -23, 23, -23);
    assertThat(transformed(precision, false, 1, 0, 1))
        .containsExactly(11, -11, 12, -12, 13, -13, 11, -11, 12, -12, 13, -13);
    assertThat(transformed(precision, false, -1, 0, 1))
        .containsExactly(21, -21, 22, -22, 23, -23, 21, -21, 22, -22, 23, -23);
  }

  @ParameterizedTest
  @EnumSource(Precision.class)
  void theShiftComesAfterTheFlip(Precision precision) {
    assertThat(transformed(precision, true, -1, 1, 1))
        .containsExactly(23, -23, 23, -23, 22, -22, 23, -23, 23, -23, 22, -22);
  }

  /** Images whose pixel (y, x) has the values y and x. */
  private static Dataset places() {
    byte[] image = new byte[PLACES.size()];
    for (int i = 0; i < image.length; i++) {
      image[i] = (byte) (i % 2 == 0 ? i / 64 : i / 2 % 32);
    }
    byte[] pixels = new byte[ROWS * image.length];
    for (int r = 0; r < ROWS; r++) {
      System.arraycopy(image, 0, pixels, r * image.length, image.length);
    }
    return Dataset.ofPixels("places", pixels, image.length, PLACES, 256);
  }

  /** Rows that so many steps see. */
  private static List<double[]> seen(
      Precision precision, boolean augment, long seed, int threads, int steps) {
    TrainingSettings settings =
        TrainingSettings.builder().augment(augment).seed(seed).threads(threads).build();
    Dataset data = places();
    int[] order = IntStream.range(0, ROWS).toArray();
    Matrix batch = Matrix.allocate(precision, ROWS, data.dimension());
    List<double[]> rows = new ArrayList<>();
    try (Team team = new Team(threads)) {
      BatchReader[] readers =
          BatchReader.forTeam(
              data,
              Preprocessing.none(),
              settings,
              precision,
              Blas.named("java"),
              team,
              BatchShare.whole(ROWS));
      for (int step = 0; step < steps; step++) {
        for (int rank = 0; rank < threads; rank++) {
          readers[rank].read(
              order, 0, step, batch.rows(team.worker(rank).from(ROWS), team.worker(rank).to(ROWS)));
        }
        rows.addAll(Arrays.asList(batch.toRows()));
      }
    }
    return rows;
  }

  /** Standard error of a share found from ROWS·STEPS draws is .01. */
  @ParameterizedTest
  @EnumSource(Precision.class)
  void halfOfTheImagesAreFlippedAndAThirdGoesEachWay(Precision precision) {
    int y = 20;
    int x = 10;
    int flips = 0;
    int[][] shifts = new int[3][3];
    List<double[]> rows = seen(precision, true, 3, 2, STEPS);
    for (double[] row : rows) {
      double foundY = row[(y * 32 + x) * 2];
      double foundX = row[(y * 32 + x) * 2 + 1];
      boolean flipped = foundX > 15;
      flips += flipped ? 1 : 0;
      int down = y - (int) foundY;
      int right = x - (int) (flipped ? 31 - foundX : foundX);
      assertThat(List.of(down, right)).allSatisfy(shift -> assertThat(shift).isBetween(-1, 1));
      shifts[1 + down][1 + right]++;
    }
    assertThat((double) flips / rows.size()).isCloseTo(.5, within(.04));
    for (int[] line : shifts) {
      for (int count : line) {
        assertThat((double) count / rows.size()).isCloseTo(1 / 9.0, within(.025));
      }
    }
  }

  @Test
  void drawsAreAFunctionOfSeedStepAndRow() {
    double[][] rows = rows(Precision.FLOAT32, 3, 2, 2);
    assertThat(rows(Precision.FLOAT32, 3, 1, 2)).isDeepEqualTo(rows);
    assertThat(rows(Precision.FLOAT64, 3, 2, 2)).isDeepEqualTo(rows);
    List<double[][]> draws =
        List.of(
            Arrays.copyOf(rows, ROWS),
            Arrays.copyOfRange(rows, ROWS, 2 * ROWS),
            rows(Precision.FLOAT32, 4, 2, 1));
    assertThat(draws.stream().map(Arrays::deepHashCode)).doesNotHaveDuplicates();
  }

  private static double[][] rows(Precision precision, long seed, int threads, int steps) {
    return seen(precision, true, seed, threads, steps).toArray(double[][]::new);
  }

  @Test
  void imagesStayAsTheyAreUnlessAskedFor() {
    double[] image = places().row(0);
    assertThat(seen(Precision.FLOAT32, false, 3, 2, 1))
        .allSatisfy(row -> assertThat(row).containsExactly(image));
  }

  /** Random images of 25×2 pixels: shifted up and down, and flipped. */
  private static Splits images() {
    byte[] pixels = new byte[300 * 50];
    new Random(5).nextBytes(pixels);
    Dataset images = Dataset.ofPixels("images", pixels, 50, new Shape(1, 25, 2), 256);
    return new Splits(images.select(0, 200), images.select(200, 250), images.select(250, 300));
  }

  private static Trainer trainer(double rate) {
    return Trainer.of(
            Flow.of(50).dense().smoothLeakyRelu(.3).dense().build(), new SlicedScoreMatching())
        .preprocessing(train -> Preprocessing.logit(50, 256, .5))
        .optimizer(new RmsProp(rate))
        .batchSize(32)
        .epochs(3)
        .augment(true)
        .seed(2)
        .threads(2);
  }

  @Test
  void aResumedRunEndsWithTheSameBits() throws Exception {
    trainer(1e-3).fit(images(), folder.resolve("whole"));
    trainer(1e-3).augment(false).fit(images(), folder.resolve("plain"));
    byte[] whole = Files.readAllBytes(folder.resolve("whole/model.safetensors"));
    assertThat(Files.readAllBytes(folder.resolve("plain/model.safetensors"))).isNotEqualTo(whole);
    for (int stopAfter : new int[] {2, 9}) {
      Path run = folder.resolve("stopped" + stopAfter);
      Trainer stopping = trainer(1e-3);
      stopping.listener(
          new TrainingListener() {
            @Override
            public void stepped(Progress progress) {
              if (progress.step() == stopAfter) {
                stopping.requestStop();
              }
            }
          });
      assertThatThrownBy(() -> stopping.fit(images(), run))
          .isInstanceOf(TrainingInterruptedException.class);
      trainer(1e-3).resume(images(), run);
      assertThat(Files.readAllBytes(run.resolve("model.safetensors"))).isEqualTo(whole);
    }
  }

  /** With a rate too small to move a weight, another likelihood would be that of other rows. */
  @Test
  void validationImagesStayAsTheyAre() {
    assertThat(validationNlls(trainer(1e-30)))
        .hasSize(3)
        .isEqualTo(validationNlls(trainer(1e-30).augment(false)));
  }

  private List<Double> validationNlls(Trainer trainer) {
    List<Double> nlls = new ArrayList<>();
    trainer
        .listener(
            new TrainingListener() {
              @Override
              public void evaluated(
                  long step, Evaluation validation, boolean best, TrainedFlow model) {
                nlls.add(validation.nll());
              }
            })
        .fit(images(), folder.resolve("run" + runs++));
    return nlls;
  }

  @Test
  void rowsThatAreNoImagesAreRefusedBeforeARunBegins() {
    Dataset table = Dataset.of(new double[40][50]).named("own.csv");
    Path run = folder.resolve("table");
    assertThatThrownBy(() -> trainer(1e-3).fit(new Splits(table, table, table), run))
        .isInstanceOf(InvalidInputException.class)
        .hasMessage(
            "own.csv: data.augment needs images, expected height and width, found rows of 50 columns");
    assertThat(run).doesNotExist();
  }
}
