package org.ebflow.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * Run folders that an older version wrote are evaluated, scored and resumed with the numbers that
 * it printed itself: {@code src/test/resources/older-runs}.
 */
class OlderRunsTest {
  /** Other processors round otherwise. */
  private static final double ROUNDING = 2e-5;

  private static final JsonMapper JSON = new JsonMapper();

  @TempDir private Path folder;

  @BeforeEach
  void copyRuns() throws IOException, URISyntaxException {
    Path source =
        Path.of(
                Objects.requireNonNull(OlderRunsTest.class.getResource("/older-runs/README.md"))
                    .toURI())
            .resolveSibling("");
    try (Stream<Path> files = Files.walk(source)) {
      for (Path file : files.sorted().toList()) {
        Path target = folder.resolve(source.relativize(file).toString());
        if (Files.isDirectory(file)) {
          Files.createDirectories(target);
        } else if (file.endsWith("config.json")) { // its data had a place on another machine
          String config = Files.readString(file);
          for (String data : List.of("table.csv", "images-ubyte")) {
            config = config.replaceFirst("\"name\" : \"" + data, "\"name\" : \"" + path(data));
          }
          Files.writeString(target, config);
        } else {
          Files.copy(file, target);
        }
      }
    }
  }

  private String path(String data) {
    return folder.resolve(data).toString().replace("\\", "/");
  }

  private static JsonNode evaluate(Path run) {
    Program.Result result = Program.run("eval", run, "--json");
    assertThat(result.exit()).as(result.err()).isZero();
    return JSON.readTree(result.out());
  }

  @ParameterizedTest
  @CsvSource({
    "fc, 5.204528515615672, 0.25582020390606175, -0.02170658924905796, 12",
    "coupling, 4.551416800149669, 0.3103266845733561, 0.878097566424611, 12",
    "pictures, 32.70252478607136, 0.3528338642607562, -0.04774734795661633, 20"
  })
  void itsModelHasTheLikelihoodItHad(
      String run, double nll, double standardError, double logZ, int rows) {
    JsonNode found = evaluate(folder.resolve(run));
    assertThat(found.get("nll").asDouble()).isCloseTo(nll, within(ROUNDING * nll));
    assertThat(found.get("nll_se").asDouble()).isCloseTo(standardError, within(ROUNDING));
    assertThat(found.get("log_z").asDouble()).isCloseTo(logZ, within(ROUNDING));
    assertThat(found.get("n").asInt()).isEqualTo(rows);
    for (String baseline : List.of("nll_gaussian", "nll_margins", "nll_copula")) {
      assertThat(found.get(baseline).isNull()).as(baseline).isTrue();
    }
  }

  /** Scores of the first five rows of the table, and the percentiles between its quantiles. */
  @ParameterizedTest
  @CsvSource({
    "fc, -5.9747398543256 -9.345056692267294 -5.146215473607215 -4.099630507340617 -4.808225420513309,"
        + " 14.742367521067948 0 36.62832115979768 94.70138577763397 47.390194934548575",
    "coupling, -4.63720558914063 -7.333972810629679 -4.190050238087637 -3.1013177622461825 -3.6237877674831314,"
        + " 31.562462401071816 3.142897067913416 44.01891499470368 97.80196240869154 69.49416425212343"
  })
  void itsModelScoresRowsAsItDid(String run, String logProbs, String percentiles)
      throws IOException {
    Path out = folder.resolve("scores.csv");
    Program.Result result =
        Program.run("score", folder.resolve(run), folder.resolve("table.csv"), "--out", out);
    assertThat(result.exit()).as(result.err()).isZero();
    List<String> lines = Files.readAllLines(out);
    String[] expectedLogProbs = logProbs.split(" ");
    String[] expectedPercentiles = percentiles.split(" ");
    for (int r = 0; r < expectedLogProbs.length; r++) {
      String[] cells = lines.get(r + 1).split(",");
      double logProb = Double.parseDouble(expectedLogProbs[r]);
      assertThat(Double.parseDouble(cells[1]))
          .isCloseTo(logProb, within(ROUNDING * Math.abs(logProb)));
      assertThat(Double.parseDouble(cells[5]))
          .isCloseTo(Double.parseDouble(expectedPercentiles[r]), within(.01));
    }
  }

  @ParameterizedTest
  @CsvSource({
    "fc, --epochs, 5, 5.197761977179945",
    "coupling, --steps, 20, 4.551416800149669",
    "pictures, --epochs, 5, 32.64362659479657"
  })
  void itGoesOnAsItWouldHave(String run, String option, int length, double nll) {
    Path path = folder.resolve(run);
    Program.Result result = Program.run("train", "--resume", path, option, length, "--threads", 2);
    assertThat(result.exit()).as(result.err()).isZero();
    assertThat(evaluate(path).get("nll").asDouble()).isCloseTo(nll, within(ROUNDING * nll));
  }
}
