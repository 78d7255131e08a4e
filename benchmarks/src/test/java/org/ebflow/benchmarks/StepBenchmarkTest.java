package org.ebflow.benchmarks;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.ebflow.linalg.Blas;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

class StepBenchmarkTest {
  private static final int DIMENSION = 16;
  private static final List<String> LOSSES =
      List.of("ssm", "dsm", "fdssm", "ml", "sml", "rg", "snf");

  @Test
  void readsEveryLossAndWritesTableAndJson(@TempDir Path folder) throws IOException {
    List<Preset.Case> cases =
        LOSSES.stream()
            .map(loss -> new Preset.Case(loss, TimedModel.fullyConnected(DIMENSION)))
            .toList();
    BenchmarkReport report =
        BenchmarkReport.measure(
            new Preset("smoke", cases, 0.02, 0.001, 10_000), Blas.named("openblas"), 2);

    StepBenchmark.write(report, folder);

    JsonNode json = JsonMapper.shared().readTree(Files.readString(folder.resolve("report.json")));
    assertThat(json.get("steps")).hasSize(LOSSES.size());
    for (JsonNode step : json.get("steps")) {
      assertThat(step.get("step").get("median").doubleValue()).isPositive();
      boolean takenApart = StepProducts.LOSSES.contains(step.get("loss").stringValue());
      assertThat(step.get("products").isNull()).isNotEqualTo(takenApart);
      if (takenApart) {
        assertThat(step.get("stepOfCeiling").doubleValue()).isPositive();
      }
    }
    assertThat(json.get("bandwidth")).hasSize(2);
    assertThat(json.get("host").get("backend").stringValue()).isEqualTo("openblas");
    assertThat(Files.readString(folder.resolve("table.txt")))
        .contains("[200,16]x[16,16]'")
        .contains("fdssm");
  }

  @ParameterizedTest
  @CsvSource({"ssm,16", "dsm,11", "fdssm,13", "ml,5", "sml,10"})
  void productsAreThoseOfTheCostTable(String loss, int units) {
    StepProducts products = new StepProducts(loss, DIMENSION, 100, Blas.named("openblas"));

    assertThat(products.flop()).isEqualTo(units * 2.0 * DIMENSION * DIMENSION * 100);
  }

  @Test
  void medianAndTailAreOrderStatistics() {
    assertThat(Timing.of(5, 1, 4, 2)).isEqualTo(new Timing(4, 1, 3, 5));
  }
}
