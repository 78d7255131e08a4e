package org.ebflow.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.awt.Color;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import javax.imageio.ImageIO;
import org.ebflow.cli.Commands.Outcome;
import org.ebflow.linalg.Blas;
import org.ebflow.training.data.DataSources;
import org.ebflow.training.data.Dataset;
import org.ebflow.training.data.TableOptions;
import org.ebflow.training.scoring.TrainedFlow;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SampleCommandTest {
  @TempDir static Path runs;
  private static TrainedFlow table;

  @TempDir Path folder;

  @BeforeAll
  static void train() throws IOException {
    table = TestRuns.table(runs.resolve("table"), 3);
    TestRuns.table(runs.resolve("plane"), 2);
    TestRuns.pictures(runs.resolve("pictures"));
  }

  private Outcome sample(String run, int count, String out, Object... more) {
    Object[] all = new Object[more.length + 5];
    System.arraycopy(
        new Object[] {runs.resolve(run), "--count", count, "--out", folder.resolve(out)},
        0,
        all,
        0,
        5);
    System.arraycopy(more, 0, all, 5, more.length);
    return Commands.run(new SampleCommand(), all);
  }

  @Test
  void anArrayHoldsTheModelsSamples() {
    assertThat(sample("table", 300, "out.npy", "--seed", 9).exit()).isZero();
    Dataset read = DataSources.read(folder.resolve("out.npy"), TableOptions.DEFAULT);
    double[][] expected = table.sample(300, 9, Blas.auto()).toRows();
    assertThat(read.size()).isEqualTo(300);
    for (int r = 0; r < 300; r++) {
      assertThat(read.row(r)).isEqualTo(expected[r]);
    }
  }

  @Test
  void theSameSeedGivesTheSameFile() throws IOException {
    sample("pictures", 10, "one.npy", "--seed", 5);
    sample("pictures", 10, "two.npy", "--seed", 5);
    sample("pictures", 10, "other.npy", "--seed", 6);
    byte[] one = Files.readAllBytes(folder.resolve("one.npy"));
    assertThat(Files.readAllBytes(folder.resolve("two.npy"))).isEqualTo(one);
    assertThat(Files.readAllBytes(folder.resolve("other.npy"))).isNotEqualTo(one);
  }

  @Test
  void imagesOfRedDataAreRed() throws IOException {
    assertThat(sample("pictures", 9, "out.png").exit()).isZero();
    BufferedImage picture = ImageIO.read(folder.resolve("out.png").toFile());
    Color pixel = new Color(picture.getRGB(picture.getWidth() / 2, picture.getHeight() / 2));
    assertThat(pixel.getRed())
        .isGreaterThan(pixel.getGreen() + 60)
        .isGreaterThan(pixel.getBlue() + 60);
  }

  @Test
  void samplesOfThePlaneAreAPicture() throws IOException {
    assertThat(sample("plane", 500, "out.png").exit()).isZero();
    assertThat(ImageIO.read(folder.resolve("out.png").toFile()).getWidth()).isGreaterThan(400);
  }

  @Test
  void aPictureOfAnotherTableIsWrongUsage() {
    Outcome outcome = sample("table", 10, "out.png");
    assertThat(outcome.exit()).isEqualTo(2);
    assertThat(outcome.err())
        .contains("rows of 3 columns are no picture, expected a name ending in .npy");
    assertThat(folder.resolve("out.png")).doesNotExist();
  }

  @Test
  void impossibleNamesAndCountsAreWrongUsage() {
    assertThat(sample("table", 10, "out.jpg").exit()).isEqualTo(2);
    assertThat(sample("table", 0, "out.npy").err()).contains("--count is 0, expected 1 to");
    assertThat(sample("table", Integer.MAX_VALUE, "out.npy").exit()).isEqualTo(2);
  }
}
