package org.ebflow.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.ebflow.flow.Flow;
import org.ebflow.flow.layer.ActNorm;
import org.ebflow.flow.layer.Activation;
import org.ebflow.flow.layer.AdditiveTransform;
import org.ebflow.flow.layer.AffineTransform;
import org.ebflow.flow.layer.BlockDiagonal;
import org.ebflow.flow.layer.ColumnPermutation;
import org.ebflow.flow.layer.ColumnRange;
import org.ebflow.flow.layer.Convolution;
import org.ebflow.flow.layer.Coupling;
import org.ebflow.flow.layer.CouplingSplit;
import org.ebflow.flow.layer.CouplingTransform;
import org.ebflow.flow.layer.Dense;
import org.ebflow.flow.layer.DifferentiableMap;
import org.ebflow.flow.layer.FixedAffine;
import org.ebflow.flow.layer.Initializers;
import org.ebflow.flow.layer.Layer;
import org.ebflow.flow.layer.LayerTypes;
import org.ebflow.flow.layer.Logit;
import org.ebflow.flow.layer.LuPointwiseConvolution;
import org.ebflow.flow.layer.MarginalGaussianization;
import org.ebflow.flow.layer.MarginalGaussianization.Form;
import org.ebflow.flow.layer.MaskedAffineCoupling;
import org.ebflow.flow.layer.Mlp;
import org.ebflow.flow.layer.MonotoneSpline;
import org.ebflow.flow.layer.MonotoneSpline.Tails;
import org.ebflow.flow.layer.PointwiseConvolution;
import org.ebflow.flow.layer.Shape;
import org.ebflow.flow.layer.SmoothLeakyRelu;
import org.ebflow.flow.layer.Triangular;
import org.ebflow.linalg.Blas;
import org.ebflow.linalg.Matrix;
import org.ebflow.linalg.Precision;
import org.ebflow.training.data.NpyWriter;
import org.ebflow.training.preprocessing.Preprocessing;
import org.ebflow.training.scoring.EmpiricalDistribution;
import org.ebflow.training.scoring.TrainedFlow;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** {@code python/ebflow_score.py} gives the log p of {@code score} for every model of a table. */
class PythonScoreTest {
  private static final Path SCRIPT = Path.of("..", "python", "ebflow_score.py");
  private static final int MOST_LINES = 199;
  private static final int DIMENSION = 11;

  /** In nats, and relative to log p, between float32 and the script's float64. */
  private static final double FLOAT32 = 1e-4;

  private static final double FLOAT32_RELATIVE = 1e-6;

  /** The same for models in float64. */
  private static final double FLOAT64 = 1e-9;

  /** Layers that no model of a table has, and that the script refuses. */
  private static final Map<String, Layer> NOT_FOR_TABLES =
      Map.of(
          "logit", new Logit(1),
          "block_diagonal", new BlockDiagonal(ColumnPermutation.of(1, 0), 2),
          "column_permutation", ColumnPermutation.of(1, 0),
          "convolution", new Convolution(Shape.plain(2), 1),
          "pointwise_convolution", new PointwiseConvolution(Shape.plain(2)),
          "lu_pointwise_convolution", new LuPointwiseConvolution(Shape.plain(2)),
          "column_range", new ColumnRange(2, 0, Shape.plain(1), new ActNorm(1)));

  @TempDir private Path folder;

  /** Layers of one kind, on rows near the standard normal distribution. */
  private record Subject(String name, List<Layer> layers) {
    static Subject of(String name, Layer... layers) {
      return new Subject(name, List.of(layers));
    }

    @Override
    public String toString() {
      return name;
    }
  }

  private static double[] mask(int first) {
    return IntStream.range(0, DIMENSION).mapToDouble(c -> (c + first) % 2).toArray();
  }

  private static Stream<Subject> subjects() {
    Stream<Subject> plain =
        Stream.of(
            Subject.of("dense", new Dense(DIMENSION)),
            Subject.of("untrained dense", untrainedDense()),
            Subject.of("triangular", new Triangular(DIMENSION, true)),
            Subject.of(
                "LU-factored", Triangular.luFactored(DIMENSION, Initializers.scaledIdentity(1))),
            Subject.of("actnorm", new ActNorm(DIMENSION)),
            Subject.of("fixed affine", fixedAffine()),
            Subject.of("smooth leaky ReLU", new SmoothLeakyRelu(.3, false)),
            Subject.of("residual smooth leaky ReLU", new SmoothLeakyRelu(.2, true)),
            Subject.of("spline", new MonotoneSpline(DIMENSION, 9, 2.5, Tails.FROZEN)),
            Subject.of("spline of even intervals", new MonotoneSpline(DIMENSION, 4, 1, Tails.FREE)),
            Subject.of("spline of one", new MonotoneSpline(DIMENSION, 1, 3, Tails.FREE)),
            Subject.of("margins", margins()),
            Subject.of(
                "fc", new Dense(DIMENSION), new SmoothLeakyRelu(.3, false), untrainedDense()));
    Stream<Subject> activations =
        Arrays.stream(Activation.Kind.values())
            .flatMap(
                kind ->
                    Stream.of(
                        Subject.of(
                            "masked coupling, " + kind,
                            new MaskedAffineCoupling(mask(0), 5, 2, kind)),
                        Subject.of(
                            "masked coupling, weight normalisation, " + kind,
                            new MaskedAffineCoupling(mask(1), 5, 1, kind, true))));
    Stream<Subject> transforms =
        Stream.of(
                AffineTransform.published(), AffineTransform.bounded(1.5), new AdditiveTransform())
            .map(
                transform ->
                    Subject.of("coupling, " + transform.description(), coupling(transform)));
    return Stream.of(plain, activations, transforms).flatMap(subjects -> subjects);
  }

  private static Dense untrainedDense() {
    Matrix weight = Matrix.allocate(Precision.FLOAT64, DIMENSION, DIMENSION);
    Matrix bias = Matrix.allocate(Precision.FLOAT64, 1, DIMENSION);
    for (int r = 0; r < DIMENSION; r++) {
      weight.set(r, r, -1.5);
      weight.set(r, (r + 3) % DIMENSION, .25);
      bias.set(0, r, r / 10.0);
    }
    return Dense.untrained(weight, bias);
  }

  /** With digits that float32 does not have. */
  private static FixedAffine fixedAffine() {
    return new FixedAffine(
        IntStream.range(0, DIMENSION).mapToDouble(c -> (c % 2 == 0 ? 1 : -1) / (c + 3.0)).toArray(),
        IntStream.range(0, DIMENSION).mapToDouble(c -> c / 7.0).toArray());
  }

  /** Knots at -1, 0, 1 and 3, repeated as in a table whose other columns have more of them. */
  private static MarginalGaussianization margins() {
    double[][] rows = {
      {-1, -2, .7, 0, -.5, .9, 1, .8, 1.1, 3, 1.5, .4, 3, 1.5, .4, .5, .25},
      {-1, -1, 1.5, -.5, -.7, 1, 0, 0, .6, 1, .4, .8, 3, 2, .9, .25, 1},
    };
    double[][] table =
        IntStream.range(0, DIMENSION).mapToObj(c -> rows[c % 2]).toArray(double[][]::new);
    return new MarginalGaussianization(Form.QUANTILES, Matrix.ofRows(Precision.FLOAT64, table));
  }

  private static Coupling coupling(CouplingTransform transform) {
    CouplingSplit split = CouplingSplit.mask(mask(0));
    List<DifferentiableMap> networks = new ArrayList<>();
    for (int i = 0; i < transform.parameterNames().size(); i++) {
      Mlp.Settings settings = new Mlp.Settings(4, 1 + i, Activation.Kind.SWISH, i == 0);
      networks.add(new Mlp(DIMENSION, DIMENSION, settings));
    }
    return new Coupling(split, transform, networks);
  }

  /** A model whose weights are away from their start, but for tables of margins. */
  private static TrainedFlow model(Precision precision, int dimension, List<Layer> layers) {
    Flow.Builder builder = Flow.of(dimension).precision(precision).seed(3);
    layers.forEach(builder::layer);
    Flow flow = builder.build();
    Random random = new Random(7);
    flow.parameters()
        .byName()
        .forEach(
            (name, block) -> {
              for (int r = 0; r < block.rows() && !name.endsWith("table"); r++) {
                for (int c = 0; c < block.columns(); c++) {
                  block.set(r, c, block.get(r, c) + .1 * random.nextGaussian());
                }
              }
            });
    flow.parameters().changed();
    TrainedFlow.DataDescription data =
        new TrainedFlow.DataDescription(
            "made", List.of(), null, EmpiricalDistribution.unknown(), null);
    return new TrainedFlow(flow, Preprocessing.none(), data, -5);
  }

  private static double[][] normal(int rows) {
    Random random = new Random(2);
    double[][] result = new double[rows][DIMENSION];
    for (int r = 0; r < rows; r++) {
      for (int c = 0; c < DIMENSION; c++) {
        result[r][c] = (r % 5 == 0 ? 2.5 : 1) * random.nextGaussian();
      }
    }
    return result;
  }

  /** Reals, some of them far from zero and with heavy tails, and two columns of whole numbers. */
  private static double[][] mixed(int rows) {
    Random random = new Random(4);
    double[][] result = new double[rows][DIMENSION];
    for (int r = 0; r < rows; r++) {
      double common = random.nextGaussian();
      for (int c = 0; c < DIMENSION; c++) {
        double value = common + random.nextGaussian();
        result[r][c] =
            c % 5 == 1
                ? Math.rint(3 * value)
                : c == 2 ? Math.exp(value) : 100 * c + (c + 1) * value;
      }
    }
    return result;
  }

  private static String names() {
    return "a,b,c,\"d, e\",f,g,h,i,j,k,l";
  }

  /** The script; null where this machine lacks what it needs. */
  private static @Nullable PythonProgram python;

  @BeforeAll
  static void startPython() throws InterruptedException {
    try {
      if (ChildProgram.run(new ProcessBuilder("python3", "-c", "import numpy")).exit() == 0) {
        python = new PythonProgram(SCRIPT);
      }
    } catch (IOException _) {
      // no python3
    }
  }

  @AfterAll
  static void endPython() {
    if (python != null) {
      python.close();
    }
  }

  private static PythonProgram python() {
    assumeTrue(python != null, "needs python3 with numpy");
    return Objects.requireNonNull(python);
  }

  private static void refuse(String message, Object... arguments) {
    assertRefused(message, python().run(arguments));
  }

  private static void assertRefused(String message, Program.Result result) {
    assertThat(result.err()).contains(message).hasLineCount(1);
    assertThat(result.exit()).isEqualTo(2);
    assertThat(result.out()).isEmpty();
  }

  /** log p of every row by either program. */
  private void compare(Path model, Path table, int rows, double tolerance, double relative)
      throws IOException {
    Path scores = folder.resolve("scores.csv");
    Program.succeed("score", model, table, "--out", scores, "--threads", 1);
    double[] expected = logProbs(Files.readString(scores));
    Program.Result result = python().run(model, table);
    assertThat(result.err()).isEmpty();
    double[] found = logProbs(result.out());

    assertThat(Arrays.stream(expected)).hasSize(rows).allMatch(Double::isFinite);
    assertThat(Arrays.stream(expected).distinct().count()).isGreaterThan(rows / 2);
    assertThat(found).hasSize(rows);
    for (int r = 0; r < rows; r++) {
      assertThat(found[r])
          .as("row %d of %s", r + 1, model)
          .isCloseTo(expected[r], within(tolerance + relative * Math.abs(expected[r])));
    }
  }

  private static double[] logProbs(String csv) {
    assertThat(csv).startsWith("id,log_prob");
    return csv.lines()
        .skip(1)
        .mapToDouble(l -> Double.parseDouble(l.split(",")[1].replace("inf", "Infinity")))
        .toArray();
  }

  private Path save(TrainedFlow model) {
    Path file = folder.resolve("model.safetensors");
    model.save(file, Blas.auto());
    return file;
  }

  private static Path npy(Path file, double[][] rows) throws IOException {
    NpyWriter.write(file, Matrix.ofRows(Precision.FLOAT64, rows));
    return file;
  }

  @ParameterizedTest
  @MethodSource("subjects")
  void everyLayerGivesTheLogProbOfScore(Subject subject) throws Exception {
    Path table = npy(folder.resolve("rows.npy"), normal(40));
    for (Precision precision : Precision.values()) {
      boolean single = precision == Precision.FLOAT32;
      Path model = save(model(precision, DIMENSION, subject.layers));
      compare(model, table, 40, single ? FLOAT32 : FLOAT64, single ? FLOAT32_RELATIVE : FLOAT64);
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "--no-map",
        "--precision f64",
        "--precision bf16",
        "--set data.dequantize=no",
        "--set model.init=identity --set model.tails=free --set model.intervals=4",
        "--columns k,b,c,g",
        "--model fc",
        "--model fc --set model.residual=true --set data.dequantize=yes",
        "--model fc --set model.init=whitening --set data.preprocessing.type=margins --no-map",
        "--model coupling",
        "--model coupling --no-map --precision f64",
        "--model coupling --loss ml --set model.weight_normalisation=true",
        "--model coupling --loss ml --set model.activation=elu --set model.init=whitening"
      })
  void everyModelOfATableGivesTheLogProbOfScore(String options) throws Exception {
    python();
    Program.assumeProducts(options.contains("bf16") ? "bf16" : "f32");
    double[][] rows = mixed(160);
    Path table = TestRuns.csv(folder.resolve("table.csv"), names(), rows);
    Path run = folder.resolve("run");
    List<Object> call = new ArrayList<>(List.of("train", "--data", table, "--out", run));
    call.addAll(List.of("--steps", 30, "--set", "training.evaluate_steps=30"));
    call.addAll(List.of("--lr", .02, "--threads", 1, "--batch-size", 50));
    if (!options.isEmpty()) {
      call.addAll(List.of(options.split(" ")));
    }
    Program.succeed(call.toArray());

    boolean single = !options.contains("f64");
    Path given = options.isEmpty() ? table : reordered(rows);
    compare(run, given, 160, single ? FLOAT32 : FLOAT64, single ? FLOAT32_RELATIVE : FLOAT64);
  }

  /** The columns in the other direction, between others. */
  private Path reordered(double[][] rows) throws IOException {
    StringBuilder text = new StringBuilder(",l,k,j,i,h,g,f,\"d, e\",c,b,a,extra\n");
    for (int r = 0; r < rows.length; r++) {
      text.append(r).append(',');
      for (int c = DIMENSION - 1; c >= 0; c--) {
        text.append(rows[r][c]).append(',');
      }
      text.append("text ").append(r).append('\n');
    }
    return TestRuns.text(folder.resolve("reordered.csv"), text.toString());
  }

  /** Rows of 2 to 17 whole numbers: their noise hashes columns in pairs and one by one. */
  @ParameterizedTest
  @ValueSource(ints = {2, 7, 8, 9, 16, 17})
  void wholeNumbersGetTheNoiseOfScore(int dimension) throws Exception {
    Flow flow = Flow.of(dimension).layer(Dense.identity(dimension)).build();
    TrainedFlow.DataDescription data =
        new TrainedFlow.DataDescription(
            "whole", List.of(), null, EmpiricalDistribution.unknown(), null);
    List<Integer> columns = IntStream.range(0, dimension).filter(c -> c != 1).boxed().toList();
    Preprocessing preprocessing = Preprocessing.none().dequantizing(columns);
    Random random = new Random(9);
    double[][] rows = new double[30][dimension];
    for (double[] row : rows) {
      Arrays.setAll(row, c -> random.nextInt(5) - 2);
    }

    compare(
        save(new TrainedFlow(flow, preprocessing, data, -1234567890123L)),
        npy(folder.resolve("rows.npy"), rows),
        30,
        FLOAT32,
        FLOAT32_RELATIVE);
  }

  @Test
  void columnsOfAnArrayThatWereLeftOutOfTrainingAreFoundByPlace() throws Exception {
    python();
    double[][] rows = mixed(160);
    for (double[] row : rows) {
      row[3] = 5;
    }
    Path array = npy(folder.resolve("rows.npy"), rows);
    Path run = folder.resolve("run");
    Program.succeed(
        "train", "--data", array, "--drop-constant", "--out", run, "--steps", 5, "--threads", 1);

    compare(run, array, 160, FLOAT32, FLOAT32_RELATIVE);
    assertThat(python().runAlone(run, array)).isEqualTo(python().run(run, array));
  }

  @Test
  void everyTypeOfLayerIsScoredOrIsNotForTables() {
    Set<String> covered = new TreeSet<>(NOT_FOR_TABLES.keySet());
    subjects()
        .flatMap(subject -> subject.layers.stream())
        .forEach(layer -> covered.add((String) LayerTypes.describe(layer).get("type")));

    assertThat(covered).isEqualTo(new TreeSet<>(LayerTypes.names()));
    assertThat(CouplingTransform.class.getPermittedSubclasses())
        .containsExactlyInAnyOrder(AffineTransform.class, AdditiveTransform.class);
    assertThat(Form.values()).containsExactly(Form.HISTOGRAM, Form.QUANTILES);
  }

  static Stream<String> notForTables() {
    return NOT_FOR_TABLES.keySet().stream().sorted();
  }

  @ParameterizedTest
  @MethodSource("notForTables")
  void aLayerThatIsNotForTablesIsRefused(String type) throws Exception {
    Path model = save(model(Precision.FLOAT32, 2, List.of(NOT_FOR_TABLES.get(type))));

    refuse("expected a model of a table, found", model, "any.csv");
  }

  @Test
  void modelsOfPixelsAreRefused() throws Exception {
    TestRuns.pictures(folder.resolve("run"));

    refuse("expected format ebflow-1 and a table", folder.resolve("run"), "any.csv");
  }

  @Test
  void whatIsNoModelIsRefused() throws Exception {
    Path model = save(model(Precision.FLOAT32, 2, List.of(new Dense(2))));
    byte[] bytes = Files.readAllBytes(model);
    Path table = TestRuns.text(folder.resolve("table.csv"), "1,2\n");
    for (int length : List.of(0, 4, 8, 100, bytes.length - 1)) {
      Path cut = Files.write(folder.resolve("cut.safetensors"), Arrays.copyOf(bytes, length));
      refuse("not the whole model of a table", cut, table);
    }
    refuse("not the whole model of a table", table, table);
    refuse("nosuch", folder.resolve("nosuch"), table);
  }

  @Test
  void whatAreNoRowsOfTheModelIsRefused() throws Exception {
    Path run = folder.resolve("run");
    TestRuns.table(run, 3);
    Map<String, String> tables =
        Map.of(
            "a,b\n1,2\n", "expected one column c, found a, b",
            "a,b,c,a\n1,2,3,4\n", "expected one column a, found a, b, c, a",
            "a,b,c\n1,2,3\n1,nan,3\n", "row 2, column 2: expected a number, found nan",
            "c,a,b\n1,2,3\n1,NA,3\n", "could not convert string 'NA'",
            "a,b,c\n1,2,3\n1,2,3,4\n", "the number of columns changed from 3 to 4",
            "a,b,c\n1,2\n", "the number of columns changed from 3 to 2",
            "a,b,c\n1,2,inf\n", "row 1, column 3: expected a number, found inf");
    for (Map.Entry<String, String> table : tables.entrySet()) {
      refuse(table.getValue(), run, TestRuns.text(folder.resolve("t.csv"), table.getKey()));
    }
    refuse("expected rows [*,3]", run, npy(folder.resolve("t.npy"), new double[][] {{1, 2}}));
    refuse("nosuch.csv", run, folder.resolve("nosuch.csv"));
  }

  @Test
  void anotherNumberOfArgumentsIsWrongUse() throws Exception {
    assertRefused(
        "ebflow_score.py: expected a run and a table, found 0 argument(s)", python().runAlone());
    refuse("run: expected a run and a table, found 1 argument(s)", "run");
    refuse("a b c: expected a run and a table, found 3 argument(s)", "a", "b", "c");
  }

  @Test
  void itIsShort() throws IOException {
    assertThat(Files.readAllLines(SCRIPT)).hasSizeLessThanOrEqualTo(MOST_LINES);
  }
}
