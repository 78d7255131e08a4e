package org.ebflow.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import javax.imageio.ImageIO;
import org.ebflow.linalg.Matrix;
import org.ebflow.linalg.Precision;
import org.ebflow.training.data.DataSources;
import org.ebflow.training.data.Dataset;
import org.ebflow.training.data.NpyWriter;
import org.ebflow.training.data.PictureOptions;
import org.ebflow.training.data.TableOptions;
import org.ebflow.training.recipe.Recipe;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Folders of pictures as a user names them. */
final class PictureFolderCommandTest {
  @TempDir Path folder;
  private Path pictures;

  @BeforeEach
  void draw() throws IOException {
    pictures = Files.createDirectory(folder.resolve("pictures"));
    for (int i = 0; i < 40; i++) {
      draw(pictures.resolve("%02d.png".formatted(i)), 12, 16, i);
    }
  }

  private static void draw(Path file, int width, int height, int seed) throws IOException {
    BufferedImage image = new BufferedImage(width, height, BufferedImage.TYPE_INT_RGB);
    for (int y = 0; y < height; y++) {
      for (int x = 0; x < width; x++) {
        image.setRGB(x, y, (seed * 37 + x * 11 + y * 5) * 2_654_435 & 0xFFFFFF);
      }
    }
    ImageIO.write(image, "png", file.toFile());
  }

  private Path train(String... more) {
    Path run = folder.resolve("run");
    Object[] call = new Object[10 + more.length];
    Object[] all = {
      "train",
      "--data",
      pictures,
      "--set",
      "data.image_side=4",
      "--epochs",
      "1",
      "--out",
      run,
      "--seed=3"
    };
    System.arraycopy(all, 0, call, 0, all.length);
    System.arraycopy(more, 0, call, all.length, more.length);
    Program.Result result = Program.succeed(call);
    assertThat(result.err())
        .contains("decoding 40 pictures, once")
        .contains(": 40 colour pictures of 4×4, the centre square of each, resized");
    return run;
  }

  @Test
  void aFolderIsTrainedOnEvaluatedResumedAndSampled() throws IOException {
    Path run = train();
    assertThat(Recipe.ofRun(run).name()).isEqualTo("images-fc-ssm");

    Program.Result own = Program.succeed("eval", run);
    assertThat(own.out()).contains("4 rows").contains("baselines: ");
    assertThat(own.err()).doesNotContain("decoding");

    Path others = Files.createDirectories(folder.resolve("others/below")).getParent();
    draw(others.resolve("a.png"), 9, 5, 1);
    draw(others.resolve("below/b.png"), 40, 30, 2);
    assertThat(Program.succeed("eval", run, "--data", others).out()).contains("2 rows");

    Program.succeed("train", "--resume", run, "--epochs", "2");
    Path png = folder.resolve("s.png");
    Program.succeed("sample", run, "--count", "4", "--out", png);
    assertThat(ImageIO.read(png.toFile()).getWidth()).isGreaterThan(8);
  }

  @Test
  void aMovedFolderIsTheRunsOwnIfItsPicturesAre() throws IOException {
    Path run = train();
    Path moved = Files.move(pictures, folder.resolve("moved"));

    Program.succeed("eval", run, "--data", moved, "--split", "test");
    draw(moved.resolve("00.png"), 12, 16, 99);
    Program.refuse("expected the data of the run", "eval", run, "--data", moved, "--split", "test");
  }

  /** By folder and by pattern, with the bits of an array of the same pixels. */
  @Test
  void picturesAreScoredAndBadOnesAreRejected() throws IOException {
    Path run = train();
    Path bad = pictures.resolve("17.png");
    byte[] whole = Files.readAllBytes(bad);
    Dataset rows =
        DataSources.read(pictures, TableOptions.DEFAULT.withPictures(new PictureOptions(4, 3)));
    double[][] pixels = IntStream.range(0, 40).mapToObj(rows::row).toArray(double[][]::new);
    Path npy = folder.resolve("pixels.npy");
    NpyWriter.write(npy, Matrix.ofRows(Precision.FLOAT64, pixels));
    Path scores = folder.resolve("array.csv");
    Program.succeed("score", run, npy, "--out", scores);
    List<String> expected = withoutIds(scores);

    Files.write(bad, Arrays.copyOf(whole, whole.length - 20));
    expected.remove(17);
    Path out = folder.resolve("out.csv");
    for (Path input : List.of(pictures, pictures.resolve("*.png"))) {
      Program.Result result = Program.succeed("score", run, input, "--out", out);
      assertThat(result.err()).contains("scored 39 rows into ", ", rejected 1 into ");
      assertThat(withoutIds(out)).isEqualTo(expected);
      String id = input.equals(pictures) ? "" : pictures + "/";
      assertThat(Files.readAllLines(out).get(18)).startsWith(id + "18.png,");
      assertThat(Files.readAllLines(Path.of(out + ".rejected.csv")))
          .containsExactly(
              "id,input,row,line,reason",
              id
                  + "17.png,"
                  + input
                  + ",18,,\"expected more data, found the end of a truncated file\"");
    }
    assertThat(Program.run("score", run, pictures, "--strict", "--out", out).exit()).isEqualTo(2);
  }

  /** A picture of another size, turned or damaged, is a bad row wherever it stands. */
  @Test
  void picturesOfAModelThatAreNoSquaresHaveItsSize() throws IOException {
    Path small = Files.createDirectory(folder.resolve("small"));
    for (int i = 0; i < 20; i++) {
      draw(small.resolve("%02d.png".formatted(i)), 3, 5, i);
    }
    Path run = folder.resolve("run");
    Program.succeed("train", "--data", small, "--steps", "2", "--out", run);
    Path others = Files.createDirectory(folder.resolve("others"));
    Files.writeString(others.resolve("a.png"), "text");
    draw(others.resolve("b.png"), 5, 3, 1);
    draw(others.resolve("c.png"), 4, 4, 1);
    draw(others.resolve("d.png"), 3, 5, 1);
    for (String first : List.of("a", "b", "c")) {
      Path out = folder.resolve(first + ".csv");
      Program.succeed("score", run, others + "/[" + first + "-d].png", "--out", out);
      assertThat(Files.readAllLines(out)).hasSize(2);
      assertThat(Files.readAllLines(out).get(1)).startsWith(others + "/d.png,");
      Files.delete(others.resolve(first + ".png"));
    }
    assertThat(Files.readString(folder.resolve("a.csv.rejected.csv")))
        .contains("expected a PNG or JPEG picture", "found 5×3", "found 4×4");
    draw(others.resolve("d.png"), 5, 3, 1);
    Program.refuse(
        others + ": expected images of 3×5, as those of the model are, found 5×3",
        "eval",
        run,
        "--data",
        others);
  }

  private static List<String> withoutIds(Path scores) throws IOException {
    return Files.readAllLines(scores).stream()
        .skip(1)
        .map(line -> line.substring(line.indexOf(',')))
        .collect(Collectors.toCollection(ArrayList::new));
  }

  @Test
  void aModelOfATableTakesNoPictures() throws IOException {
    Path run = folder.resolve("run");
    TestRuns.table(run, 3);
    Program.refuse(
        pictures + ": expected a table, as the model was trained on one, found pictures",
        "score",
        run,
        pictures,
        "--out",
        folder.resolve("out.csv"));
  }

  @Test
  void patchesTakeAFolder() {
    train("--model", "patches", "--steps", "2");
  }

  @Test
  void theFolderIsDescribed() {
    assertThat(Program.succeed("data", "info", pictures).out())
        .contains("40 rows, 576 columns")
        .contains("images of 3 channels, height 16, width 12");
  }

  @Test
  void badPicturesAreNamedInOneLine() throws IOException {
    Path bad = pictures.resolve("17.png");
    byte[] whole = Files.readAllBytes(bad);
    Files.write(bad, Arrays.copyOf(whole, whole.length - 20));

    Program.refuse(
        bad + ": expected more data, found the end of a truncated file",
        "train",
        "--data",
        pictures,
        "--out",
        folder.resolve("run"));
    assertThat(folder.resolve("run")).doesNotExist();
  }

  @Test
  void impossibleSidesAreRefused() {
    Program.refuse(
        "image_side is -1, expected 1 to 4096",
        "train",
        "--data",
        pictures,
        "--set",
        "data.image_side=-1");
  }

  @Test
  void aTableIsNotResized() throws IOException {
    Path table = Files.writeString(folder.resolve("t.csv"), "1.5,2\n3,4.5\n4,7\n");
    Program.refuse(
        "expected a folder of pictures",
        "train",
        "--data",
        table,
        "--model",
        "fc",
        "--set",
        "data.image_side=8");
  }
}
