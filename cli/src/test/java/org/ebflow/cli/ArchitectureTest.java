package org.ebflow.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Predicate;
import java.util.regex.MatchResult;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Who may name what in the main sources of all modules: imports, static imports, full names and
 * string literals alike; comments are free. Benchmarks are above the order and may name all.
 */
class ArchitectureTest {
  private static final Path CHECKOUT = Path.of("..");
  private static final String SOURCES = "src/main/java/";

  /** Each may name itself and those before it. */
  private static final List<String> LIBRARIES = List.of("linalg", "flow", "training");

  /** The libraries, and what names all of them and itself. */
  private static final List<String> MODULES = List.of("linalg", "flow", "training", "cli", "spark");

  /** What only some packages may name. */
  private static final Map<String, Set<String>> OWNERS =
      Map.of(
          "jdk.incubator.vector", Set.of("org/ebflow/linalg/simd"),
          "org.bytedeco", Set.of("org/ebflow/linalg/openblas", "org/ebflow/linalg/javacpp"),
          "dev.ludovic", Set.of("org/ebflow/linalg/netlib"));

  /** The module's own declaration: nobody else can require what its packages name. */
  private static final String DECLARATION = "linalg/src/main/java/module-info.java";

  /** May have the name in a string literal, and why. */
  private static final Map<String, String> LITERALS =
      Map.of(
          "linalg/src/main/java/org/ebflow/linalg/KernelChoice.java",
          "asks whether the vector module is there, and warns where it is not",
          "linalg/src/main/java/org/ebflow/linalg/java/JavaBackend.java",
          "asks whether the vector module is there");

  /** Packages of a module that name each other all the same, and why. */
  private static final Map<String, String> CYCLES =
      Map.of(
          "org.ebflow.linalg"
              + " org.ebflow.linalg.backend"
              + " org.ebflow.linalg.java"
              + " org.ebflow.linalg.javacpp"
              + " org.ebflow.linalg.netlib"
              + " org.ebflow.linalg.onednn"
              + " org.ebflow.linalg.openblas"
              + " org.ebflow.linalg.reference"
              + " org.ebflow.linalg.simd",
          "Blas and KernelChoice choose among the packages that implement them");

  /** Packages of linalg that implement what its facades choose among. */
  private static final List<String> IMPLEMENTATIONS =
      List.of("backend", "java", "javacpp", "netlib", "onednn", "openblas", "reference", "simd");

  private static final Pattern FACADE = Pattern.compile("\\b(Blas|KernelChoice|PackedWeight)\\b");

  /** Formats numbers or letters by the locale of the machine. */
  private static final Pattern LOCAL =
      Pattern.compile(
          "\\.formatted\\(|(?:String\\.format|\\.printf)\\(\\s*+(?!Locale\\.ROOT)|\\.to(?:Lower|Upper)Case\\(\\)");

  private static final Pattern COMMENT_OR_LITERAL =
      Pattern.compile(
          "//[^\n]*+|/\\*[\\s\\S]*?\\*/|\"\"\"[\\s\\S]*?\"\"\"|\"(?:\\\\.|[^\"\\\\])*+\"|'(?:\\\\.|[^'\\\\])*+'");
  private static final Pattern DECLARED_PACKAGE = Pattern.compile("\\bpackage [\\w.]+;");

  /** A package before the name of a class. */
  private static final Pattern PACKAGE =
      Pattern.compile("\\b(org\\.ebflow(?:\\.[a-z]\\w*)+)\\.[A-Z*]");

  private static final Pattern MODULE = Pattern.compile("\\borg\\.ebflow\\.(\\w+)");

  @Test
  void namesAreUsedWhereTheyBelong() throws IOException {
    assertThat(violations(CHECKOUT)).isEmpty();
  }

  @Test
  void everyOwnerAndEveryExceptionIsNeeded() throws IOException {
    for (Map.Entry<String, Set<String>> owner : OWNERS.entrySet()) {
      assertThat(text(CHECKOUT.resolve(DECLARATION), part -> true)).contains(owner.getKey());
      for (String folder : owner.getValue()) {
        List<String> texts = new ArrayList<>();
        for (Path file : javaFiles(CHECKOUT.resolve("linalg").resolve(SOURCES + folder))) {
          texts.add(text(file, ArchitectureTest::isComment));
        }
        assertThat(texts).as(folder).anyMatch(text -> text.contains(owner.getKey()));
      }
    }
    for (Map.Entry<String, String> exception : LITERALS.entrySet()) {
      assertThat(text(CHECKOUT.resolve(exception.getKey()), ArchitectureTest::isComment))
          .as(exception.getValue())
          .contains("\"jdk.incubator.vector\"");
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "linalg/src/main/java/org/ebflow/linalg/Blas.java | import jdk.incubator.vector.FloatVector;",
        "linalg/src/main/java/org/ebflow/linalg/Blas.java | import static jdk.incubator.vector.VectorOperators.ADD;",
        "linalg/src/main/java/org/ebflow/linalg/java/JavaBackend.java | jdk.incubator.vector.FloatVector v = null;",
        "flow/src/main/java/org/ebflow/flow/Flow.java | Class.forName(\"jdk.incubator.vector.FloatVector\");",
        "flow/src/main/java/module-info.java | module flow { requires jdk.incubator.vector; }",
        "linalg/src/main/java/org/ebflow/linalg/simd/Gemm.java | import org.bytedeco.javacpp.Pointer;",
        "linalg/src/main/java/org/ebflow/linalg/openblas/sub/Gemm.java | import org.bytedeco.javacpp.Pointer;",
        "linalg/src/main/java/org/ebflow/linalg/openblas/Gemm.java | import dev.ludovic.netlib.blas.BLAS;",
        "linalg/src/main/java/org/ebflow/linalg/Blas.java | import org.ebflow.flow.Flow;",
        "flow/src/main/java/org/ebflow/flow/Flow.java | import static org.ebflow.training.Trainer.of;",
        "training/src/main/java/org/ebflow/training/Trainer.java | org.ebflow.cli.Ebflow.run();",
        "training/src/main/java/module-info.java | module training { requires org.ebflow.cli; }",
        "cli/src/main/java/org/ebflow/cli/Ebflow.java | import org.ebflow.benchmarks.Host;",
        "cli/src/main/java/org/ebflow/cli/Ebflow.java | import org.ebflow.spark.FlowScorer;",
        "spark/src/main/java/org/ebflow/spark/FlowScorer.java | import org.ebflow.cli.Ebflow;",
        "flow/src/main/java/org/ebflow/linalg/Mine.java | class Mine {}"
      })
  void aNameOutOfPlaceIsSeen(String file, String line, @TempDir Path checkout) throws IOException {
    for (String module : MODULES) {
      String allowed = "package org.ebflow." + module + "; // jdk.incubator.vector, org.ebflow.cli";
      write(
          checkout.resolve(module).resolve(SOURCES + "org/ebflow/" + module + "/Plain.java"),
          allowed);
    }
    assertThat(violations(checkout)).isEmpty();

    write(checkout.resolve(file), "/* a comment */\n" + line + "\n");

    assertThat(violations(checkout)).hasSize(1).first().asString().startsWith(file);
  }

  @Test
  void packagesFormNoCycles() throws IOException {
    assertThat(cycles(CHECKOUT)).containsExactlyInAnyOrderElementsOf(CYCLES.keySet());
  }

  @Test
  void textDoesNotDependOnTheLocale() throws IOException {
    for (String module : MODULES) {
      for (Path file : javaFiles(CHECKOUT.resolve(module).resolve(SOURCES))) {
        assertThat(LOCAL.matcher(text(file, ArchitectureTest::isComment)).results())
            .as(file + " formats by the locale of the machine")
            .isEmpty();
      }
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "\"%d rows\".formatted(2) | true",
        "String.format(\"%d\", 2) | true",
        "out.printf( \"%d\", 2)   | true",
        "name.toLowerCase()      | true",
        "String.format(Locale.ROOT, \"%d\", 2) | false",
        "name.toLowerCase(Locale.ROOT) | false"
      })
  void textByTheLocaleIsSeen(String text, boolean local) {
    assertThat(LOCAL.matcher(text).find()).isEqualTo(local);
  }

  @Test
  void implementationsDoNotKnowTheFacadesThatChooseAmongThem() throws IOException {
    for (String folder : IMPLEMENTATIONS) {
      Path sources = CHECKOUT.resolve("linalg").resolve(SOURCES + "org/ebflow/linalg/" + folder);
      List<Path> files = javaFiles(sources);
      assertThat(files).as(folder).isNotEmpty();
      for (Path file : files) {
        assertThat(FACADE.matcher(text(file, ArchitectureTest::isComment)).find())
            .as(file + " names a facade")
            .isFalse();
      }
    }
    assertThat(FACADE.matcher("import org.ebflow.linalg.Blas;").find()).isTrue();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "import org.ebflow.flow.b.B;     | import org.ebflow.flow.A;      | ",
        "import org.ebflow.flow.b.B;     | // import org.ebflow.flow.c.C; | ",
        "import org.ebflow.flow.b.B;     | import org.ebflow.flow.c.C;    | org.ebflow.flow.b org.ebflow.flow.c",
        "import static org.ebflow.flow.b.B.of; | org.ebflow.flow.c.C field; | org.ebflow.flow.b org.ebflow.flow.c",
        "import org.ebflow.flow.A;       | import org.ebflow.flow.c.C;    | org.ebflow.flow org.ebflow.flow.b org.ebflow.flow.c"
      })
  void aCycleOfPackagesIsSeen(
      String importsOfC, String importsOfB, @Nullable String cycle, @TempDir Path checkout)
      throws IOException {
    for (String module : MODULES) {
      Files.createDirectories(checkout.resolve(module).resolve(SOURCES));
    }
    Path flow = checkout.resolve("flow").resolve(SOURCES + "org/ebflow/flow");
    String importsOfA = importsOfC.contains("flow.A") ? "import org.ebflow.flow.b.B;" : "";
    write(flow.resolve("A.java"), "package org.ebflow.flow;\n" + importsOfA);
    write(flow.resolve("b/B.java"), "package org.ebflow.flow.b;\n" + importsOfB);
    write(flow.resolve("c/C.java"), "package org.ebflow.flow.c;\n" + importsOfC);

    assertThat(cycles(checkout)).isEqualTo(cycle == null ? List.of() : List.of(cycle));
  }

  /** Packages that reach each other, as many as belong together in a text. */
  private static List<String> cycles(Path checkout) throws IOException {
    List<String> found = new ArrayList<>();
    for (String module : MODULES) {
      Map<String, Set<String>> reached = namedPackages(checkout.resolve(module).resolve(SOURCES));
      for (String through : reached.keySet()) { // the transitive closure
        for (Set<String> others : reached.values()) {
          if (others.contains(through)) {
            others.addAll(reached.get(through));
          }
        }
      }
      reached.forEach(
          (from, all) -> {
            List<String> mutual =
                all.stream().filter(to -> reached.get(to).contains(from)).sorted().toList();
            if (mutual.size() > 1 && mutual.getFirst().equals(from)) {
              found.add(String.join(" ", mutual));
            }
          });
    }
    return found;
  }

  /** By package, the packages of the same sources that it names, itself left out. */
  private static Map<String, Set<String>> namedPackages(Path sources) throws IOException {
    Map<String, StringBuilder> texts = new TreeMap<>();
    for (Path file : javaFiles(sources)) {
      Path folder = sources.relativize(file.resolveSibling(""));
      if (!folder.toString().isEmpty()) {
        String name = folder.toString().replace('\\', '.').replace('/', '.');
        texts
            .computeIfAbsent(name, _ -> new StringBuilder())
            .append(DECLARED_PACKAGE.matcher(text(file, part -> true)).replaceFirst(""));
      }
    }
    Map<String, Set<String>> named = new TreeMap<>();
    texts.forEach(
        (name, text) -> {
          Set<String> others = new TreeSet<>();
          PACKAGE.matcher(text).results().map(match -> match.group(1)).forEach(others::add);
          others.retainAll(texts.keySet());
          others.remove(name);
          named.put(name, others);
        });
    return named;
  }

  private static void write(Path file, String text) throws IOException {
    Files.createDirectories(file.getParent());
    Files.writeString(file, text);
  }

  private static List<String> violations(Path checkout) throws IOException {
    List<String> found = new ArrayList<>();
    for (String module : MODULES) {
      Path sources = checkout.resolve(module).resolve(SOURCES);
      List<Path> files = javaFiles(sources);
      assertThat(files).as("sources of %s", module).isNotEmpty();
      for (Path file : files) {
        String name = checkout.relativize(file).toString().replace('\\', '/');
        String folder = sources.relativize(file.resolveSibling("")).toString().replace('\\', '/');
        if (!folder.isEmpty() && !(folder + "/").startsWith("org/ebflow/" + module + "/")) {
          found.add(name + " is in a package of another module");
        }
        found.addAll(outOfOrder(name, module, text(file, ArchitectureTest::isComment)));
        found.addAll(notOwned(name, folder, file));
      }
    }
    return found;
  }

  private static List<String> outOfOrder(String name, String module, String text) {
    int library = LIBRARIES.indexOf(module);
    List<String> seen = library < 0 ? LIBRARIES : LIBRARIES.subList(0, library);
    return MODULE
        .matcher(text)
        .results()
        .map(match -> match.group(1))
        .distinct()
        .filter(other -> !other.equals(module) && !seen.contains(other))
        .map(other -> name + " names org.ebflow." + other)
        .toList();
  }

  private static List<String> notOwned(String name, String folder, Path file) throws IOException {
    if (name.equals(DECLARATION)) {
      return List.of();
    }
    String text =
        text(file, LITERALS.containsKey(name) ? part -> true : ArchitectureTest::isComment);
    return OWNERS.entrySet().stream()
        .filter(owner -> text.contains(owner.getKey()) && !owner.getValue().contains(folder))
        .map(owner -> name + " names " + owner.getKey())
        .toList();
  }

  private static List<Path> javaFiles(Path folder) throws IOException {
    try (Stream<Path> files = Files.walk(folder)) {
      return files.filter(file -> file.toString().endsWith(".java")).sorted().toList();
    }
  }

  /** A file's text without the comments and literals for which {@code dropped} holds. */
  private static String text(Path file, Predicate<String> dropped) throws IOException {
    return COMMENT_OR_LITERAL
        .matcher(Files.readString(file))
        .replaceAll(part -> replacement(part, dropped));
  }

  private static String replacement(MatchResult part, Predicate<String> dropped) {
    return dropped.test(part.group()) ? " " : Matcher.quoteReplacement(part.group());
  }

  private static boolean isComment(String part) {
    return part.startsWith("/");
  }
}
