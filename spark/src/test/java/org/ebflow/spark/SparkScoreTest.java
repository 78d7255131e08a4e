package org.ebflow.spark;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeFalse;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.apache.spark.sql.Row;
import org.ebflow.linalg.Blas;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class SparkScoreTest {
  private static final String HEADER =
      "id,log_prob,bits_per_dim,energy,latent_norm,percentile,reason";

  @TempDir static Path runs;
  private static Path run;

  @TempDir Path folder;

  private record Outcome(int exit, String err) {}

  @BeforeAll
  static void train() throws IOException {
    run = Models.train("fc", runs.resolve("fc"));
  }

  @BeforeEach
  void startSpark() {
    assertThat(LocalSpark.SESSION.sparkContext().isStopped()).isFalse();
  }

  private static Outcome score(Object... arguments) {
    List<String> words = new ArrayList<>(List.of(run.toString()));
    Stream.of(arguments).map(Object::toString).forEach(words::add);
    StringWriter err = new StringWriter();
    int exit = new SparkScore().run(new PrintWriter(err, true), words.toArray(String[]::new));
    return new Outcome(exit, err.toString());
  }

  /** The lines of the parts of a folder, headers but the first left out. */
  private static List<String> lines(Path csv) throws IOException {
    List<String> lines = new ArrayList<>(List.of(HEADER));
    try (Stream<Path> parts = Files.list(csv)) {
      for (Path part : parts.filter(file -> file.toString().endsWith(".csv")).sorted().toList()) {
        List<String> all = Files.readAllLines(part);
        assertThat(all.getFirst()).isEqualTo(HEADER);
        lines.addAll(all.subList(1, all.size()));
      }
    }
    return lines;
  }

  private Path table(String name, String... lines) {
    try {
      return Files.write(folder.resolve(name), List.of(lines));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static void assertSameBits(Map<String, double[]> found, Map<String, double[]> expected) {
    assertThat(found.keySet()).isEqualTo(expected.keySet());
    expected.forEach((id, scores) -> assertThat(found.get(id)).as("row " + id).isEqualTo(scores));
  }

  @Test
  void csvGivesTheScoresAndTheBadRowsOfOneMachine() throws IOException {
    Path csv =
        table(
            "in.csv",
            "key,c,a,b",
            "one,11.5,0.25,4.75",
            "\"two\",NA,0.25,4.75",
            "three,11.5, 1e0 ,+4.",
            "four,11.5,x,4.75",
            "five,11.5,0.25",
            "six,11.5,0.25,4.75,9",
            "seven,1e300,1e300,1e300",
            "eight,11.5,0.25,-inf");
    Path out = folder.resolve("out.csv");

    Outcome outcome = score(csv, "--id", "key", "--out", out);

    assertThat(outcome.err())
        .isEqualToNormalizingNewlines("scored 3 rows into " + out + ", rejected 5\n");
    assertThat(outcome.exit()).isZero();
    List<String> lines = lines(out);
    Path merged = Files.write(folder.resolve("merged.csv"), lines);
    assertSameBits(Models.csvScores(merged), Models.score(run, csv, "--id", "key"));
    assertThat(lines)
        .contains(
            "two,,,,,,\"column 2 (c): expected a finite number, found NA\"",
            "four,,,,,,\"column 3 (a): expected a number, found 'x'\"",
            "five,,,,,,\"expected 4 cells, found another number in 'five,11.5,0.25'\"",
            "six,,,,,,\"expected 4 cells, found another number in 'six,11.5,0.25,4.75,9'\"",
            "eight,,,,,,\"column 4 (b): expected a finite number, found -inf\"");
  }

  @Test
  void severalParquetInputsGiveTheScoresOfOneMachine() throws IOException {
    LocalSpark.SESSION
        .sql("select id, cast(id % 7 as float) a, id / 3 b, 10bd c from range(600)")
        .coalesce(1)
        .write()
        .parquet(folder.resolve("in.parquet").toString());
    Path part;
    try (Stream<Path> parts = Files.list(folder.resolve("in.parquet"))) {
      part = parts.filter(file -> file.toString().endsWith(".parquet")).findFirst().orElseThrow();
    }
    Path out = folder.resolve("out.parquet");

    Outcome outcome =
        score(folder.resolve("in.parquet"), part, "--id", "id", "--out", out, "--precision", "f64");

    assertThat(outcome.err()).startsWith("scored 1,200 rows into ");
    Map<String, double[]> expected = Models.score(run, part, "--id", "id", "--precision", "f64");
    Map<String, Integer> seen = new HashMap<>();
    for (Row row : LocalSpark.SESSION.read().parquet(out.toString()).collectAsList()) {
      String id = String.valueOf(row.getLong(0));
      seen.merge(id, 1, Integer::sum);
      for (int i = 0; i < 5; i++) {
        assertThat(row.getDouble(1 + i)).isEqualTo(expected.get(id)[i]);
      }
      assertThat(row.isNullAt(6)).isTrue();
    }
    assertThat(seen).hasSize(600).allSatisfy((_, times) -> assertThat(times).isEqualTo(2));
  }

  @Test
  void aTableWithoutNamesIsReadByPlaces() throws IOException {
    Path csv = table("in.csv", "1;0.25;4.75;11.5;junk", "2;-1;5;10;junk");
    Path out = folder.resolve("out.csv");
    String[] options = {"--header", "no", "--separator", "semicolon", "--columns", "2..4"};
    List<Object> arguments = new ArrayList<>(List.of(csv, "--id", "1", "--out", out));
    arguments.addAll(List.of(options));

    assertThat(score(arguments.toArray()).err()).startsWith("scored 2 rows");

    List<String> one = new ArrayList<>(List.of("--id", "1"));
    one.addAll(List.of(options));
    assertSameBits(
        Models.csvScores(Files.write(folder.resolve("merged.csv"), lines(out))),
        Models.score(run, csv, one.toArray(String[]::new)));
  }

  @Test
  void withoutAnIdAllColumnsAreCopied() throws IOException {
    Path csv = table("in.csv", "day,a,b,c", "monday,0.25,4.75,11.5");
    Path out = folder.resolve("out.parquet");
    assertThat(score(csv, "--out", out).exit()).isZero();
    Row row = LocalSpark.SESSION.read().parquet(out.toString()).first();
    assertThat(row.schema().fieldNames())
        .containsExactly(("day,a,b,c" + HEADER.substring(2)).split(","));
    assertThat(row.getString(0)).isEqualTo("monday");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "in.csv --out OUT.csv --strict | column 2 (b): expected a finite number, found null, in the row a=1, b=null, c=3",
        "in.csv --out OUT.csv --columns a,b | in.csv: expected rows of the model's shape [*,3], found [*,2]",
        "in.csv --out OUT.csv --drop c | in.csv: expected the columns of the model, found one of them among --drop",
        "in.csv --out OUT.csv --id key | in.csv: expected a column key, found a, b, c",
        "in.csv --out OUT.npy | --out OUT.npy: expected a name ending in .csv or .parquet",
        "in.csv --out OUT.csv --precision f16 | precision is f16, expected f32, f64 or bf16",
        "in.csv --out OUT.csv --header maybe | --header is maybe, expected yes or no",
        "in.csv --out OUT.csv --separator dot | --separator is dot, expected comma, semicolon or tab",
        "in.npy --out OUT.csv | in.npy: expected a name ending in .parquet, .csv or .csv.gz",
        "in.csv in.parquet --out OUT.csv | in.csv in.parquet: expected inputs of one format, found several",
        "in.csv | Missing required option: '--out=FOLDER' (see --help)",
      })
  void wrongInputIsOneLineAndLeavesNoScores(String arguments, String message) {
    table("in.csv", "a,b,c", "1,,3");
    String at = folder + "/";
    Outcome outcome =
        score((Object[]) arguments.replaceAll("(in\\.\\w+|OUT)", at + "$1").split(" "));
    assertThat(outcome.err())
        .isEqualToNormalizingNewlines(
            "ebflow: " + message.replaceAll("(in\\.\\w+|OUT)", at + "$1") + "\n");
    assertThat(outcome.exit()).isEqualTo(2);
    assertThat(folder.resolve("OUT.csv/_SUCCESS")).doesNotExist();
  }

  @Test
  void roundedProductsAreRefusedInOneLineWhereTheExecutorHasNone() {
    assumeFalse(Blas.named("onednn").multipliesBFloat16(), "this processor has such products");
    Path csv = table("in.csv", "a,b,c", "1,2,3");
    Outcome outcome = score(csv, "--out", folder.resolve("out.csv"), "--precision", "bf16");
    assertThat(outcome.err())
        .startsWith("ebflow: precision bf16: the executor's processor has no such products")
        .hasLineCount(1);
    assertThat(outcome.exit()).isEqualTo(2);
  }

  @Test
  void scoresThatAreThereAreNotReplaced() {
    Path csv = table("in.csv", "a,b,c", "1,2,3");
    Path out = folder.resolve("out.csv");
    assertThat(score(csv, "--out", out).exit()).isZero();
    Outcome again = score(csv, "--out", out);
    assertThat(again.exit()).isEqualTo(2);
    assertThat(again.err()).contains("already exists").hasLineCount(1);
  }
}
