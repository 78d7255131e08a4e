package org.ebflow.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import javax.imageio.ImageIO;
import org.ebflow.cli.Commands.Outcome;
import org.ebflow.flow.InvalidInputException;
import org.ebflow.linalg.Matrix;
import org.ebflow.linalg.Precision;
import org.ebflow.training.data.NpyWriter;
import org.ebflow.training.scoring.TrainedFlow;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Rows for a model of images that hold what is no pixel, in every format. */
class PixelRangeTest {
  private static final int PIXELS = 12;

  @TempDir static Path runs;
  @TempDir Path folder;
  private static Path run;

  /** Of 16 levels. */
  @BeforeAll
  static void train() {
    run = runs.resolve("run");
    TestRuns.pictures(run);
  }

  private static double[] row(double fifth) {
    double[] row = new double[PIXELS];
    Arrays.fill(row, 3);
    row[4] = fifth;
    return row;
  }

  private Path write(String name, double[][] rows) throws IOException {
    Path file = folder.resolve(name);
    if (name.endsWith(".npy")) {
      NpyWriter.write(file, Matrix.ofRows(Precision.FLOAT64, rows));
    } else if (name.endsWith(".parquet")) {
      TestRuns.parquet(file, IntStream.range(0, PIXELS).mapToObj(c -> "p" + c).toList(), rows);
    } else {
      TestRuns.csv(file, "", rows);
    }
    return file;
  }

  private static Outcome score(Object... arguments) {
    Object[] all = new Object[arguments.length + 1];
    all[0] = run;
    System.arraycopy(arguments, 0, all, 1, arguments.length);
    return Commands.run(new ScoreCommand(), all);
  }

  private static String reason(String found) {
    return "column 5: expected a whole number from 0 to 15, as the model's pixels are, found "
        + found;
  }

  @ParameterizedTest
  @ValueSource(strings = {"in.csv", "in.npy", "in.parquet"})
  void whatIsNoPixelIsRejectedAndTheOthersAreScored(String name) throws IOException {
    double[][] rows = {row(15), row(-3), row(16), row(2.5), row(.25), row(0)};
    Path out = folder.resolve("out.csv");
    Path in = write(name, rows);
    Outcome outcome = score(in, "--out", out);
    assertThat(outcome.exit()).as(outcome.message()).isZero();
    assertThat(outcome.err()).contains("scored 2 rows into " + out, ", rejected 4 into ");
    double[] expected = TrainedFlow.load(run).logProb(new double[][] {row(15), row(0)});
    assertThat(Files.readAllLines(out).stream().skip(1).map(line -> line.split(",")[1]))
        .containsExactly(Double.toString(expected[0]), Double.toString(expected[1]));
    List<String> rejected = Files.readAllLines(folder.resolve("out.csv.rejected.csv"));
    assertThat(rejected).hasSize(5);
    String[] found = {"-3.0", "16.0", "2.5", "0.25"};
    for (int i = 0; i < found.length; i++) {
      assertThat(rejected.get(1 + i))
          .startsWith((i + 2) + "," + in + "," + (i + 2) + ",")
          .endsWith(",\"" + reason(found[i]) + "\"");
    }
    Outcome strict = score(in, "--out", out, "--strict");
    assertThat(strict.failure()).isInstanceOf(InvalidInputException.class);
    assertThat(strict.message()).contains(in + ": row 2").endsWith(": " + reason("-3.0"));
  }

  @ParameterizedTest
  @ValueSource(strings = {"in.csv", "in.npy", "in.parquet"})
  void evalNamesTheFirstRowThatHoldsOne(String name) throws IOException {
    Path in = write(name, new double[][] {row(15), row(0), row(2.5), row(-3)});
    Outcome outcome = Commands.run(new EvalCommand(), run, "--data", in);
    assertThat(outcome.failure()).isInstanceOf(InvalidInputException.class);
    assertThat(outcome.message()).isEqualTo(name + ": row 3: " + reason("2.5"));
  }

  @Test
  void arraysOfImagesAndPicturesOfMoreLevelsAreCheckedToo() throws IOException {
    byte[] pixels = new byte[2 * PIXELS];
    pixels[3] = 15;
    pixels[PIXELS + 4] = (byte) 200;
    Path bytes = Files.write(folder.resolve("images.npy"), TestRuns.npy("2,2,2,3", pixels));
    Path pictures = Files.createDirectory(folder.resolve("pictures"));
    BufferedImage image = new BufferedImage(2, 2, BufferedImage.TYPE_INT_RGB);
    ImageIO.write(image, "png", pictures.resolve("0.png").toFile());
    image.setRGB(1, 0, 0x01C800); // the second pixel's green is 200
    ImageIO.write(image, "png", pictures.resolve("1.png").toFile());
    Path out = folder.resolve("out.csv");
    for (Path in : List.of(bytes, pictures)) {
      Outcome outcome = score(in, "--out", out);
      assertThat(outcome.err()).contains("scored 1 rows into ", ", rejected 1 into ");
      assertThat(Files.readString(folder.resolve("out.csv.rejected.csv"))).contains(reason("200"));
      assertThat(Commands.run(new EvalCommand(), run, "--data", in).message())
          .contains(": row 2: " + reason("200"));
    }
  }
}
