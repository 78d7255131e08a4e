package org.ebflow.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.ebflow.cli.Commands.Outcome;
import org.ebflow.flow.InvalidInputException;
import org.ebflow.linalg.Blas;
import org.ebflow.linalg.Matrix;
import org.ebflow.linalg.Precision;
import org.ebflow.training.data.DataSources;
import org.ebflow.training.data.NpyWriter;
import org.ebflow.training.data.ParquetWriter;
import org.ebflow.training.data.ParquetWriter.Column;
import org.ebflow.training.data.ParquetWriter.Kind;
import org.ebflow.training.data.ParquetWriter.Values;
import org.ebflow.training.data.TableOptions;
import org.ebflow.training.data.TableReader;
import org.ebflow.training.scoring.Evaluation;
import org.ebflow.training.scoring.Scorer;
import org.ebflow.training.scoring.Scores;
import org.ebflow.training.scoring.TrainedFlow;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ScoreCommandTest {
  private static final String HEADER = "id,log_prob,bits_per_dim,energy,latent_norm,percentile";

  @TempDir static Path runs;
  private static Path run;
  private static TrainedFlow model;

  @TempDir Path folder;

  @BeforeAll
  static void train() throws IOException {
    run = runs.resolve("run");
    model = TestRuns.table(run, 3);
  }

  private static Outcome score(Object... arguments) {
    Object[] all = new Object[arguments.length + 1];
    all[0] = run;
    System.arraycopy(arguments, 0, all, 1, arguments.length);
    return Commands.run(new ScoreCommand(), all);
  }

  private static double[][] cells(Path csv) throws IOException {
    List<String> lines = Files.readAllLines(csv);
    assertThat(lines.getFirst()).isEqualTo(HEADER);
    return lines.stream()
        .skip(1)
        .map(
            line ->
                Arrays.stream(line.split(",")).skip(1).mapToDouble(Double::parseDouble).toArray())
        .toArray(double[][]::new);
  }

  private static double[] logProb(Path csv) throws IOException {
    return Arrays.stream(cells(csv)).mapToDouble(row -> row[0]).toArray();
  }

  private static double[][] npy(Path file) throws IOException {
    ByteBuffer bytes = ByteBuffer.wrap(Files.readAllBytes(file)).order(ByteOrder.LITTLE_ENDIAN);
    int start = 10 + bytes.getShort(8);
    double[][] rows = new double[(bytes.limit() - start) / 40][5];
    bytes.position(start);
    for (double[] row : rows) {
      for (int c = 0; c < 5; c++) {
        row[c] = bytes.getDouble();
      }
    }
    return rows;
  }

  private void assertNothingIn(String... names) {
    for (String name : names) {
      assertThat(folder.resolve(name)).doesNotExist();
    }
    assertThat(folder).isDirectoryNotContaining("glob:**.part");
  }

  @Test
  void csvNpyAndLibraryAgreeToTheLastBit() throws IOException {
    double[][] rows = TestRuns.rows(700, 3, 2);
    Path csv = TestRuns.csv(folder.resolve("in.csv"), "a,b,c", rows);
    Path gz = TestRuns.csv(folder.resolve("in.csv.gz"), "a,b,c", rows);
    Path npy = folder.resolve("in.npy");
    NpyWriter.write(npy, Matrix.ofRows(Precision.FLOAT64, rows));
    double[] expected = model.logProb(rows);
    for (Path input : List.of(csv, gz, npy)) {
      assertThat(score(input, "--out", folder.resolve("out.csv")).exit()).isZero();
      assertThat(logProb(folder.resolve("out.csv"))).isEqualTo(expected);
      assertThat(score(input, "--out", folder.resolve("out.npy")).exit()).isZero();
      assertThat(npy(folder.resolve("out.npy"))).isEqualTo(cells(folder.resolve("out.csv")));
    }
  }

  @Test
  void theMeanOfTheScoresIsTheEvaluation() throws IOException {
    Path csv = TestRuns.csv(folder.resolve("in.csv"), "a,b,c", TestRuns.rows(300, 3, 2));
    score(csv, "--out", folder.resolve("out.csv"), "--batch-size", 50);
    try (Scorer scorer = new Scorer(model, Blas.auto(), 2)) {
      Evaluation evaluation = scorer.evaluate(DataSources.read(csv, TableOptions.DEFAULT));
      double sum = 0;
      double[] scores = logProb(folder.resolve("out.csv"));
      for (double score : scores) {
        sum -= score;
      }
      assertThat(evaluation.nll()).isEqualTo(sum / scores.length);
    }
  }

  @Test
  void columnsAreWhatTheySay() throws IOException {
    double[][] rows = TestRuns.rows(20, 3, 2);
    score(
        TestRuns.csv(folder.resolve("in.csv"), "a,b,c", rows), "--out", folder.resolve("out.csv"));
    double[][] cells = cells(folder.resolve("out.csv"));
    try (Scorer scorer = new Scorer(model, Blas.auto(), 1)) {
      Scores scores = scorer.score(Matrix.ofRows(Precision.FLOAT64, rows));
      for (int r = 0; r < rows.length; r++) {
        double logProb = scores.logProb()[r];
        assertThat(cells[r])
            .containsExactly(
                logProb,
                -logProb / (3 * Math.log(2)),
                scores.energy()[r],
                scores.latentNorm()[r],
                model.percentile(logProb));
        assertThat(cells[r][4]).isBetween(0.0, 100.0);
      }
    }
  }

  @ParameterizedTest
  @CsvSource({"1,1", "7,2", "64,3", "100,2", "5000,1"})
  void bitsDependNeitherOnTheBlockSizeNorOnTheThreads(int batch, int threads) throws IOException {
    double[][] rows = TestRuns.rows(200, 3, 2);
    Path csv = TestRuns.csv(folder.resolve("in.csv"), "a,b,c", rows);
    assertThat(
            score(
                    csv,
                    "--out",
                    folder.resolve("out.csv"),
                    "--batch-size",
                    batch,
                    "--threads",
                    threads)
                .exit())
        .isZero();
    assertThat(logProb(folder.resolve("out.csv"))).isEqualTo(model.logProb(rows));
  }

  @Test
  void aRowScoresAloneAsAmongOthers() throws IOException {
    double[][] rows = TestRuns.rows(200, 3, 2);
    double[] together = model.logProb(rows);
    for (int r : new int[] {0, 63, 64, 199}) {
      Path csv = TestRuns.csv(folder.resolve("one.csv"), "a,b,c", new double[][] {rows[r]});
      score(csv, "--out", folder.resolve("out.csv"));
      assertThat(logProb(folder.resolve("out.csv"))).containsExactly(together[r]);
    }
  }

  @Test
  void severalInputsFollowOneAnother() throws IOException {
    double[][] rows = TestRuns.rows(150, 3, 2);
    Path first = TestRuns.csv(folder.resolve("1.csv"), "a,b,c", Arrays.copyOf(rows, 70));
    Path second = folder.resolve("2.npy");
    NpyWriter.write(second, Matrix.ofRows(Precision.FLOAT64, Arrays.copyOfRange(rows, 70, 150)));
    score(first, second, "--out", folder.resolve("out.csv"), "--batch-size", 64);
    assertThat(logProb(folder.resolve("out.csv"))).isEqualTo(model.logProb(rows));
    assertThat(Files.readAllLines(folder.resolve("out.csv"))).last().asString().startsWith("150,");
  }

  @Test
  void columnsAreMatchedByNameAndOthersIgnored() throws IOException {
    double[][] rows = TestRuns.rows(30, 3, 2);
    double[][] mixed = new double[30][];
    for (int r = 0; r < 30; r++) {
      mixed[r] = new double[] {rows[r][2], 99, rows[r][0], rows[r][1]};
    }
    Path csv = TestRuns.csv(folder.resolve("in.csv"), "c,extra,a,b", mixed);
    assertThat(score(csv, "--out", folder.resolve("out.csv")).exit()).isZero();
    assertThat(logProb(folder.resolve("out.csv"))).isEqualTo(model.logProb(rows));
    assertThat(score(csv, "--out", folder.resolve("out.csv"), "--columns", "c,b,a").exit())
        .isZero();
    assertThat(logProb(folder.resolve("out.csv"))).isEqualTo(model.logProb(rows));
  }

  @Test
  void columnsOfOtherNamesAreTakenInTheOrderAskedFor() throws IOException {
    double[][] rows = TestRuns.rows(30, 3, 2);
    double[][] reversed =
        Stream.of(rows).map(row -> new double[] {row[2], row[1], row[0]}).toArray(double[][]::new);
    Path csv = TestRuns.csv(folder.resolve("in.csv"), "z,y,x", reversed);
    assertThat(score(csv, "--out", folder.resolve("out.csv"), "--columns", "x,y,z").exit())
        .isZero();
    assertThat(logProb(folder.resolve("out.csv"))).isEqualTo(model.logProb(rows));
  }

  @Test
  void aMissingColumnIsNamed() throws IOException {
    Path csv = TestRuns.csv(folder.resolve("in.csv"), "a,bb,c", TestRuns.rows(3, 3, 2));
    Outcome outcome = score(csv, "--out", folder.resolve("out.csv"));
    assertThat(outcome.failure()).isInstanceOf(InvalidInputException.class);
    assertThat(outcome.message())
        .contains(csv.toString(), "expected a column b, found a, bb, c")
        .doesNotContain("\n");
    assertNothingIn("out.csv");
  }

  @Test
  void theIdColumnIsCopiedAsText() throws IOException {
    Path csv =
        TestRuns.text(
            folder.resolve("in.csv"),
            "name,a,b,c\n\"Müller, \"\"J\"\"\",1,2,3\n0007,4,5,6\n,x,5,6\n");
    assertThat(score(csv, "--out", folder.resolve("out.csv"), "--id", "name").exit()).isZero();
    List<String> lines = Files.readAllLines(folder.resolve("out.csv"));
    assertThat(lines.get(1)).startsWith("\"Müller, \"\"J\"\"\",");
    assertThat(lines.get(2)).startsWith("0007,");
    assertThat(lines).hasSize(3);
  }

  @Test
  void badRowsAreRejectedWithLineAndReasonAndTheOthersScored() throws IOException {
    Path csv =
        TestRuns.text(
            folder.resolve("in.csv"),
            "a,b,c\n1,2,3\nNaN,2,3\n1,2\n4,5,6\n\n1,inf,3\n1,two,3\n1,2,3,4\n7,8,9\n1,,3\n");
    assertThat(score(csv, "--out", folder.resolve("out.csv"), "--batch-size", 2).exit()).isZero();
    assertThat(logProb(folder.resolve("out.csv")))
        .isEqualTo(model.logProb(new double[][] {{1, 2, 3}, {4, 5, 6}, {7, 8, 9}}));
    assertThat(
            Files.readAllLines(folder.resolve("out.csv")).stream().map(line -> line.split(",")[0]))
        .containsExactly("id", "1", "4", "8");
    assertThat(Files.readAllLines(folder.resolve("out.csv.rejected.csv")))
        .containsExactly(
            "id,input,row,line,reason",
            "2," + csv + ",2,3,\"column 1 (a): expected a finite number, found NaN or nothing\"",
            "3," + csv + ",3,4,\"expected 3 cells, found 2\"",
            "5," + csv + ",5,7,\"column 2 (b): expected a finite number, found Infinity\"",
            "6," + csv + ",6,8,\"column 2 (b): expected a number, found 'two'\"",
            "7," + csv + ",7,9,\"expected 3 cells, found 4\"",
            "9," + csv + ",9,11,\"column 2 (b): expected a finite number, found NaN or nothing\"");
  }

  @Test
  void theMostAnomalousRowsComeInOrderWithTheirNumbers() throws IOException {
    StringBuilder text = new StringBuilder("a,b,c\n1,2\n");
    for (double[] row : TestRuns.rows(300, 3, 2)) {
      text.append(row[0]).append(',').append(row[1]).append(',').append(row[2]).append('\n');
    }
    Path csv = TestRuns.text(folder.resolve("in.csv"), text + "1,2,1e300\n");
    Path all = folder.resolve("all.csv");
    score(csv, "--out", all);
    List<String> sorted =
        Files.readAllLines(all).stream()
            .skip(1)
            .sorted(Comparator.comparingDouble(line -> Double.parseDouble(line.split(",")[1])))
            .toList();
    assertThat(sorted).first().asString().startsWith("302,-Infinity,");
    Path out = folder.resolve("out.csv");
    for (int most : new int[] {1, 7, 301, 5000}) {
      Outcome outcome = score(csv, "--out", out, "--top", most, "--batch-size", 10);
      int written = Math.min(most, 301);
      assertThat(outcome.err())
          .contains("scored 301 rows, the " + written + " of lowest log_prob into " + out)
          .contains(", 1 with density zero (", ", rejected 1 into ");
      List<String> lines = Files.readAllLines(out);
      assertThat(lines.getFirst()).isEqualTo(HEADER);
      assertThat(lines.subList(1, lines.size())).isEqualTo(sorted.subList(0, written));
    }
    Path npy = folder.resolve("out.npy");
    score(csv, "--out", npy, "--top", 7);
    Path parquet = folder.resolve("out.parquet");
    score(csv, "--out", parquet, "--top", 7);
    for (Path file : List.of(npy, parquet)) {
      List<String> rows = new ArrayList<>();
      try (TableReader table = TableReader.open(file)) {
        while (table.next()) {
          double[] values = table.values();
          rows.add(
              (long) values[0]
                  + ","
                  + Arrays.stream(values, 1, 6)
                      .mapToObj(Double::toString)
                      .collect(Collectors.joining(",")));
        }
      }
      assertThat(rows).isEqualTo(sorted.subList(0, 7));
    }
    score(csv, "--out", out, "--top", 2, "--id", "c");
    assertThat(Files.readAllLines(out).get(1)).startsWith("1e300,-Infinity,");
    assertNothingIn();
  }

  @Test
  void aColumnOfTheModelMayBeTheIdToo() throws IOException {
    double[][] rows = {{1, 2, 3}, {4, 5, 6}};
    Path named = TestRuns.text(folder.resolve("in.csv"), "a,b,c\n1.0,2,3\n4.0,5,6\n");
    Path plain = TestRuns.text(folder.resolve("plain.csv"), "1.0,2,3\n4.0,5,6\n");
    Path npy = folder.resolve("in.npy");
    NpyWriter.write(npy, Matrix.ofRows(Precision.FLOAT64, rows));
    Path parquet = TestRuns.parquet(folder.resolve("in.parquet"), List.of("a", "b", "c"), rows);
    double[] expected = model.logProb(rows);
    Path out = folder.resolve("out.csv");
    for (Path input : List.of(named, plain, npy, parquet)) {
      boolean names = input == named || input == parquet;
      Outcome outcome =
          names || input == npy
              ? score(input, "--out", out, "--id", names ? "a" : "1")
              : score(input, "--out", out, "--id", "1", "--header", "no");
      assertThat(outcome.exit()).as(outcome.message()).isZero();
      assertThat(logProb(out)).isEqualTo(expected);
      String first = input == npy ? "1," : "1.0,";
      assertThat(Files.readAllLines(out).get(1)).as(input.toString()).startsWith(first);
    }
    assertThat(score(named, "--out", out, "--id", "a", "--columns", "a,b,c").exit()).isZero();
    assertThat(logProb(out)).isEqualTo(expected);
    Path wide = TestRuns.text(folder.resolve("wide.csv"), "7,1,2,3\n8,4,5,6\n");
    assertThat(score(wide, "--out", out, "--id", "1", "--header", "no").exit())
        .isZero(); // an id alone, as before
    assertThat(logProb(out)).isEqualTo(expected);
  }

  @Test
  void anotherVersionOfTheProgramIsAnotherCall() {
    assertThat(ScoreCommand.call("1 abc", run, "f32", List.of(), false, 0))
        .isEqualTo(ScoreCommand.call("1 abc", run, "f32", List.of(), false, 0))
        .isNotEqualTo(ScoreCommand.call("1 abd", run, "f32", List.of(), false, 0))
        .isNotEqualTo(ScoreCommand.call("1 abc", run, "f32", List.of(), false, 3));
    assertThat(Version.withCommit()).startsWith("ebflow ").endsWith(" unknown");
  }

  @Test
  void aFolderWithoutTablesIsRefusedAsSuch() throws IOException {
    Path empty = Files.createDirectory(folder.resolve("empty"));
    String message =
        empty
            + ": expected a folder with tables (.csv, .npy, .parquet) or pictures (.png, .jpg, .jpeg), found none";
    assertThat(score(empty, "--out", folder.resolve("out.csv")).message()).isEqualTo(message);
    assertThat(Commands.run(new EvalCommand(), run, "--data", empty).message()).isEqualTo(message);
    Program.refuse(message, "train", "--data", empty);
  }

  @ParameterizedTest
  @ValueSource(strings = {"0", "-1", "1000001"})
  void asManyMostAnomalousRowsAreRefused(String most) throws IOException {
    Path csv = TestRuns.text(folder.resolve("in.csv"), "a,b,c\n1,2,3\n");
    Outcome outcome = score(csv, "--out", folder.resolve("out.csv"), "--top", most);
    assertThat(outcome.exit()).isEqualTo(2);
    assertThat(outcome.err()).contains("--top is " + most + ", expected 1 to 1000000");
    assertNothingIn("out.csv");
  }

  @Test
  void npyOutputKeepsTheRowNumbersOfRejectedRows() throws IOException {
    Path csv = TestRuns.text(folder.resolve("in.csv"), "a,b,c\n1,2,3\n1,2\n4,5,6\n");
    assertThat(score(csv, "--out", folder.resolve("out.npy")).exit()).isZero();
    double[][] rows = npy(folder.resolve("out.npy"));
    double[] expected = model.logProb(new double[][] {{1, 2, 3}, {4, 5, 6}});
    assertThat(new double[] {rows[0][0], rows[2][0]}).isEqualTo(expected);
    assertThat(rows[1]).containsOnly(Double.NaN);
    assertThat(folder.resolve("out.npy.rejected.csv")).exists();
  }

  @Test
  void strictStopsAtTheFirstBadRowAndLeavesWhatWasThere() throws IOException {
    Path csv = TestRuns.text(folder.resolve("in.csv"), "a,b,c\n1,2,3\n1,2\n4,5,6\n");
    Outcome outcome = score(csv, "--out", folder.resolve("out.csv"), "--strict", "--batch-size", 1);
    assertThat(outcome.failure()).isInstanceOf(InvalidInputException.class);
    assertThat(outcome.message()).isEqualTo(csv + ": row 2 (line 3): expected 3 cells, found 2");
    assertNothingIn("out.csv", "out.csv.rejected.csv");
    Files.writeString(folder.resolve("out.csv"), "old");
    score(csv, "--out", folder.resolve("out.csv"), "--strict");
    assertThat(folder.resolve("out.csv")).hasContent("old");
  }

  @Test
  void aRejectedFileOfAnEarlierCallIsRemovedWhenAllRowsAreGood() throws IOException {
    Path out = folder.resolve("out.csv");
    score(TestRuns.text(folder.resolve("bad.csv"), "a,b,c\n1,2,3\n1,2\n"), "--out", out);
    assertThat(folder.resolve("out.csv.rejected.csv")).exists();
    score(TestRuns.text(folder.resolve("good.csv"), "a,b,c\n1,2,3\n1,2,4\n"), "--out", out);
    assertNothingIn("out.csv.rejected.csv");
    assertThat(cells(out)).hasDimensions(2, 5);
  }

  @Test
  void aWrongDimensionIsRefusedWithBothShapes() throws IOException {
    Path npy = folder.resolve("in.npy");
    NpyWriter.write(npy, Matrix.allocate(Precision.FLOAT64, 4, 5));
    Path csv = TestRuns.csv(folder.resolve("in.csv"), "", TestRuns.rows(3, 4, 2));
    for (Path input : List.of(npy, csv)) {
      Outcome outcome = score(input, "--out", folder.resolve("out.csv"));
      assertThat(outcome.failure()).isInstanceOf(InvalidInputException.class);
      assertThat(outcome.message()).contains("[*,3]", input == npy ? "[*,5]" : "[*,4]");
    }
    assertNothingIn("out.csv");
  }

  @ParameterizedTest
  @ValueSource(strings = {"f32", "f64", "bf16"})
  void rowsOfDensityZeroAreScoredCountedAndNamed(String precision) throws IOException {
    Program.assumeProducts(precision);
    Path csv =
        TestRuns.text(folder.resolve("in.csv"), "a,b,c\n1,2,3\n1e308,2,3\n1\n4,5,6\n1,2,-1e300\n");
    Path npy = folder.resolve("in.npy");
    double[][] rows = {{1, 2, 3}, {1e308, 2, 3}, {4, 5, 6}, {1, 2, -1e300}};
    NpyWriter.write(npy, Matrix.ofRows(Precision.FLOAT64, rows));
    Path out = folder.resolve("out.csv");
    double[] impossible = {
      Double.NEGATIVE_INFINITY,
      Double.POSITIVE_INFINITY,
      Double.POSITIVE_INFINITY,
      Double.POSITIVE_INFINITY,
      0
    };
    for (Path input : List.of(csv, npy)) {
      Outcome outcome = score(input, "--out", out, "--precision", precision);
      assertThat(outcome.exit()).isZero();
      assertThat(outcome.err())
          .contains(", 2 with density zero (the first: row 2, column a = 1.0E308)");
      double[][] cells = cells(out);
      assertThat(cells).hasDimensions(4, 5);
      assertThat(new double[][] {cells[1], cells[3]})
          .isEqualTo(new double[][] {impossible, impossible});
      assertThat(cells[0]).doesNotContain(impossible[0], impossible[1], Double.NaN);
    }
    assertThat(
            score(
                    TestRuns.text(folder.resolve("one.csv"), "c,b,a\n3,2,1\n3,9e250,1\n"),
                    "--out",
                    folder.resolve("out.npy"))
                .err())
        .contains(", 1 with density zero (row 2, column b = 9.0E250)");
    assertThat(npy(folder.resolve("out.npy"))[1]).isEqualTo(impossible);
  }

  @Test
  void everyRejectedRowOfABlockIsCounted() throws IOException {
    Path csv =
        TestRuns.text(
            folder.resolve("in.csv"), "a,b,c\n1,2,3\n1\n1,2\nNaN,1,2\n4,5,6\nx,1,2\n7,8,9\n");
    for (int block : new int[] {1, 2, 3, 100}) {
      assertThat(score(csv, "--out", folder.resolve("out.csv"), "--batch-size", block).err())
          .contains("scored 3 rows into", ", rejected 4 into ");
    }
  }

  @Test
  void parquetIsReadAndWrittenWithTheBitsOfCsv() throws IOException {
    double[][] rows = TestRuns.rows(700, 3, 2);
    Path parquet = folder.resolve("in.parquet");
    try (OutputStream out = Files.newOutputStream(parquet)) {
      List<Column> columns =
          List.of(real("c"), real("a"), new Column("name", Kind.TEXT), real("b"));
      ParquetWriter writer = new ParquetWriter(out, columns);
      writer.begin();
      List<Values> values = columns.stream().map(_ -> new Values()).toList();
      for (double[] row : rows) {
        values.get(0).add(row[2]);
        values.get(1).add(row[0]);
        values.get(2).add("row " + row[1]);
        values.get(3).add(row[1]);
      }
      writer.write(values);
      writer.finish();
    }
    Path csv = folder.resolve("out.csv");
    assertThat(score(parquet, "--id", "name", "--out", csv).exit()).isZero();
    assertThat(logProb(csv)).isEqualTo(model.logProb(rows));
    assertThat(Files.readAllLines(csv).get(1)).startsWith("row " + rows[0][1] + ",");

    Path scores = folder.resolve("out.parquet");
    for (boolean named : new boolean[] {true, false}) {
      Object[] id = named ? new Object[] {"--id", "name"} : new Object[] {};
      assertThat(
              score(Stream.concat(Stream.of(parquet, "--out", scores), Stream.of(id)).toArray())
                  .exit())
          .isZero();
      List<double[]> read = new ArrayList<>();
      TableOptions options =
          TableOptions.DEFAULT.withIdColumn("id").withColumns(List.of("log_prob..percentile"));
      try (TableReader table = TableReader.open(scores, options)) {
        while (table.next()) {
          assertThat(table.id())
              .isEqualTo(named ? "row " + rows[read.size()][1] : "" + (read.size() + 1));
          read.add(table.values().clone());
        }
      }
      assertThat(read.toArray(double[][]::new)).isEqualTo(cells(csv));
    }
  }

  private static Column real(String name) {
    return new Column(name, Kind.REAL);
  }

  @ParameterizedTest
  @ValueSource(strings = {"0", "-3", "2000000000"})
  void anImpossibleBlockSizeIsWrongUsage(String size) throws IOException {
    Path csv = TestRuns.csv(folder.resolve("in.csv"), "a,b,c", TestRuns.rows(3, 3, 2));
    Outcome outcome = score(csv, "--out", folder.resolve("out.csv"), "--batch-size", size);
    assertThat(outcome.exit()).isEqualTo(2);
    assertThat(outcome.err()).contains("--batch-size is " + size);
  }

  @Test
  void theLastLineOnStderrSumsUp() throws IOException {
    Path csv = TestRuns.text(folder.resolve("in.csv"), "a,b,c\n1,2,3\n1,2\n4,5,6\n");
    Path out = folder.resolve("out.csv");
    assertThat(score(csv, "--out", out).err().strip())
        .matches(
            "scored 2 rows into \\S+ in [0-9.]+ s \\([0-9,]+ rows/s\\), rejected 1 into \\S+\\.rejected\\.csv");
  }

  @Test
  void theCommandExitsWith2AndOneLineOnBadInput() throws IOException {
    Path csv = TestRuns.text(folder.resolve("in.csv"), "a,b,c\n1,2,3\n1,2\n");
    String out = folder.resolve("out.csv").toString();
    StringWriter err = new StringWriter();
    PrintWriter writer = new PrintWriter(err, true);
    assertThat(
            Ebflow.run(
                writer, writer, "score", run.toString(), csv.toString(), "--out", out, "--strict"))
        .isEqualTo(2);
    assertThat(err.toString())
        .endsWith(csv + ": row 2 (line 3): expected 3 cells, found 2" + System.lineSeparator());
    assertThat(Ebflow.run(writer, writer, "score", run.toString(), csv.toString(), "--out", out))
        .isZero();
  }
}
