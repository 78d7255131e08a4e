import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * Derives the float64 kernels from the float32 ones: every source {@code Float*.java} without a hand-written {@code Double*.java} beside it is rewritten by text into the output folder. See
 * docs/decisions/0001-one-source-two-precisions.md.
 *
 * <p>Usage: {@code java DeriveDouble.java OUTPUT_ROOT SOURCE_ROOT...}
 */
final class DeriveDouble {
  private static final Pattern LITERAL =
      Pattern.compile("(?<![\\w.])(0x[0-9a-fA-F.]+p[+-]?\\d+|(?:\\d+\\.?\\d*|\\.\\d+)(?:e[+-]?\\d+)?)f\\b");
  private static final Pattern TYPE_DECLARATION = Pattern.compile("(?m)^(?=(?:public )?(?:final )?(?:class|record|enum) )");

  private DeriveDouble() {}

  public static void main(String[] arguments) throws IOException {
    Path output = Path.of(arguments[0]);
    Set<Path> targets = new HashSet<>();
    for (String root : List.of(arguments).subList(1, arguments.length)) {
      Path sources = Path.of(root);
      List<Path> files;
      try (Stream<Path> walk = Files.walk(sources)) {
        files = walk.filter(DeriveDouble::hasNoHandWrittenTwin).sorted().toList();
      }
      for (Path file : files) {
        Path target = output.resolve(sources.relativize(twin(file)));
        targets.add(target);
        String derived = derive(Files.readString(file), file.getFileName().toString());
        if (!Files.exists(target) || !Files.readString(target).equals(derived)) {
          Files.createDirectories(target.getParent());
          Files.writeString(target, derived);
        }
      }
    }
    deleteAllBut(targets, output);
  }

  /** A derived file whose source is gone would still be compiled. */
  private static void deleteAllBut(Set<Path> targets, Path output) throws IOException {
    List<Path> derived;
    try (Stream<Path> walk = Files.walk(output)) {
      derived = walk.filter(Files::isRegularFile).toList();
    }
    for (Path file : derived) {
      if (!targets.contains(file)) {
        Files.delete(file);
      }
    }
  }

  private static boolean hasNoHandWrittenTwin(Path file) {
    String name = file.getFileName().toString();
    return name.startsWith("Float") && name.endsWith(".java") && !Files.exists(twin(file));
  }

  private static Path twin(Path file) {
    return file.resolveSibling(file.getFileName().toString().replaceFirst("Float", "Double"));
  }

  private static String derive(String text, String name) {
    String derived = LITERAL.matcher(text)
        .replaceAll(match -> Matcher.quoteReplacement(asDoubleLiteral(match.group(1))))
        .replace("FLOAT32", "FLOAT64")
        .replace("float32", "float64")
        .replace("Float", "Double")
        .replace("float", "double");
    // Casts to float are needed in the source and redundant in what is derived from it.
    derived = TYPE_DECLARATION.matcher(derived).replaceFirst("@SuppressWarnings(\"cast\")\n");
    return "// Derived from " + name + " by DeriveDouble: edit that file.\n" + derived;
  }

  private static String asDoubleLiteral(String digits) {
    return digits.matches("\\d+") ? digits + ".0" : digits;
  }
}
