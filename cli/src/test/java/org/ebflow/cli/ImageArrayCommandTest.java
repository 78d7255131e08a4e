package org.ebflow.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;
import org.ebflow.flow.layer.Shape;
import org.ebflow.training.recipe.Recipe;
import org.ebflow.training.scoring.TrainedFlow;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Arrays of images, and idx files, as a user names them. */
final class ImageArrayCommandTest {
  private static final int COUNT = 40;
  private static final int SIDE = 4;
  private static final int CHANNELS = 3;

  @TempDir Path folder;

  private Path write(String name, boolean channelsFirst) throws IOException {
    byte[] pixels = new byte[COUNT * SIDE * SIDE * CHANNELS];
    Random random = new Random(1);
    for (int i = 0; i < pixels.length; i++) {
      int place = i / CHANNELS % (SIDE * SIDE);
      int image = i / (CHANNELS * SIDE * SIDE);
      int at = channelsFirst ? (image * CHANNELS + i % CHANNELS) * SIDE * SIDE + place : i;
      pixels[at] = (byte) (128 + 30 * random.nextGaussian());
    }
    String shape = channelsFirst ? "%d,%d,%d,%d" : "%d,%3$d,%4$d,%2$d";
    return Files.write(
        folder.resolve(name), TestRuns.npy(shape.formatted(COUNT, CHANNELS, SIDE, SIDE), pixels));
  }

  @Test
  void convolutionsAreTrainedOnAnArrayInEitherOrder() throws IOException {
    Path last = write("last.npy", false);
    Path first = write("first.npy", true);
    assertThat(Program.succeed("data", "info", first).out())
        .contains("40 rows, 48 columns", "images of 3 channels, height 4, width 4");
    Path run = folder.resolve("run");
    Program.succeed("train", "--data", last, "--model", "cnn", "--steps", "2", "--out", run);
    assertThat(Recipe.ofRun(run).name()).isEqualTo("images-cnn-ssm");
    assertThat(TrainedFlow.load(run).data().imageShape()).isEqualTo(new Shape(3, 4, 4));
    Path one = folder.resolve("one.csv");
    Path two = folder.resolve("two.csv");
    Program.succeed("score", run, last, "--out", one);
    Program.succeed("score", run, first, "--out", two);
    assertThat(Files.readAllLines(one)).hasSize(1 + COUNT).isEqualTo(Files.readAllLines(two));
    assertThat(Program.succeed("eval", run, "--data", first).out()).contains("40 rows");
    assertThat(Program.succeed("eval", run, "--ood", first).out()).contains("AUROC");
  }

  @Test
  void anArrayOfOtherNumbersIsRefusedWithTheReason() throws IOException {
    byte[] whole = Files.readAllBytes(write("a.npy", false));
    String text = new String(whole, StandardCharsets.ISO_8859_1).replace("|u1", "|i1");
    Path file = folder.resolve("b.npy");
    Files.writeString(file, text, StandardCharsets.ISO_8859_1);
    Program.refuse(
        file + ": expected an NPY array of images as u1 in C order, found |i1",
        "train",
        "--data",
        file,
        "--model",
        "cnn");
  }

  private Path idx(String name, int seed) throws IOException {
    byte[] idx = new byte[16 + COUNT * SIDE * SIDE];
    new Random(seed).nextBytes(idx);
    byte[] start = {0, 0, 8, 3, 0, 0, 0, COUNT, 0, 0, 0, SIDE, 0, 0, 0, SIDE};
    System.arraycopy(start, 0, idx, 0, start.length);
    return Files.write(folder.resolve(name), idx);
  }

  @Test
  void idxFilesOfOnePatternAreOneDataSet() throws IOException {
    Path one = idx("1-idx3-ubyte", 1);
    Path two = idx("2-idx3-ubyte", 2);
    Path both = folder.resolve("*-idx3-ubyte");
    assertThat(Program.succeed("data", "info", both).out())
        .contains("80 rows, 16 columns", "images of 1 channel, height 4, width 4");
    Path run = folder.resolve("run");
    Program.succeed("train", "--data", both, "--model", "cnn", "--steps", "2", "--out", run);
    assertThat(TrainedFlow.load(run).data().imageShape()).isEqualTo(new Shape(1, 4, 4));
    Path joined = folder.resolve("joined.csv");
    Path apart = folder.resolve("apart.csv");
    Program.succeed("score", run, both, "--out", joined);
    Program.succeed("score", run, one, two, "--out", apart);
    assertThat(Files.readAllLines(joined))
        .hasSize(1 + 2 * COUNT)
        .isEqualTo(Files.readAllLines(apart));
    assertThat(Program.succeed("eval", run, "--data", both).out()).contains("80 rows");
  }

  @Test
  void convolutionsAreTrainedOnIdxImagesAndNotOnTables() throws IOException {
    Path images = idx("images-ubyte", 1);
    Path run = folder.resolve("run");
    Program.succeed("train", "--data", images, "--model", "cnn", "--steps", "2", "--out", run);
    assertThat(Recipe.ofRun(run).name()).isEqualTo("images-cnn-ssm");
    Path table = TestRuns.csv(folder.resolve("a.csv"), "a,b,c", TestRuns.rows(COUNT, 3, 1));
    Program.refuse(
        "--model cnn needs a data set of images, found the table " + table,
        "train",
        "--data",
        table,
        "--model",
        "cnn");
  }
}
