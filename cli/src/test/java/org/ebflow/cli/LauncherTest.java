package org.ebflow.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.File;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.jar.Attributes;
import java.util.jar.JarOutputStream;
import java.util.jar.Manifest;
import java.util.stream.Collectors;
import java.util.zip.ZipEntry;
import org.ebflow.cli.Program.Result;
import org.ebflow.flow.Flow;
import org.ebflow.flow.layer.LayerProvider;
import org.ebflow.training.Trainer;
import org.ebflow.training.data.Dataset;
import org.ebflow.training.objective.MaximumLikelihood;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The script {@code ebflow}: unpacked from the zip, and in a checkout with a Maven of the test. */
@EnabledOnOs(OS.LINUX)
final class LauncherTest {
  private static final Path CHECKOUT = Path.of("..").toAbsolutePath().normalize();

  @TempDir Path folder;

  @BeforeEach
  void requireNamesBeyondAscii() {
    assumeTrue(
        "UTF-8".equals(System.getProperty("sun.jnu.encoding")),
        "needs a locale with UTF-8 for the names of this test's own files");
  }

  /** A jar that stands for the class path of this test. */
  private static void writeJar(Path jar) throws IOException {
    Manifest manifest = new Manifest();
    Attributes attributes = manifest.getMainAttributes();
    attributes.put(Attributes.Name.MANIFEST_VERSION, "1.0");
    attributes.put(
        Attributes.Name.CLASS_PATH,
        Arrays.stream(System.getProperty("java.class.path").split(File.pathSeparator))
            .map(entry -> Path.of(entry).toUri().toString())
            .collect(Collectors.joining(" ")));
    Files.createDirectories(jar.getParent());
    try (OutputStream out = Files.newOutputStream(jar)) {
      new JarOutputStream(out, manifest).close();
    }
  }

  private static Path copy(Path file, Path target) throws IOException {
    Files.createDirectories(target.getParent());
    return Files.copy(file, target);
  }

  /** bin/ and lib/ as the zip has them. */
  private static Path install(Path place) throws IOException {
    copy(CHECKOUT.resolve("bin/find-jdk"), place.resolve("bin/find-jdk"));
    writeJar(place.resolve("lib/ebflow.jar"));
    return copy(CHECKOUT.resolve("ebflow"), place.resolve("bin/ebflow"));
  }

  /** A jar that says where layers of a user's own are, beside the class path of this test. */
  private static void writeProviderJar(Path jar) throws IOException {
    try (JarOutputStream out = new JarOutputStream(Files.newOutputStream(jar))) {
      out.putNextEntry(new ZipEntry("META-INF/services/" + LayerProvider.class.getName()));
      out.write(UserLayers.class.getName().getBytes(StandardCharsets.UTF_8));
      out.closeEntry();
    }
  }

  @Test
  void layersOfOnesOwnAreFoundOnTheClassPathThatIsNamed() throws Exception {
    Path launcher = install(folder.resolve("installed"));
    Path run = folder.resolve("run");
    double[][] rows = TestRuns.rows(100, 2, 1);
    Trainer.of(
            Flow.of(2).dense().elementwise(new UserLayers.Cubic()).dense().build(),
            new MaximumLikelihood())
        .epochs(1)
        .fit(Dataset.of(rows).split(.8, .1, .1, 1), run);
    Path table = TestRuns.csv(folder.resolve("rows.csv"), "a,b", rows);
    Object[] score = {"score", run, table, "--out", folder.resolve("s.csv"), "--backend", "java"};
    Result without = run(launcher, folder, List.of(), score);
    assertThat(without.exit()).isEqualTo(2);
    assertThat(without.err()).contains("unknown layer type user_cubic");
    Path jar = folder.resolve("mine.jar");
    writeProviderJar(jar);
    Result with = run(launcher, folder, List.of("EBFLOW_CLASSPATH=" + jar), score);
    assertThat(with.exit()).as(with.err()).isZero();
    assertThat(Files.readAllLines(folder.resolve("s.csv"))).hasSize(101);
  }

  /**
   * Runs with an environment of nothing but PATH, JAVA_HOME, a fast start and these variables,
   * NAME=VALUE, of which the last of a name counts.
   */
  private static Result run(Path launcher, Path current, List<String> variables, Object... words)
      throws Exception {
    List<String> command = new ArrayList<>(List.of("env", "-i"));
    command.add("PATH=" + System.getenv("PATH"));
    command.add("JAVA_HOME=" + System.getProperty("java.home"));
    command.add("EBFLOW_JAVA_OPTS=" + ChildProgram.FAST_START);
    command.addAll(variables);
    command.add(launcher.toString());
    for (Object word : words) {
      command.add(word.toString());
    }
    return ChildProgram.run(new ProcessBuilder(command).directory(current.toFile()));
  }

  /** What the JVM that the launcher starts says of a flag. */
  private static long flag(Result printed, String name) {
    return printed
        .out()
        .lines()
        .filter(line -> line.contains(" " + name + " "))
        .map(line -> line.replaceFirst(".*= *([0-9]+) .*", "$1"))
        .mapToLong(Long::parseLong)
        .findFirst()
        .orElseThrow();
  }

  @Test
  void theHeapTakesItsShareOfTheMemoryUnlessToldOtherwise() throws Exception {
    Path launcher = install(folder.resolve("installed"));
    String print = "EBFLOW_JAVA_OPTS=-XX:MaxRAM=8g -XX:+PrintFlagsFinal";

    Result share = run(launcher, folder, List.of(print), "--version");
    Result told = run(launcher, folder, List.of(print + " -Xmx128m"), "--version");

    assertThat(flag(share, "MaxHeapSize")).isBetween(4_800L << 20, 4_920L << 20); // 60 %
    assertThat(flag(share, "G1HeapRegionSize")).isEqualTo(4 << 20);
    assertThat(flag(told, "MaxHeapSize")).isEqualTo(128 << 20);
  }

  /** de_DE.UTF-8 may not be installed: then it is as C to Java. */
  @ParameterizedTest
  @ValueSource(strings = {"NONE=", "LANG=C", "LC_ALL=POSIX", "LANG=de_DE.UTF-8"})
  void aLocaleOfAsciiGivesWayToOneOfUnicode(String variable) throws Exception {
    Path launcher = install(folder.resolve("installed"));
    String jdk = "JAVA_HOME=" + printingJdk();
    Result result = run(launcher, folder, List.of(variable, jdk), "data", "info", "größe.csv");
    assertThat(result.exit()).as(result.err()).isZero();
    assertThat(result.out()).contains("größe.csv").containsPattern("charmap UTF-8");
  }

  /** The encoding that names are read by is the one they are written by: one locale is enough. */
  @Test
  void aRunMayStandInAFolderBeyondAscii() throws Exception {
    Result trained =
        beyondAscii(
            "LC_ALL=POSIX",
            "train",
            "--data",
            "größe.csv",
            "--columns",
            "größe",
            "--steps",
            1,
            "--backend",
            "java",
            "--out",
            "läufe/ä");
    assertThat(trained.exit()).as(trained.err()).isZero();
    assertThat(trained.out()).contains("weights läufe/ä/model.safetensors");
    assertThat(folder.resolve("Büro/läufe/ä/model.safetensors")).exists();
  }

  /** Runs in a folder of such a name with a table of such a name, installed in another. */
  private Result beyondAscii(String variable, Object... words) throws Exception {
    Path launcher = install(folder.resolve("Grün"));
    Path current = Files.createDirectory(folder.resolve("Büro"));
    TestRuns.csv(current.resolve("größe.csv"), "größe,b", TestRuns.rows(200, 2, 1));
    return run(launcher, current, List.of(variable), words);
  }

  @ParameterizedTest
  @ValueSource(strings = {"it's with space", "a*b[x];$HOME"})
  void foldersMayHaveAnyName(String name) throws Exception {
    Result result = run(install(folder.resolve(name)), folder, List.of(), "--version");
    assertThat(result.exit()).as(result.err()).isZero();
    assertThat(result.out()).startsWith("ebflow");
  }

  @Test
  void aColonInTheFolderIsNamed() throws Exception {
    Result result = run(install(folder.resolve("a:b")), folder, List.of(), "--version");
    assertThat(result.exit()).isEqualTo(2);
    assertThat(result.err()).contains("a:b/bin: Java takes no class path with a ':'");
  }

  @Test
  void aUserWithoutAHomeGetsNoFolderNamedByAQuestionMark() throws Exception {
    Path launcher = install(folder.resolve("installed"));
    Path current = Files.createDirectory(folder.resolve("current"));
    Path temporary = Files.createDirectory(folder.resolve("tmp"));
    TestRuns.table(folder.resolve("run"), 2);
    Result result =
        run(
            launcher,
            current,
            List.of("TMPDIR=" + temporary, "EBFLOW_JAVA_OPTS=-Duser.home=?"),
            "sample",
            folder.resolve("run"),
            "--count",
            9,
            "--out",
            "s.png");
    assertThat(result.exit()).as(result.err()).isZero();
    assertThat(result.err())
        .containsOnlyOnce("ebflow: this user has no home: the cache is " + temporary);
    assertThat(current).isDirectoryContaining("glob:**/s.png");
    assertThat(current.resolve("?")).doesNotExist();
  }

  /** A checkout whose Maven notes each build and leaves the class path of this test. */
  private Path checkout() throws IOException {
    Path root = folder.resolve("checkout");
    copy(CHECKOUT.resolve("bin/find-jdk"), root.resolve("bin/find-jdk"));
    Files.writeString(root.resolve("pom.xml"), "<project/>");
    Files.createDirectories(root.resolve("cli/src/main"));
    Files.writeString(root.resolve("cli/src/main/A.java"), "class A {}");
    writeJar(folder.resolve("prepared/ebflow.jar"));
    writeScript(
        folder.resolve("tools/mvn"),
        """
        echo built >>"%1$s/builds"
        cp "%1$s/prepared/ebflow.jar" "%1$s/checkout/cli/target/ebflow-cli.jar"
        echo "%1$s/prepared/ebflow.jar" >"%1$s/checkout/cli/target/classpath"
        """
            .formatted(folder));
    return copy(CHECKOUT.resolve("ebflow"), root.resolve("ebflow"));
  }

  private static void writeScript(Path file, String text) throws IOException {
    Files.createDirectories(file.getParent());
    Files.writeString(file, "#!/bin/sh\n" + text);
    assertThat(file.toFile().setExecutable(true)).isTrue();
  }

  /** A JDK whose java prints its arguments: whether to build is decided before it starts. */
  private Path printingJdk() throws IOException {
    Path jdk = folder.resolve("jdk");
    writeScript(jdk.resolve("bin/java"), "echo \"$*\"; echo charmap $(locale charmap)\n");
    writeScript(jdk.resolve("bin/javac"), "exit 1\n");
    Files.writeString(jdk.resolve("release"), "JAVA_VERSION=\"25\"\n");
    return jdk;
  }

  private Result version(Path launcher, Path jdk) throws Exception {
    Path tools = folder.resolve("tools");
    String path = "PATH=" + tools + File.pathSeparator + System.getenv("PATH");
    return run(launcher, folder, List.of(path, "JAVA_HOME=" + jdk), "--version");
  }

  /** Calls the command; the number of builds so far. */
  private int builds(Path launcher) throws Exception {
    Result result = version(launcher, printingJdk());
    assertThat(result.exit()).as(result.err()).isZero();
    assertThat(result.out())
        .contains(
            " -cp %s:%s org.ebflow.cli.Ebflow --version"
                .formatted(
                    launcher.resolveSibling("cli/target/ebflow-cli.jar"),
                    folder.resolve("prepared/ebflow.jar")));
    return Files.readAllLines(folder.resolve("builds")).size();
  }

  @Test
  void aCheckoutIsBuiltAndRun() throws Exception {
    Result result = version(checkout(), Path.of(System.getProperty("java.home")));
    assertThat(result.exit()).as(result.err()).isZero();
    assertThat(result.out()).startsWith("ebflow");
    assertThat(folder.resolve("builds")).hasContent("built");
  }

  private static void write(Path source, String text, Duration age) throws IOException {
    Files.writeString(source, text);
    Files.setLastModifiedTime(source, FileTime.from(Instant.now().minus(age)));
  }

  @Test
  void sourcesAreBuiltWhenTheyChangeWhateverTheirDates() throws Exception {
    Path launcher = checkout();
    Path source = launcher.resolveSibling("cli/src/main/A.java");
    assertThat(builds(launcher)).isEqualTo(1);
    assertThat(builds(launcher)).isEqualTo(1);
    write(source, "class A {}", Duration.ofDays(-400)); // in the future, and unchanged
    assertThat(builds(launcher)).isEqualTo(1);
    write(source, "class A { int later; }", Duration.ofDays(-400));
    assertThat(builds(launcher)).isEqualTo(2);
    assertThat(builds(launcher)).isEqualTo(2);
    write(source, "class A { int earlier; }", Duration.ofDays(400));
    assertThat(builds(launcher)).isEqualTo(3);
    Files.move(source, source.resolveSibling("B.java"));
    assertThat(builds(launcher)).isEqualTo(4);
    assertThat(builds(launcher)).isEqualTo(4);
  }

  @Test
  void whatMavenBuiltByHandIsNotBuiltAgain() throws Exception {
    Path launcher = checkout();
    Path source = launcher.resolveSibling("cli/src/main/A.java");
    assertThat(builds(launcher)).isEqualTo(1);
    write(source, "class A { int changed; }", Duration.ofHours(1));
    Path record = launcher.resolveSibling("cli/target/classpath");
    Files.setLastModifiedTime(record, FileTime.from(Instant.now().plusSeconds(5)));
    assertThat(builds(launcher)).isEqualTo(1);
    Files.setLastModifiedTime(record, FileTime.from(Instant.now().minusSeconds(7200)));
    assertThat(builds(launcher)).as("the sum was noted").isEqualTo(1);
    write(source, "class A { int again; }", Duration.ofHours(1));
    assertThat(builds(launcher)).isEqualTo(2);
  }
}
