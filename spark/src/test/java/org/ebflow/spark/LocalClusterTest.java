package org.ebflow.spark;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.apache.spark.launcher.JavaModuleOptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** spark-submit with two executors that are JVMs of their own. */
class LocalClusterTest {
  /** No optimising compiler: three JVMs start at once, and score few rows. */
  private static final String FAST_START = "-XX:TieredStopAtLevel=1";

  @TempDir Path folder;

  @Test
  void executorsGiveTheScoresOfOneMachineWithTheFlagsThatSparkItselfSets() throws Exception {
    Path run = Models.train("fc", folder.resolve("fc"));
    Path table = folder.resolve("rows.csv");
    List<String> lines = new ArrayList<>(List.of("id,a,b,c"));
    double[][] values = Models.rows(600, 3);
    for (int r = 0; r < values.length; r++) {
      lines.add("r" + r + "," + values[r][0] + "," + values[r][1] + "," + values[r][2]);
    }
    Files.write(table, lines);
    Path home = sparkHome();
    Path out = folder.resolve("out.csv");

    submit(
        home,
        "--conf",
        "spark.sql.files.maxPartitionBytes=8000", // several tasks for both executors
        "--class",
        SparkScore.class.getName(),
        "spark-internal", // a class that is on the class path
        run.toString(),
        table.toString(),
        "--id",
        "id",
        "--out",
        out.toString());

    List<String> scored = new ArrayList<>(List.of("header"));
    try (Stream<Path> parts = Files.list(out)) {
      for (Path part : parts.filter(file -> file.toString().endsWith(".csv")).toList()) {
        List<String> all = Files.readAllLines(part);
        scored.addAll(all.subList(1, all.size()));
      }
    }
    assertThat(scored).hasSize(601);
    Map<String, double[]> found =
        Models.csvScores(Files.write(folder.resolve("merged.csv"), scored));
    Models.score(run, table, "--id", "id")
        .forEach((id, scores) -> assertThat(found.get(id)).as(id).isEqualTo(scores));
    List<String> logs = executorLogs(home);
    assertThat(logs)
        .hasSize(2)
        .allSatisfy(
            log ->
                assertThat(log)
                    .contains("Using incubator modules: jdk.incubator.vector")
                    .doesNotContain("java.lang.System::load"));
  }

  /** A folder with Spark's jars, as of a distribution; ours come by extraClassPath. */
  private Path sparkHome() throws IOException {
    Path home = folder.resolve("spark");
    Path jars = Files.createDirectories(home.resolve("jars"));
    for (String entry : classPath()) {
      Path path = Path.of(entry);
      if (entry.endsWith(".jar")) {
        Files.createSymbolicLink(jars.resolve(path.getFileName()), path);
      }
    }
    return home;
  }

  private static List<String> classPath() {
    return List.of(System.getProperty("java.class.path").split(File.pathSeparator));
  }

  /** What bin/spark-submit runs. */
  private void submit(Path home, String... arguments) throws Exception {
    String ours =
        String.join(
            File.pathSeparator,
            classPath().stream().filter(entry -> !entry.endsWith(".jar")).toList());
    List<String> command =
        new ArrayList<>(
            List.of(Path.of(System.getProperty("java.home"), "bin", "java").toString()));
    command.add(FAST_START);
    command.addAll(List.of(JavaModuleOptions.defaultModuleOptionArray()));
    command.addAll(
        List.of(
            "-cp",
            System.getProperty("java.class.path"),
            "org.apache.spark.deploy.SparkSubmit",
            "--master",
            "local-cluster[2,1,1024]",
            "--conf",
            "spark.executor.extraClassPath=" + ours,
            "--conf",
            "spark.executor.extraJavaOptions=" + FAST_START,
            "--conf",
            "spark.ui.enabled=false",
            "--conf",
            "spark.driver.host=127.0.0.1"));
    command.addAll(List.of(arguments));
    Path log = folder.resolve("submit.log");
    ProcessBuilder builder =
        new ProcessBuilder(command)
            .directory(folder.toFile())
            .redirectErrorStream(true)
            .redirectOutput(log.toFile());
    builder.environment().put("SPARK_HOME", home.toString());
    builder.environment().put("SPARK_SCALA_VERSION", "2.13");
    builder.environment().put("SPARK_LOCAL_IP", "127.0.0.1");
    Process process = builder.start();
    try {
      assertThat(process.waitFor(5, TimeUnit.MINUTES)).isTrue();
      assertThat(process.exitValue()).as(Files.readString(log)).isZero();
    } finally {
      process.destroyForcibly();
    }
  }

  private static List<String> executorLogs(Path home) throws IOException {
    List<String> logs = new ArrayList<>();
    try (Stream<Path> files = Files.walk(home.resolve("work"))) {
      for (Path file : files.filter(each -> each.endsWith("stderr")).toList()) {
        logs.add(Files.readString(file));
      }
    }
    return logs;
  }
}
