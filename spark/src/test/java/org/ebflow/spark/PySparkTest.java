package org.ebflow.spark;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The wrapper of docs/spark.md, where python3 has pyspark. */
class PySparkTest {
  private static final String FENCE = "```";

  @TempDir Path folder;

  @Test
  void theWrapperOfTheDocumentGivesTheScoresOfOneMachine() throws Exception {
    Assumptions.assumeTrue(python(List.of("-c", "import pyspark")), "no python3 with pyspark");
    Path run = Models.train("fc", folder.resolve("fc"));
    Path table = folder.resolve("rows.csv");
    Models.csv(table, Models.rows(50, 3));
    Path script = folder.resolve("score.py");
    Files.writeString(
        script,
        wrapper()
            + String.join(
                "\n",
                "import sys",
                "from pyspark.sql import SparkSession, functions as F",
                "run, table, out, jars = sys.argv[1:]",
                "spark = (SparkSession.builder.master('local[2]')",
                "  .config('spark.driver.extraClassPath', jars)",
                "  .config('spark.ui.enabled', 'false').getOrCreate())",
                "rows = spark.read.csv(table, header=True, inferSchema=True).coalesce(1)",
                "rows = rows.select((F.monotonically_increasing_id() + 1).alias('id'), 'a', 'b', 'c')",
                "scorer = FlowScorer(run, inputCols=['a', 'b', 'c'], reasonCol='why')",
                "with open(out, 'w') as file:",
                "  print('header', file=file)",
                "  for row in scorer.transform(rows).drop('a', 'b', 'c', 'why').collect():",
                "    print(*row, sep=',', file=file)",
                ""));
    Path out = folder.resolve("out.csv");

    assertThat(
            python(
                List.of(
                    script.toString(),
                    run.toString(),
                    table.toString(),
                    out.toString(),
                    System.getProperty("java.class.path"))))
        .as(log())
        .isTrue();

    Map<String, double[]> found = Models.csvScores(out);
    Map<String, double[]> expected = Models.score(run, table);
    assertThat(found.keySet()).isEqualTo(expected.keySet());
    expected.forEach((id, scores) -> assertThat(found.get(id)).as(id).isEqualTo(scores));
  }

  private static String wrapper() throws IOException {
    String document = Files.readString(Path.of("../docs/spark.md"));
    String start = FENCE + "python\n";
    int from = document.indexOf(start) + start.length();
    return document.substring(from, document.indexOf(FENCE, from));
  }

  private boolean python(List<String> arguments) throws InterruptedException {
    ProcessBuilder builder =
        new ProcessBuilder("python3")
            .redirectErrorStream(true)
            .redirectOutput(folder.resolve("python.log").toFile());
    builder.command().addAll(arguments);
    try {
      Process process = builder.start();
      return process.waitFor(3, TimeUnit.MINUTES) && process.exitValue() == 0;
    } catch (IOException _) { // no python3
      return false;
    }
  }

  private String log() throws IOException {
    return Files.readString(folder.resolve("python.log"));
  }
}
