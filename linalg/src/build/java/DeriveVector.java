import com.sun.source.tree.AssignmentTree;
import com.sun.source.tree.BinaryTree;
import com.sun.source.tree.BlockTree;
import com.sun.source.tree.CompilationUnitTree;
import com.sun.source.tree.ConditionalExpressionTree;
import com.sun.source.tree.ExpressionStatementTree;
import com.sun.source.tree.ExpressionTree;
import com.sun.source.tree.ForLoopTree;
import com.sun.source.tree.IdentifierTree;
import com.sun.source.tree.IfTree;
import com.sun.source.tree.MethodInvocationTree;
import com.sun.source.tree.ParenthesizedTree;
import com.sun.source.tree.StatementTree;
import com.sun.source.tree.Tree;
import com.sun.source.tree.Tree.Kind;
import com.sun.source.tree.UnaryTree;
import com.sun.source.tree.VariableTree;
import com.sun.source.util.JavacTask;
import com.sun.source.util.TreeScanner;
import com.sun.source.util.Trees;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import javax.tools.JavaCompiler;
import javax.tools.JavaFileObject;
import javax.tools.SimpleJavaFileObject;
import javax.tools.ToolProvider;

/**
 * Derives the vector kernels from the plain ones: of every class {@code FloatX} of the package {@code reference} that is marked {@code @Vectorized}, a class {@code FloatVectorX} of the package
 * {@code simd}, in which each loop {@code for (int i = 0; i < n; i++)} runs over vectors and then, by its own text, over the elements that are left. What a loop may hold is said in {@code Vectorized};
 * anything else ends the build. See docs/decisions/0028-derived-vector-loops.md.
 *
 * <p>Usage: {@code java DeriveVector.java SOURCE_ROOT OUTPUT_ROOT}
 */
final class DeriveVector {
  private static final String REFERENCE = "org/ebflow/linalg/reference";
  private static final String SIMD = "org/ebflow/linalg/simd";
  private static final String MARK = "@Vectorized\n";
  private static final Pattern FLOAT_CLASS = Pattern.compile("\\bFloat([A-Z]\\w*)");
  private static final Map<Kind, String> COMPARISONS =
      Map.of(Kind.LESS_THAN, "LT", Kind.LESS_THAN_EQUAL, "LE", Kind.GREATER_THAN, "GT", Kind.GREATER_THAN_EQUAL, "GE", Kind.EQUAL_TO, "EQ");
  private static final Map<Kind, String> OPERATIONS = Map.of(Kind.PLUS, "add", Kind.MINUS, "sub", Kind.MULTIPLY, "mul", Kind.DIVIDE, "div");

  private DeriveVector() {}

  public static void main(String[] arguments) throws IOException {
    Path sources = Path.of(arguments[0]);
    Path output = Path.of(arguments[1], SIMD);
    Files.createDirectories(output);
    Map<String, String> marked = new TreeMap<>();
    for (Path file : files(sources.resolve(REFERENCE))) {
      String text = Files.readString(file);
      if (text.contains(MARK)) {
        marked.put(name(file), text);
      }
    }
    Set<String> twins = new HashSet<>(marked.keySet());
    for (Path file : files(sources.resolve(SIMD))) {
      twins.add(plain(name(file)));
    }
    for (Map.Entry<String, String> entry : marked.entrySet()) {
      Path target = output.resolve(vector(entry.getKey()) + ".java");
      String derived = derive(entry.getKey(), entry.getValue(), twins);
      if (!Files.exists(target) || !Files.readString(target).equals(derived)) {
        Files.writeString(target, derived);
      }
    }
    for (Path file : files(output)) { // a derived file whose source is gone would still be compiled
      if (!marked.containsKey(plain(name(file)))) {
        Files.delete(file);
      }
    }
  }

  private static List<Path> files(Path folder) throws IOException {
    try (Stream<Path> list = Files.list(folder)) {
      return list.filter(file -> file.getFileName().toString().matches("Float\\w+\\.java")).sorted().toList();
    }
  }

  private static String name(Path file) {
    return file.getFileName().toString().replace(".java", "");
  }

  private static String vector(String plain) {
    return plain.replaceFirst("^Float", "FloatVector");
  }

  private static String plain(String vector) {
    return vector.replaceFirst("^FloatVector", "Float");
  }

  private static String derive(String name, String text, Set<String> twins) throws IOException {
    StringBuilder result = new StringBuilder();
    int done = 0;
    for (Loop loop : loops(name, text)) {
      result.append(renamed(text.substring(done, loop.start), twins)).append(renamed(loop.derived(), twins));
      done = loop.end;
    }
    String derived = result.append(renamed(text.substring(done), twins)).toString();
    return "// Derived from "
        + name
        + " by DeriveVector: edit that file.\n"
        + derived
            .replace(MARK, "")
            .replaceFirst(
                "package org\\.ebflow\\.linalg\\.reference;\n",
                """
                package org.ebflow.linalg.simd;

                import static org.ebflow.linalg.simd.FloatVectorPolynomials.SPECIES;

                import jdk.incubator.vector.FloatVector;
                import jdk.incubator.vector.VectorOperators;
                import org.ebflow.linalg.reference.*;
                """);
  }

  /** With the names of vector twins in place of those of plain classes that have one. */
  private static String renamed(String text, Set<String> twins) {
    return FLOAT_CLASS.matcher(text).replaceAll(match -> Matcher.quoteReplacement(twins.contains(match.group()) ? vector(match.group()) : match.group()));
  }

  /** The loops over {@code i} of a source, in order. */
  private static List<Loop> loops(String name, String text) throws IOException {
    JavaCompiler compiler = ToolProvider.getSystemJavaCompiler();
    SimpleJavaFileObject source =
        new SimpleJavaFileObject(URI.create("string:///" + name + ".java"), JavaFileObject.Kind.SOURCE) {
          @Override
          public CharSequence getCharContent(boolean ignoreEncodingErrors) {
            return text;
          }
        };
    JavacTask task = (JavacTask) compiler.getTask(null, null, null, List.of(), null, List.of(source));
    CompilationUnitTree unit = task.parse().iterator().next();
    Trees trees = Trees.instance(task);
    List<Loop> loops = new ArrayList<>();
    new TreeScanner<Void, Void>() {
      @Override
      public Void visitForLoop(ForLoopTree tree, Void unused) {
        if (tree.getInitializer().stream().anyMatch(start -> start.toString().startsWith("int i "))) {
          loops.add(new Loop(name, text, unit, trees, tree));
          return null;
        }
        return super.visitForLoop(tree, unused);
      }
    }.scan(unit, null);
    return loops;
  }

  /** One loop over elements. */
  private static final class Loop {
    final int start;
    final int end;
    private final String name;
    private final String text;
    private final CompilationUnitTree unit;
    private final Trees trees;
    private final ForLoopTree loop;

    /** Names of the locals that hold a matrix's array, by the matrix. */
    private final Map<String, String> arrays = new LinkedHashMap<>();

    /** Names of the locals that hold the place of element i = 0, by matrix and base of the index. */
    private final Map<List<String>, String> places = new LinkedHashMap<>();

    private final Set<String> vectors = new HashSet<>();

    /** Locals that are assigned again after their declaration: vectors from the start. */
    private final Set<String> reassigned = new HashSet<>();

    Loop(String name, String text, CompilationUnitTree unit, Trees trees, ForLoopTree loop) {
      this.name = name;
      this.text = text;
      this.unit = unit;
      this.trees = trees;
      this.loop = loop;
      this.start = start(loop);
      this.end = (int) trees.getSourcePositions().getEndPosition(unit, loop);
    }

    private int start(Tree tree) {
      return (int) trees.getSourcePositions().getStartPosition(unit, tree);
    }

    private String source(Tree tree) {
      return text.substring(start(tree), (int) trees.getSourcePositions().getEndPosition(unit, tree));
    }

    private IllegalStateException unknown(Tree tree) {
      return new IllegalStateException(name + ".java:" + unit.getLineMap().getLineNumber(start(tree)) + ": can't be turned to vectors: " + source(tree));
    }

    String derived() {
      if (!(loop.getCondition() instanceof BinaryTree condition)
          || condition.getKind() != Kind.LESS_THAN
          || !loop.getInitializer().toString().equals("int i = 0")
          || !condition.getLeftOperand().toString().equals("i")
          || !loop.getUpdate().toString().equals("i++;")
          || !(loop.getStatement() instanceof BlockTree block)) {
        throw unknown(loop);
      }
      String count = source(condition.getRightOperand());
      new TreeScanner<Void, Void>() {
        @Override
        public Void visitAssignment(AssignmentTree tree, Void unused) {
          reassigned.add(tree.getVariable().toString());
          return super.visitAssignment(tree, unused);
        }
      }.scan(block, null);
      String body = block.getStatements().stream().map(this::statement).collect(Collectors.joining());
      StringBuilder result = new StringBuilder("int bound = SPECIES.loopBound(" + count + ");\n");
      arrays.forEach((matrix, array) -> result.append("    float[] ").append(array).append(" = ").append(matrix).append(".floats();\n"));
      places.forEach(
          (place, at) -> result.append("    int ").append(at).append(" = ").append(place.get(0)).append(".offset()").append(place.get(1)).append(";\n"));
      return result
          .append("    for (int i = 0; i < bound; i += SPECIES.length()) {\n")
          .append(body)
          .append("    }\n    for (int i = bound; i < ")
          .append(count)
          .append("; i++) ")
          .append(source(block))
          .toString();
    }

    private String statement(StatementTree statement) {
      if (statement instanceof VariableTree local && local.getType().toString().equals("float")) {
        Value value = value(local.getInitializer());
        if (reassigned.contains(local.getName().toString())) {
          value = new Value(value.asVector(), true);
        }
        if (value.vector) {
          vectors.add(local.getName().toString());
        }
        return "      " + (value.vector ? "FloatVector " : "float ") + local.getName() + " = " + value.text + ";\n";
      }
      if (statement instanceof ExpressionStatementTree expression
          && expression.getExpression() instanceof AssignmentTree assignment
          && vectors.contains(assignment.getVariable().toString())) {
        return "      " + assignment.getVariable() + " = " + value(assignment.getExpression()).asVector() + ";\n";
      }
      if (statement instanceof ExpressionStatementTree expression
          && expression.getExpression() instanceof MethodInvocationTree call
          && call.getMethodSelect().toString().equals("set")
          && call.getArguments().size() == 3) {
        return "      " + value(call.getArguments().get(2)).asVector() + ".intoArray(" + place(call) + ");\n";
      }
      if (statement instanceof IfTree choice && choice.getElseStatement() == null && choice.getThenStatement() instanceof BlockTree then) {
        return "      if " + condition(choice.getCondition()) + " {\n" + then.getStatements().stream().map(this::statement).collect(Collectors.joining()) + "      }\n";
      }
      throw unknown(statement);
    }

    /** A condition that is the same for all elements: an int variable compared with a number. */
    private String condition(ExpressionTree tree) {
      if (!(tree instanceof ParenthesizedTree inner)
          || !(inner.getExpression() instanceof BinaryTree comparison)
          || !COMPARISONS.containsKey(comparison.getKind())
          || comparison.getLeftOperand().getKind() != Kind.IDENTIFIER
          || comparison.getLeftOperand().toString().equals("i")
          || comparison.getRightOperand().getKind() != Kind.INT_LITERAL) {
        throw unknown(tree);
      }
      return source(tree);
    }

    /** Array and place of an element, the first two arguments of {@code at} and {@code set}. */
    private String place(MethodInvocationTree call) {
      String matrix = source(call.getArguments().get(0));
      ExpressionTree index = call.getArguments().get(1);
      String base;
      if (index.toString().equals("i")) {
        base = "";
      } else if (index instanceof BinaryTree sum && sum.getKind() == Kind.PLUS && sum.getRightOperand().toString().equals("i")) {
        base = " + " + source(sum.getLeftOperand());
      } else {
        throw unknown(index);
      }
      String array = arrays.computeIfAbsent(matrix, key -> "array" + arrays.size());
      return array + ", " + places.computeIfAbsent(List.of(matrix, base), key -> "place" + places.size()) + " + i";
    }

    /** Array, place of element 0 and index map of a gather, the arguments of {@code pick}. */
    private String picked(MethodInvocationTree call) {
      List<? extends ExpressionTree> arguments = call.getArguments();
      if (arguments.get(2).getKind() != Kind.IDENTIFIER || !arguments.get(3).toString().equals("i")) {
        throw unknown(call);
      }
      String matrix = source(arguments.get(0));
      String array = arrays.computeIfAbsent(matrix, key -> "array" + arrays.size());
      String base = " + " + source(arguments.get(1));
      return array + ", " + places.computeIfAbsent(List.of(matrix, base), key -> "place" + places.size()) + ", " + source(arguments.get(2)) + ", i";
    }

    /** A translated expression: a vector, or a number that is the same for all elements. */
    private record Value(String text, boolean vector) {
      String asVector() {
        return vector ? text : "FloatVector.broadcast(SPECIES, " + text + ")";
      }
    }

    private Value value(ExpressionTree tree) {
      return switch (tree) {
        case ParenthesizedTree inner -> inParentheses(value(inner.getExpression()));
        case IdentifierTree identifier when !identifier.getName().contentEquals("i") ->
            new Value(source(tree), vectors.contains(identifier.getName().toString()));
        case UnaryTree minus when minus.getKind() == Kind.UNARY_MINUS -> {
          Value of = value(minus.getExpression());
          yield of.vector ? new Value(of.text + ".neg()", true) : new Value("-" + of.text, false);
        }
        case BinaryTree binary when OPERATIONS.containsKey(binary.getKind()) -> binary(binary);
        case ConditionalExpressionTree choice -> choice(choice);
        case MethodInvocationTree call -> call(call);
        default -> {
          if (tree.getKind() != Kind.FLOAT_LITERAL) {
            throw unknown(tree);
          }
          yield new Value(source(tree), false);
        }
      };
    }

    private static Value inParentheses(Value value) {
      return value.vector ? value : new Value("(" + value.text + ")", false);
    }

    private Value binary(BinaryTree tree) {
      Value left = value(tree.getLeftOperand());
      Value right = value(tree.getRightOperand());
      if (!left.vector && !right.vector) {
        return new Value(source(tree), false);
      }
      return new Value(left.asVector() + "." + OPERATIONS.get(tree.getKind()) + "(" + right.text + ")", true);
    }

    private Value choice(ConditionalExpressionTree tree) {
      ExpressionTree condition = tree.getCondition() instanceof ParenthesizedTree inner ? inner.getExpression() : tree.getCondition();
      if (!(condition instanceof BinaryTree comparison) || !COMPARISONS.containsKey(comparison.getKind())) {
        throw unknown(tree);
      }
      String mask =
          value(comparison.getLeftOperand()).asVector()
              + ".compare(VectorOperators."
              + COMPARISONS.get(comparison.getKind())
              + ", "
              + value(comparison.getRightOperand()).text
              + ")";
      return new Value(value(tree.getFalseExpression()).asVector() + ".blend(" + value(tree.getTrueExpression()).text + ", " + mask + ")", true);
    }

    private Value call(MethodInvocationTree tree) {
      List<? extends ExpressionTree> arguments = tree.getArguments();
      switch (tree.getMethodSelect().toString() + arguments.size()) {
        case "at2":
          return new Value("FloatVector.fromArray(SPECIES, " + place(tree) + ")", true);
        case "pick4":
          return new Value("FloatVector.fromArray(SPECIES, " + picked(tree) + ")", true);
        case "Math.fma3":
          return new Value(
              value(arguments.get(0)).asVector() + ".fma(" + value(arguments.get(1)).asVector() + ", " + value(arguments.get(2)).asVector() + ")", true);
        case "Math.abs1":
          return new Value(value(arguments.get(0)).asVector() + ".abs()", true);
        case "sqrt1":
          return new Value(value(arguments.get(0)).asVector() + ".sqrt()", true);
        default:
          throw unknown(tree);
      }
    }
  }
}
