package org.ebflow.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import org.ebflow.linalg.Matrix;
import org.ebflow.linalg.Precision;
import org.ebflow.training.data.NpyWriter;
import org.ebflow.training.data.ParquetWriter;
import org.ebflow.training.data.ParquetWriter.Column;
import org.ebflow.training.data.ParquetWriter.Kind;
import org.ebflow.training.data.ParquetWriter.Values;
import org.ebflow.training.scoring.TrainedFlow;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Tables in every format, several files, chosen columns: for train, eval, score and data info. */
final class SeveralInputsTest {
  private static final int ROWS = 60;

  @TempDir private Path folder;
  private Path parts;

  /** Three parts of rows a, b, c with a name. */
  @BeforeEach
  void write() throws IOException {
    parts = Files.createDirectory(folder.resolve("parts"));
    for (int part = 0; part < 3; part++) {
      parquet(parts.resolve(part + ".parquet"), part);
      csv(folder.resolve("part-" + part + ".csv"), part);
    }
    Files.writeString(parts.resolve("_SUCCESS"), "");
  }

  private static double[][] rows(int part) {
    Random random = new Random(part);
    double[][] rows = new double[ROWS][3];
    for (double[] row : rows) {
      row[0] = random.nextGaussian();
      row[1] = row[0] + random.nextGaussian();
      row[2] = random.nextGaussian();
    }
    return rows;
  }

  private static void parquet(Path file, int part) throws IOException {
    try (OutputStream out = Files.newOutputStream(file)) {
      List<Column> columns =
          List.of(
              new Column("name", Kind.TEXT),
              new Column("a", Kind.REAL),
              new Column("b", Kind.REAL),
              new Column("c", Kind.REAL));
      List<Values> values = columns.stream().map(_ -> new Values()).toList();
      int number = 0;
      for (double[] row : rows(part)) {
        values.get(0).add(part + "-" + number++);
        for (int c = 0; c < 3; c++) {
          values.get(1 + c).add(row[c]);
        }
      }
      ParquetWriter writer = new ParquetWriter(out, columns);
      writer.begin();
      writer.write(values);
      writer.finish();
    }
  }

  private static void csv(Path file, int part) throws IOException {
    StringBuilder text = new StringBuilder("name;a;b;c\n");
    int number = 0;
    for (double[] row : rows(part)) {
      text.append(part).append('-').append(number++);
      for (double value : row) {
        text.append(';').append(Double.toString(value).replace('.', ','));
      }
      text.append('\n');
    }
    Files.writeString(file, text);
  }

  private Path train(String name, Object... data) {
    Path run = folder.resolve(name);
    Object[] call = new Object[data.length + 9];
    Object[] all = {"train", "--model", "fc", "--loss", "ml", "--epochs", "1", "--out", run};
    System.arraycopy(all, 0, call, 0, all.length);
    System.arraycopy(data, 0, call, all.length, data.length);
    Program.succeed(call);
    return run;
  }

  private static double[] weights(Path run) {
    return TrainedFlow.load(run).logProb(rows(7));
  }

  @Test
  void everyFormatTrainsTheSameModel() throws IOException {
    Path first = train("folder", "--data", parts, "--drop", "name");
    double[] expected = weights(first);
    assertThat(weights(train("pattern", "--data", parts + "/*.parquet", "--columns", "a..c")))
        .isEqualTo(expected);
    assertThat(
            weights(
                train(
                    "csv",
                    "--data",
                    folder + "/part-*.csv",
                    "--drop",
                    "name",
                    "--separator",
                    "semicolon",
                    "--decimal-comma")))
        .isEqualTo(expected);
    double[][] all = new double[3 * ROWS][];
    for (int part = 0; part < 3; part++) {
      System.arraycopy(rows(part), 0, all, part * ROWS, ROWS);
    }
    Path npy = folder.resolve("all.npy");
    NpyWriter.write(npy, Matrix.ofRows(Precision.FLOAT64, all));
    assertThat(weights(train("npy", "--data", npy))).isEqualTo(expected);

    Program.succeed("train", "--resume", first, "--epochs", "2");
    assertThat(Program.succeed("eval", first).out()).contains("18 rows");
    assertThat(Program.succeed("eval", first, "--data", parts).out()).contains("180 rows");
    assertThat(Program.succeed("eval", first, "--data", parts + "/[12].parquet").out())
        .contains("120 rows");
  }

  @Test
  void scoresOfSeveralFilesStandBehindEachOther() throws IOException {
    Path run = train("run", "--data", parts, "--columns", "a,b,c");
    Path out = folder.resolve("out.csv");
    Program.succeed("score", run, parts, "--id", "name", "--out", out);
    List<String> scores = Files.readAllLines(out);
    assertThat(scores).hasSize(181);
    assertThat(scores.get(61)).startsWith("1-0,");
    for (Object input : List.of(parts + "/*.parquet", parts.resolve("0.parquet"))) {
      boolean one = input instanceof Path;
      Path second = folder.resolve("second.csv");
      if (one) {
        Program.succeed(
            "score",
            run,
            input,
            parts.resolve("1.parquet"),
            parts + "/2*",
            "--id",
            "name",
            "--out",
            second);
      } else {
        Program.succeed("score", run, input, "--id", "name", "--out", second);
      }
      assertThat(Files.readAllLines(second)).isEqualTo(scores);
    }
    Path text = folder.resolve("text.csv");
    Program.succeed(
        "score",
        run,
        folder + "/part-?.csv",
        "--id",
        "name",
        "--separator",
        "semicolon",
        "--decimal-comma",
        "--out",
        text);
    assertThat(Files.readAllLines(text)).isEqualTo(scores);
  }

  @Test
  void rejectedRowsHaveTheirFileAndRow() throws IOException {
    Path run = train("run", "--data", parts, "--columns", "a,b,c");
    Path one = Files.writeString(folder.resolve("x-1.csv"), "a,b,c\n1,2,3\n1,2,\n");
    Path two = Files.writeString(folder.resolve("x-2.csv"), "a,b,c\nx,2,3\n1,2,3\n");
    Path out = folder.resolve("out.csv");
    Program.succeed("score", run, folder + "/x-*.csv", "--out", out);
    assertThat(Files.readAllLines(Path.of(out + ".rejected.csv")))
        .containsExactly(
            "id,input,row,line,reason",
            "2," + one + ",2,3,\"column 3 (c): expected a finite number, found NaN or nothing\"",
            "3," + two + ",1,2,\"column 1 (a): expected a number, found 'x'\"");
    assertThat(Files.readAllLines(out)).hasSize(3);
    assertThat(Files.readAllLines(out).get(2)).startsWith("4,");
  }

  @Test
  void idxImagesAreScoredByAModelOfTheirSize() throws IOException {
    Path run = train("run", "--data", parts, "--columns", "a,b,c");
    byte[] pixels = {0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 3, 1, 2, 3, 0, 1, (byte) 200};
    Path idx = Files.write(folder.resolve("images-ubyte"), pixels);
    Path npy = folder.resolve("pixels.npy");
    NpyWriter.write(npy, Matrix.ofRows(Precision.FLOAT64, new double[][] {{1, 2, 3}, {0, 1, 200}}));
    Path one = folder.resolve("one.csv");
    Path two = folder.resolve("two.csv");
    Program.succeed("score", run, idx, "--out", one);
    Program.succeed("score", run, npy, "--out", two);
    assertThat(Files.readAllLines(one)).hasSize(3).isEqualTo(Files.readAllLines(two));
    ByteBuffer.wrap(pixels).putInt(4, 3);
    Files.write(idx, pixels);
    Program.refuse("images-ubyte: expected 25 bytes", "score", run, idx, "--out", one);
  }

  @Test
  void aFileIsDescribedByTheColumnsThatAreChosen() {
    assertThat(Program.succeed("data", "info", parts, "--drop", "name").out())
        .contains("180 rows, 3 columns");
    assertThat(Program.succeed("data", "info", parts + "/0*", "--columns", "b..c").out())
        .contains("60 rows, 2 columns");
    Program.refuse(
        "0.parquet: column 1 (name): expected numbers, found the type STRING",
        "data",
        "info",
        parts);
  }

  @Test
  void aPatternWithoutFilesIsAnError() {
    Program.refuse(
        "expected files of this pattern, found none",
        "score",
        train("run", "--data", parts, "--columns", "a,b,c"),
        folder + "/none-*.csv",
        "--out",
        folder.resolve("out.csv"));
    Program.refuse(
        "none-*.csv: expected a file or one of", "train", "--data", folder + "/none-*.csv");
  }
}
