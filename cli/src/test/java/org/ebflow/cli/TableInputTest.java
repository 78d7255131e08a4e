package org.ebflow.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import java.util.zip.GZIPOutputStream;
import org.ebflow.cli.Program.Result;
import org.ebflow.linalg.Matrix;
import org.ebflow.linalg.Precision;
import org.ebflow.training.data.ColumnPlaces;
import org.ebflow.training.data.NpyWriter;
import org.ebflow.training.scoring.TrainedFlow;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** What train, eval, score and data info take a table for: the same. */
final class TableInputTest {
  private static final JsonMapper JSON = new JsonMapper();
  private static final double[][] ROWS = TestRuns.rows(200, 3, 1);

  @TempDir Path folder;

  private Path csv(String name, String header, double[][] rows) throws IOException {
    return TestRuns.csv(folder.resolve(name), header, rows);
  }

  private Path npy(String name, double[][] rows) throws IOException {
    Path file = folder.resolve(name);
    NpyWriter.write(file, Matrix.ofRows(Precision.FLOAT64, rows));
    return file;
  }

  @Test
  void aNameWithControlCharactersStaysOnItsLine() throws IOException {
    Path data =
        TestRuns.text(
            folder.resolve("t.csv"), "\"first\nline\",\"\u009b31mred\"\n1,10\n2,30\n1,20\n");
    List<String> info = Program.succeed("data", "info", data).out().lines().toList();
    assertThat(info).hasSize(6);
    assertThat(info.get(5)).startsWith("2 of 2 columns hold whole numbers");
    assertThat(info.get(3)).startsWith("first\\nline ").endsWith("1.33333      0.471405");
    assertThat(info.get(4)).startsWith("\\u009b31mred ").endsWith("20.0000       8.16497");

    Path run = folder.resolve("run");
    Path rows = csv("rows.csv", "\"first\nline\",\"\u009b31mred\"", TestRuns.rows(200, 2, 1));
    Program.succeed(
        "train", "--data", rows, "--model", "fc", "--epochs", 1, "--threads", 1, "--out", run);
    assertThat(Program.succeed("info", run).out())
        .contains("[\"first\\nline\",")
        .doesNotContain("\u009b");
    Path far = csv("far.csv", "\"first\nline\",\"\u009b31mred\"", new double[][] {{1e300, 0}});
    String evaluated = Program.succeed("eval", run, "--data", far).out();
    assertThat(evaluated.lines()).hasSize(2); // the model's and the baselines'
    assertThat(evaluated.lines().findFirst().orElseThrow())
        .contains("column first\\nline = 1.0E300");
    String scored = Program.succeed("score", run, far, "--out", folder.resolve("s.csv")).err();
    assertThat(scored).contains("column first\\nline = 1.0E300").hasLineCount(1);
    Path red = csv("red.csv", "a,\"\u009b31mred\"", TestRuns.rows(3, 2, 1));
    Result missing = Program.run("score", run, red, "--out", folder.resolve("s.csv"));
    assertThat(missing.exit()).isEqualTo(2);
    assertThat(missing.err()).contains("\\u009b31mred").doesNotContain("\u009b").hasLineCount(1);
  }

  @Test
  void compressedTablesAreReadAsPlainOnes() throws IOException {
    double[][] fresh = TestRuns.rows(70, 3, 2);
    Path csv = csv("mine.csv", "a,b,c", ROWS);
    Path npy = npy("mine.npy", ROWS);
    Path freshCsv = csv("fresh.csv", "c,b,a", columns(fresh, 2, 1, 0));
    Path freshNpy = npy("fresh.npy", fresh);
    for (List<Path> plain : List.of(List.of(csv, freshCsv), List.of(npy, freshNpy))) {
      List<Path> packed = new ArrayList<>();
      for (Path file : plain) {
        packed.add(gzip(file, ".gz"));
      }
      String name = plain.get(0).getFileName().toString();
      Path run = train("of-" + name, plain.get(0), "--test", plain.get(1));
      Path ofPacked = train("of-" + name + ".gz", packed.get(0), "--test", packed.get(1));
      assertThat(TrainedFlow.load(ofPacked).logProb(fresh))
          .isEqualTo(TrainedFlow.load(run).logProb(fresh));
      assertThat(eval(ofPacked).get("n").asInt()).isEqualTo(70);
      assertThat(eval(run, "--data", packed.get(1)))
          .isEqualTo(eval(run, "--data", plain.get(1)))
          .isNotEqualTo(eval(run, "--data", plain.get(0)));
      assertThat(score(run, packed.get(1)))
          .isEqualTo(score(run, plain.get(1)))
          .isEqualTo(scores(run, fresh));
      assertThat(Program.succeed("data", "info", packed.get(0)).out())
          .startsWith("200 rows, 3 columns")
          .isEqualTo(Program.succeed("data", "info", plain.get(0)).out());
    }
    // compression is told by the content, the format by the name
    Path unnamed = gzip(csv, "");
    assertThat(Program.succeed("data", "info", unnamed).out()).startsWith("200 rows, 3 columns");
    Path cut = folder.resolve("cut.csv.gz");
    byte[] whole = Files.readAllBytes(folder.resolve("mine.csv.gz"));
    Files.write(cut, Arrays.copyOf(whole, whole.length / 2));
    Program.refuse(
        cut + ": expected more data, found the end of a truncated file",
        "train",
        "--data",
        cut,
        "--out",
        folder.resolve("none"));
  }

  /** A compressed copy beside the file, or in a folder of its own where it has the same name. */
  private Path gzip(Path file, String ending) throws IOException {
    Path into = ending.isEmpty() ? Files.createDirectory(folder.resolve("packed")) : folder;
    Path packed = into.resolve(file.getFileName() + ending);
    try (GZIPOutputStream out = new GZIPOutputStream(Files.newOutputStream(packed))) {
      Files.copy(file, out);
    }
    return packed;
  }

  private Path train(String name, Path data, Object... options) {
    Path run = folder.resolve(name);
    Object[] call = {"train", "--data", data, "--epochs", 1, "--threads", 1, "--out", run};
    Program.succeed(Stream.concat(Arrays.stream(call), Arrays.stream(options)).toArray());
    return run;
  }

  private static JsonNode eval(Path run, Object... options) {
    Object[] call = {"eval", run, "--json", "--threads", 1};
    return JSON.readTree(
        Program.succeed(Stream.concat(Arrays.stream(call), Arrays.stream(options)).toArray())
            .out());
  }

  /** The lines of the scores, "id,log_prob". */
  private List<String> score(Path run, Path data, Object... options) throws IOException {
    Path out = folder.resolve("out.csv");
    Object[] call = {"score", run, data, "--out", out, "--threads", 1};
    Program.succeed(Stream.concat(Arrays.stream(call), Arrays.stream(options)).toArray());
    return Files.readAllLines(out).stream()
        .skip(1)
        .map(line -> line.substring(0, line.indexOf(',', line.indexOf(',') + 1)))
        .toList();
  }

  private static List<String> scores(Path run, double[][] rows) {
    double[] logProb = TrainedFlow.load(run).logProb(rows);
    List<String> lines = new ArrayList<>();
    for (int r = 0; r < rows.length; r++) {
      lines.add((r + 1) + "," + logProb[r]);
    }
    return lines;
  }

  private static double[][] columns(double[][] rows, int... chosen) {
    return Arrays.stream(rows)
        .map(row -> Arrays.stream(chosen).mapToDouble(c -> row[c]).toArray())
        .toArray(double[][]::new);
  }

  /** Rows with constants between the columns: 7, x, 0.3 or its neighbour, y, z, 0. */
  private static double[][] withConstants(double[][] rows) {
    double[][] wide = new double[rows.length][];
    for (int r = 0; r < rows.length; r++) {
      double third = r % 3 == 0 ? 0.1 + 0.2 : 0.3;
      wide[r] = new double[] {7, rows[r][0], third, rows[r][1], rows[r][2], 0};
    }
    return wide;
  }

  @ParameterizedTest
  @ValueSource(strings = {"0,1,2", "2021,2020,2019", "1.0,2.0,3.0", "a,1,2"})
  void aHeaderOfNumbersIsAskedAboutInTrainingAndKnownAfterwards(String header) throws IOException {
    Path data = csv("mine.csv", header, ROWS);
    Program.refuse("mine.csv: expected --header yes or --header no", "train", "--data", data);
    Program.refuse("mine.csv: expected --header yes or --header no", "data", "info", data);
    Path run = train("run", data, "--header", "yes");

    assertThat(
            JSON.readTree(run.resolve("config.json").toFile()).at("/recipe/data/header").asString())
        .isEqualTo("yes");
    assertThat(TrainedFlow.load(run).data().columns()).containsExactly(header.split(","));
    assertThat(eval(run).get("n").asInt()).isEqualTo(20);
    assertThat(eval(run, "--data", data).get("n").asInt()).isEqualTo(200);
    Program.succeed("train", "--resume", run, "--epochs", 2, "--threads", 1);
    assertThat(score(run, data)).isEqualTo(scores(run, ROWS));
    assertThat(score(run, csv("bare.csv", "", ROWS))).isEqualTo(scores(run, ROWS));
    assertThat(Program.succeed("data", "info", data, "--header", "yes").out())
        .contains("200 rows, 3 columns", "header: the first line, with the names below");
  }

  @Test
  void whatTheUserSaysOfTheHeaderCounts() throws IOException {
    double[][] whole = new double[200][];
    for (int r = 0; r < 200; r++) {
      whole[r] = new double[] {r % 7, 100 + r * r % 11, 200 + r % 5};
    }
    Path data = csv("whole.csv", "", whole);
    Program.refuse("0.0,100.0,200.0", "train", "--data", data);
    Path run = train("run", data, "--header", "no");
    assertThat(eval(run).get("n").asInt()).isEqualTo(20);
    Program.refuse("expected --header yes or --header no", "eval", run, "--data", data);
    assertThat(eval(run, "--data", data, "--header", "no").get("n").asInt()).isEqualTo(200);
    Program.refuse(
        "expected --header yes or --header no",
        "score",
        run,
        data,
        "--out",
        folder.resolve("o.csv"));
    assertThat(score(run, data, "--header", "no")).isEqualTo(scores(run, whole));
    assertThat(Program.succeed("data", "info", data, "--header", "no").out())
        .contains("200 rows", "header: none, the first line is a row");
    Program.refuse(
        "--header is maybe, expected yes or no", "data", "info", data, "--header", "maybe");
  }

  @ParameterizedTest
  @ValueSource(strings = {"new.CSV", "new.Csv", "new.CSV.GZ", "new.csv.Gz"})
  void columnsGoByNameWhateverTheCaseOfTheEnding(String name) throws IOException {
    Path run = train("run", csv("mine.csv", "a,b,c", ROWS));
    Path mixed = csv("mixed.csv", "c,extra,a,b", columns(ROWS, 2, 0, 0, 1));
    Path other = folder.resolve(name);
    if (name.endsWith("GZ") || name.endsWith("Gz")) {
      try (OutputStream out = new GZIPOutputStream(Files.newOutputStream(other))) {
        Files.copy(mixed, out);
      }
    } else {
      Files.copy(mixed, other);
    }
    double nll = eval(run, "--data", csv("same.csv", "a,b,c", ROWS)).get("nll").asDouble();
    assertThat(eval(run, "--data", other).get("nll").asDouble()).isEqualTo(nll);
    assertThat(score(run, other)).isEqualTo(scores(run, ROWS));
    assertThat(Program.succeed("data", "info", other).out()).contains("200 rows, 4 columns");
    Path out = folder.resolve("OUT.NPY");
    Program.succeed("score", run, other, "--out", out);
    assertThat(Files.size(out)).isEqualTo(128 + 200 * 5 * 8);
  }

  @Test
  void aBlankLineOfOneColumnKeepsTheIdsOfTheOthers() throws IOException {
    double[][] one = columns(ROWS, 0);
    Path run = train("run", csv("one.csv", "x", one), "--model", "fc");
    for (String missing : List.of("", "\"\"", "NA")) {
      Path data =
          TestRuns.text(
              folder.resolve("in.csv"), "x\n0.5\n" + missing + "\n1.5\n" + missing + "\n2.5\n");
      List<String> expected = scores(run, new double[][] {{0.5}, {0}, {1.5}, {0}, {2.5}});
      assertThat(score(run, data))
          .containsExactly(expected.get(0), expected.get(2), expected.get(4));
      assertThat(Files.readAllLines(folder.resolve("out.csv.rejected.csv")))
          .hasSize(3)
          .element(1)
          .asString()
          .startsWith("2," + data + ",2,3,");
      Program.refuse("row 2 (line 3)", "eval", run, "--data", data);
      assertThat(eval(run, "--data", data, "--drop-nonfinite").get("n").asInt()).isEqualTo(3);
      Path out = folder.resolve("out.npy");
      Program.succeed("score", run, data, "--out", out);
      assertThat(Files.size(out)).isEqualTo(128 + 5 * 5 * 8);
    }
  }

  @Test
  void aFirstLineOfMissingValuesIsARowThatIsRejected() throws IOException {
    Path run = train("run", npy("mine.npy", ROWS));
    for (String first : List.of("NA,NA,NA", "-,-,-", "NA,-,", "?,?,?", ",,", "nan,inf,NA")) {
      Path data = TestRuns.text(folder.resolve("in.csv"), first + "\n1,5.5,10\n");
      List<String> expected = scores(run, new double[][] {{0, 0, 0}, {1, 5.5, 10}});
      assertThat(score(run, data)).containsExactly(expected.get(1));
      assertThat(folder.resolve("out.csv.rejected.csv"))
          .content()
          .contains("\n1," + data + ",1,1,");
    }
  }

  @Test
  void missingValuesAreAnErrorInTrainingOrDropped() throws IOException {
    StringBuilder text = new StringBuilder("a,b,c\n");
    String[] words = {"NA", "N/A", "null", "None", "?", ""};
    for (int r = 0; r < ROWS.length; r++) {
      String last = r >= 10 && r < 16 ? words[r - 10] : String.valueOf(ROWS[r][2]);
      text.append(ROWS[r][0]).append(',').append(ROWS[r][1]).append(',').append(last).append('\n');
    }
    Path data = TestRuns.text(folder.resolve("holes.csv"), text.toString());
    Program.refuse("row 11 (line 12): column 3 (c)", "train", "--data", data);
    Path run = train("run", data, "--drop-nonfinite");
    assertThat(eval(run, "--data", data, "--drop-nonfinite").get("n").asInt()).isEqualTo(194);
    assertThat(score(run, data)).hasSize(194).element(10).asString().startsWith("17,");
  }

  @Test
  void anEncodingIsNamedOrAnError() throws IOException {
    StringBuilder text = new StringBuilder("Straße,größe,b\n");
    for (int r = 0; r < ROWS.length; r++) {
      text.append(r == 150 ? "Zürich" : r == 151 ? "Zärich" : "x");
      text.append(',').append(ROWS[r][0]).append(',').append(ROWS[r][1]).append('\n');
    }
    Path utf8 = Files.writeString(folder.resolve("utf8.csv"), text);
    Charset windows = Charset.forName("windows-1252");
    Path data = Files.writeString(folder.resolve("old.csv"), text, windows);
    Program.refuse(
        "old.csv: expected UTF-8 text, found the byte 0xDF in line 1", "train", "--data", data);
    Path run = train("run", data, "--columns", "größe,b", "--encoding", "latin1");
    assertThat(
            JSON.readTree(run.resolve("config.json").toFile())
                .at("/recipe/data/encoding")
                .asString())
        .isEqualTo("ISO-8859-1");
    assertThat(TrainedFlow.load(run).data().columns()).containsExactly("größe", "b");
    assertThat(eval(run).get("n").asInt()).isEqualTo(20);
    Program.succeed("train", "--resume", run, "--epochs", 2, "--threads", 1);
    assertThat(eval(run, "--data", data, "--encoding", "windows-1252").get("nll"))
        .isEqualTo(eval(run, "--data", utf8).get("nll"));

    List<String> scores = score(run, data, "--encoding", "windows-1252", "--id", "Straße");
    assertThat(scores).isEqualTo(score(run, utf8, "--id", "Straße"));
    assertThat(scores.get(150)).startsWith("Zürich,");
    assertThat(scores.get(151)).startsWith("Zärich,");
    assertThat(Program.succeed("data", "info", utf8, "--encoding", "UTF-8").exit()).isZero();
    Program.refuse(
        "--encoding is klingon, expected", "data", "info", utf8, "--encoding", "klingon");

    Path late =
        Files.write(
            folder.resolve("late.csv"),
            text.toString().replace("Straße", "k").replace("größe", "a").getBytes(windows));
    Path plain = train("plain", csv("plain.csv", "a,b", columns(ROWS, 0, 1)));
    String message = "late.csv: expected UTF-8 text, found the byte 0xFC in line 152";
    Program.refuse(message, "score", plain, late, "--id", "k", "--out", folder.resolve("none.csv"));
    Program.refuse(message, "score", plain, late, "--out", folder.resolve("none.csv"));
    Program.refuse(message, "eval", plain, "--data", late);
    Program.refuse(message, "train", "--data", late, "--columns", "a,b");
    Program.refuse(message, "data", "info", late);
    assertThat(folder.resolve("none.csv")).doesNotExist();
  }

  @Test
  void anIndexIsLeftOutEverywhere() throws IOException {
    double[][] indexed = new double[ROWS.length][];
    StringBuilder text = new StringBuilder(",a,b,c\n");
    for (int r = 0; r < ROWS.length; r++) {
      indexed[r] = new double[] {r, ROWS[r][0], ROWS[r][1], ROWS[r][2]};
      text.append(r).append(',').append(ROWS[r][0]).append(',').append(ROWS[r][1]);
      text.append(',').append(ROWS[r][2]).append('\n');
    }
    Path data = TestRuns.text(folder.resolve("pandas.csv"), text.toString());
    String warning = "left out the first column, which has no name and counts the rows";
    Path run = folder.resolve("run");
    assertThat(Program.succeed("train", "--data", data, "--epochs", 1, "--out", run).err())
        .contains("warning: ")
        .contains(warning);
    assertThat(TrainedFlow.load(run).data().columns()).containsExactly("a", "b", "c");
    assertThat(score(run, data)).isEqualTo(scores(run, ROWS));
    assertThat(eval(run, "--data", data).get("n").asInt()).isEqualTo(200);

    Path nameless = train("nameless", npy("mine.npy", ROWS));
    Result scored =
        Program.succeed(
            "score", nameless, data, "--out", folder.resolve("out.csv"), "--threads", 1);
    assertThat(scored.err()).containsOnlyOnce(warning);
    assertThat(score(nameless, data)).isEqualTo(scores(nameless, ROWS));
    assertThat(eval(nameless, "--data", data).get("nll"))
        .isEqualTo(eval(nameless, "--data", npy("same.npy", ROWS)).get("nll"));
    assertThat(Program.succeed("data", "info", data).out())
        .contains("200 rows, 3 columns", warning);

    indexed[7][0] = 90;
    Path shuffled = csv("shuffled.csv", ",a,b,c", indexed);
    Program.refuse(
        "expected a first column with a name or with an index", "train", "--data", shuffled);
    Program.refuse("expected a first column with a name", "eval", nameless, "--data", shuffled);
    assertThat(score(run, shuffled)).isEqualTo(scores(run, ROWS));
  }

  @ParameterizedTest
  @CsvSource({"fc,f32", "fc,bf16", "fc,f64", "coupling,f32", "coupling,f64"})
  void constantColumnsAreRefusedOrLeftOutEverywhere(String model, String precision)
      throws IOException {
    Program.assumeProducts(precision);
    double[][] wide = withConstants(ROWS);
    Path arrays = npy("wide.npy", wide);
    Path named = csv("wide.csv", "k,a,third,b,c,zero", wide);
    Path bare = csv("bare.csv", "", wide);
    Program.refuse(
        "found the same value in every training row of column 1, 3, 6", "train", "--data", arrays);
    Program.refuse("column 'k', 'third', 'zero'", "train", "--data", named);
    Object[] options = {"--drop-constant", "--model", model, "--precision", precision};
    Path byNumber = train("number", arrays, options);
    Path byName = train("name", named, options);
    assertThat(TrainedFlow.load(byNumber).data().places())
        .isEqualTo(new ColumnPlaces(6, List.of(1, 3, 4)));
    assertThat(TrainedFlow.load(byName).data().columns()).containsExactly("a", "b", "c");
    for (Path run : List.of(byNumber, byName)) {
      JsonNode recipe = JSON.readTree(run.resolve("config.json").toFile()).at("/recipe/data");
      assertThat(recipe.get("drop_constant").asBoolean()).isTrue();
      assertThat(eval(run).get("n").asInt()).isEqualTo(20);
      List<String> expected = scores(run, ROWS);
      assertThat(score(run, arrays)).isEqualTo(expected);
      assertThat(score(run, bare)).isEqualTo(expected);
      assertThat(score(run, npy("narrow.npy", ROWS))).isEqualTo(expected);
      assertThat(eval(run, "--data", arrays).get("nll"))
          .isEqualTo(eval(run, "--data", npy("narrow.npy", ROWS)).get("nll"));
      Path other = npy("other.npy", columns(wide, 0, 1, 2, 3, 4));
      Program.refuse("[*,3], found [*,5]", "score", run, other, "--out", folder.resolve("o.csv"));
    }
    assertThat(score(byName, named)).isEqualTo(scores(byName, ROWS));
    Program.succeed("train", "--resume", byNumber, "--epochs", 2, "--threads", 1);
  }

  /** Beyond float32, or less apart than its neighbours: 1 + 1e-9·x. */
  @ParameterizedTest
  @CsvSource({
    "fc, standardize, 0, 1e-60",
    "fc, standardize, 0, 1e60",
    "fc, standardize, 1, 1e-9",
    "fc, margins, 0, 1e-60",
    "fc, margins, 0, 1e60",
    "spline, margins, 0, 1e-60",
    "spline, margins, 0, 1e60",
    "coupling, standardize, 0, 1e60",
    "fc, none, 0, 1e-60",
    "fc, none, 0, 1e60"
  })
  void numbersBeyondFloat32NeedAPreprocessingOutsideOfTheModelOrFloat64(
      String model, String preprocessing, double shift, double scale) throws IOException {
    double[][] rows =
        Arrays.stream(ROWS)
            .map(row -> new double[] {row[0], shift + scale * row[1], row[2]})
            .toArray(double[][]::new);
    for (Path data : List.of(csv("t.csv", "a,b,c", rows), npy("t.npy", rows))) {
      String name = String.valueOf(data.getFileName());
      Path run = folder.resolve(name + "-run");
      List<Object> call =
          List.of(
              "train",
              "--data",
              data,
              "--model",
              model,
              "--set",
              "data.preprocessing.type=" + preprocessing,
              "--steps",
              2,
              "--threads",
              1,
              "--out",
              run);
      List<Object> inside = new ArrayList<>(call);
      inside.addAll(List.of("--no-map", "--precision", "f32"));
      Program.refuse(
          "(take --precision f64, or a preprocessing outside of the model)", inside.toArray());
      Program.refuse(name + ": expected ", inside.toArray());
      assertThat(run).doesNotExist();
      if (preprocessing.equals("none")) {
        continue;
      }
      inside.set(inside.size() - 1, "f64");
      Program.succeed(inside.toArray());
      assertThat(eval(run).get("nll").asDouble()).isFinite();
      assertThat(score(run, data)).isEqualTo(scores(run, rows));
      List<Object> outside = new ArrayList<>(call);
      outside.set(outside.size() - 1, folder.resolve(name + "-outside"));
      Program.succeed(outside.toArray());
      assertThat(eval(folder.resolve(name + "-outside")).get("nll").asDouble()).isFinite();
    }
  }

  @ParameterizedTest
  @CsvSource({"fc,f32", "fc,bf16", "fc,f64", "coupling,f32", "coupling,f64"})
  void wholeNumbersAreSpreadForMarginsEverywhere(String model, String precision)
      throws IOException {
    Program.assumeProducts(precision);
    double[][] rows =
        Arrays.stream(ROWS)
            .map(row -> new double[] {Math.rint(9 * row[0]), row[1], Math.rint(row[2])})
            .toArray(double[][]::new);
    Path named = csv("whole.csv", "a,b,c", rows);
    Path array = npy("whole.npy", rows);
    String message = "2 of 3 columns hold whole numbers: spread over [n, n+1)";
    String margins = "data.preprocessing.type=margins";
    Path run = folder.resolve("run");
    Object[] call = {
      "train",
      "--data",
      named,
      "--model",
      model,
      "--precision",
      precision,
      "--epochs",
      1,
      "--threads",
      1,
      "--set",
      margins,
      "--out",
      run
    };
    assertThat(Program.succeed(call).err()).containsOnlyOnce(message);
    List<String> expected = scores(run, rows);
    assertThat(score(run, named)).isEqualTo(expected);
    assertThat(score(run, array)).isEqualTo(expected);
    assertThat(eval(run, "--data", array).get("nll"))
        .isEqualTo(eval(run, "--data", named).get("nll"));
    assertThat(eval(run).get("impossible").asInt()).isZero();
    Program.succeed("sample", run, "--count", 50, "--out", folder.resolve("sample.npy"));
    Program.succeed("train", "--resume", run, "--epochs", 2, "--threads", 1);

    Path alone = train("alone", named, "--set", margins, "--set", "data.dequantize=no");
    assertThat(TrainedFlow.load(alone).preprocessing().wholeColumns()).isEmpty();
    Path inside = train("inside", array, "--set", margins, "--no-map", "--model", model);
    assertThat(score(inside, named)).isEqualTo(scores(inside, rows));
  }

  @Test
  void aTableOfConstantsIsRefused() throws IOException {
    Path data = TestRuns.text(folder.resolve("same.csv"), "a,b\n" + "1,2\n".repeat(50));
    Program.refuse(
        "same.csv: expected a column that varies", "train", "--data", data, "--drop-constant");
    Program.refuse(
        "expected no choice of columns or header",
        "train",
        "quickstart",
        "--drop-constant",
        "--out",
        folder.resolve("run"));
  }

  @Test
  void theRunsOwnDataMayHaveMoved() throws IOException {
    Path data = csv("mine.csv", "0,1,2", ROWS);
    Path run = train("run", data, "--header", "yes");
    double[] before = new double[3];
    String[] splits = {"test", "val", "train"};
    for (int i = 0; i < 3; i++) {
      before[i] = eval(run, "--split", splits[i]).get("nll").asDouble();
    }
    Path moved = Files.move(data, folder.resolve("Moved.CSV"));
    Program.refuse("expected a file", "eval", run);
    for (int i = 0; i < 3; i++) {
      JsonNode json = eval(run, "--data", moved, "--split", splits[i]);
      assertThat(json.get("nll").asDouble()).isEqualTo(before[i]);
      assertThat(json.get("split").asString()).isEqualTo(splits[i]);
    }
    assertThat(eval(run, "--data", moved).get("split").asString()).isEqualTo("all");
    Path other = csv("other.csv", "0,1,2", TestRuns.rows(200, 3, 2));
    Program.refuse(
        "expected the data of the run, SHA-256", "eval", run, "--data", other, "--split", "test");
    Program.refuse(
        "expected no other choice",
        "eval",
        run,
        "--data",
        moved,
        "--split",
        "test",
        "--drop-nonfinite");
  }

  @Test
  void noFileStandsForANamedDataSet() throws IOException {
    Path run = folder.resolve("run");
    Program.succeed("train", "--data", "gaussians", "--steps", 1, "--batch-size", 64, "--out", run);
    Path file = csv("points.csv", "x,y", columns(ROWS, 0, 1));
    String message = "points.csv: expected the run's own data set by name (gaussians)";
    Program.refuse(message, "eval", run, "--data", file, "--split", "test");
    Program.refuse(message, "train", "--resume", run, "--data", file, "--steps", 2);
    assertThat(eval(run, "--data", file).get("n").asInt()).isEqualTo(200);
  }

  @ParameterizedTest
  @CsvSource({"spline,f32", "spline,f64", "fc,f32", "fc,bf16", "coupling,f32"})
  void anOddTableTrainsAndIsToldOf(String model, String precision) throws IOException {
    Program.assumeProducts(precision);
    double[][] rows =
        Arrays.stream(ROWS)
            .map(row -> new double[] {row[0], row[1], 1e15 + 1e10 * row[0], row[0] - row[1]})
            .toArray(double[][]::new);
    String header = "a,b,c,a\tb";
    Path validation = csv("validation.csv", header, Arrays.copyOfRange(rows, 100, 150));
    Path test = csv("test.csv", header, Arrays.copyOfRange(rows, 150, 200));
    rows = Arrays.copyOf(rows, 100);
    rows[0][1] = 1e9;
    rows[0][3] = rows[0][0] - 1e9;
    List<String> findings =
        List.of(
            "2 of 4 columns have values far out ('b', 'a\\tb'): they ",
            "1 of 4 columns repeat others up to scale and shift ('c' of 'a'): log p is high without meaning, and ",
            "1 of 4 columns are linear combinations of others ('a\\tb' of 'a', 'b'): log p is high without meaning, and ");
    Path named = csv("odd.csv", header, rows);
    Path run = folder.resolve("run");
    List<Object> call = new ArrayList<>(List.of("train", "--data", named, "--out", run));
    call.addAll(List.of("--threads", 1, "--model", model, "--precision", precision));
    call.addAll(List.of("--steps", 20, "--validation", validation, "--test", test));
    String err = Program.succeed(call.toArray()).err();
    String log = Files.readString(run.resolve("run.log"));
    String info = Program.succeed("data", "info", named).out();
    for (String finding : findings) {
      assertThat(err).containsOnlyOnce(finding);
      assertThat(log).containsOnlyOnce(finding);
      assertThat(info).containsOnlyOnce(finding);
    }
    assertThat(Program.succeed("data", "info", npy("odd.npy", rows)).out())
        .containsOnlyOnce("(2, 4): they ")
        .containsOnlyOnce("(3 of 1): ")
        .containsOnlyOnce("(4 of 1, 2): ");
    assertThat(eval(run).get("nll").asDouble()).isFinite();
    assertThat(Program.succeed("train", "--resume", run, "--steps", 22, "--threads", 1).err())
        .doesNotContain("columns");
    assertThat(score(run, named)).isEqualTo(scores(run, rows));
  }

  @Test
  void columnNamesMayHoldCommas() throws IOException {
    Path data = csv("mine.csv", "\"x, m\",y,\"z \"\"1\"\"\"", ROWS);
    Path run = train("run", data, "--columns", "\"z \"\"1\"\"\",\"x, m\"");
    assertThat(TrainedFlow.load(run).data().columns()).containsExactly("z \"1\"", "x, m");
    double[][] chosen = columns(ROWS, 2, 0);
    assertThat(score(run, data)).isEqualTo(scores(run, chosen));
    assertThat(score(run, data, "--columns", "\"x, m\",\"z \"\"1\"\"\""))
        .isEqualTo(scores(run, chosen));
    assertThat(eval(run).get("n").asInt()).isEqualTo(20);
    assertThat(eval(run, "--data", data, "--columns", "\"z \"\"1\"\"\"", "--columns", "\"x, m\""))
        .isEqualTo(eval(run, "--data", data));
    Program.succeed("train", "--resume", run, "--epochs", 2, "--threads", 1);
    Program.refuse(
        "expected a column q, r, found", "train", "--data", data, "--columns", "\"q, r\"");
    Program.refuse(
        "expected names separated by commas", "train", "--data", data, "--columns", "\"x");
  }

  @Test
  void eitherOrderOfAnArrayIsTheSameTable() throws IOException {
    ByteBuffer values = ByteBuffer.allocate(200 * 3 * 8).order(ByteOrder.LITTLE_ENDIAN);
    for (int c = 0; c < 3; c++) {
      for (double[] row : ROWS) {
        values.putDouble(row[c]);
      }
    }
    String header = "{'descr': '<f8', 'fortran_order': True, 'shape': (200, 3), }\n";
    Path fortran = folder.resolve("fortran.npy");
    try (OutputStream out = Files.newOutputStream(fortran)) {
      out.write(new byte[] {(byte) 0x93, 'N', 'U', 'M', 'P', 'Y', 1, 0, (byte) header.length(), 0});
      out.write(header.getBytes(StandardCharsets.US_ASCII));
      out.write(values.array());
    }
    Path run = train("run", fortran);
    Path rowByRow = npy("c.npy", ROWS);
    assertThat(scores(train("c", rowByRow), ROWS)).isEqualTo(scores(run, ROWS));
    assertThat(score(run, fortran)).isEqualTo(scores(run, ROWS));
    assertThat(eval(run, "--data", fortran)).isEqualTo(eval(run, "--data", rowByRow));
    assertThat(Program.succeed("data", "info", fortran).out()).contains("200 rows, 3 columns");
  }
}
