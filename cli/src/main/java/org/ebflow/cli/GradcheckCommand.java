package org.ebflow.cli;

import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import org.ebflow.flow.Flow;
import org.ebflow.flow.layer.Shape;
import org.ebflow.linalg.Precision;
import org.ebflow.training.ExitCode;
import org.ebflow.training.check.GradientCheck;
import org.ebflow.training.data.DataSetInfo;
import org.ebflow.training.objective.Objective;
import org.ebflow.training.recipe.Recipe;
import org.ebflow.training.scoring.TrainedFlow;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;
import tools.jackson.databind.json.JsonMapper;

/** {@code ebflow gradcheck}: gradients against finite differences. */
@Command(
    name = "gradcheck",
    description = {
      "Compares the gradient of every block of weights with fourth-order central differences, in float64, on input it draws itself.",
      "Exit code 1 if the error of any block exceeds 1e-6 of its largest gradient."
    })
public final class GradcheckCommand implements Callable<Integer> {
  /** Columns that a table of one's own is taken to have. */
  private static final int TABLE_COLUMNS = 8;

  private static final JsonMapper JSON = new JsonMapper();

  /** Side of the pictures in place of large ones, and columns up to which they are not large. */
  private static final int SMALL = 8;

  private static final int MOST_COLUMNS = 3072;

  @Spec private CommandSpec spec;

  @Parameters(
      index = "0",
      arity = "0..1",
      paramLabel = "RECIPE|RUN",
      description = "Recipe, its file, or a run. Default: quickstart.")
  private String recipeOrRun = "quickstart";

  @Option(
      names = "--loss",
      paramLabel = "LOSS",
      description = "Another loss on the same model: ml, sml, ssm, dsm or fdssm.")
  private @Nullable String loss;

  @Option(
      names = "--seed",
      paramLabel = "N",
      description = "Seed of input, noise and directions. Default: ${DEFAULT-VALUE}.")
  private long seed = 1;

  @Option(names = "--json", description = "One JSON object on stdout.")
  private boolean json;

  @Mixin private DataOptions dataOptions = new DataOptions();
  @Mixin private ComputeOptions compute = new ComputeOptions();

  @Override
  public Integer call() {
    GradientCheck.Report report = check().run();
    PrintWriter out = spec.commandLine().getOut();
    if (json) {
      out.println(JSON.writeValueAsString(facts(report)));
    } else {
      print(report, out);
    }
    return report.passed() ? 0 : ExitCode.CHECK_FAILED;
  }

  private GradientCheck check() {
    boolean isRun = Files.isDirectory(Path.of(recipeOrRun));
    Recipe recipe = isRun ? Recipe.ofRun(Path.of(recipeOrRun)) : Recipe.namedOrFile(recipeOrRun);
    Flow flow;
    int dimension;
    Shape shape;
    if (isRun) {
      TrainedFlow model = TrainedFlow.load(Path.of(recipeOrRun));
      flow = model.flow();
      dimension = flow.dimension();
      shape = model.data().imageShape();
    } else {
      DataSetInfo info =
          dataOptions.sources("").list().stream()
              .filter(set -> set.name().equals(recipe.data()))
              .findFirst()
              .orElse(null);
      shape = info == null ? picture(recipe) : small(info.imageShape());
      dimension = shape != null ? shape.size() : info == null ? TABLE_COLUMNS : info.dimension();
      flow = recipe.flow(shape == null ? Shape.plain(dimension) : shape, Precision.FLOAT64);
    }
    return GradientCheck.of(flow)
        .objective(objective(recipe, dimension, shape))
        .blas(compute.blas())
        .seed(seed);
  }

  /** For a recipe of a folder of pictures: small ones, else null. */
  private static @Nullable Shape picture(Recipe recipe) {
    return recipe.name().startsWith("images-") ? new Shape(3, SMALL, SMALL) : null;
  }

  /** Pictures that a recipe resizes are large: the same in small, which any check of a layer is. */
  private @Nullable Shape small(@Nullable Shape shape) {
    if (shape == null || shape.size() <= MOST_COLUMNS) {
      return shape;
    }
    spec.commandLine()
        .getErr()
        .printf(
            Locale.ROOT, "checked on pictures of %d×%d instead of the recipe's%n", SMALL, SMALL);
    return new Shape(shape.channels(), SMALL, SMALL);
  }

  private Objective objective(Recipe recipe, int dimension, @Nullable Shape shape) {
    Recipe asked = loss == null ? recipe : recipe.set("objective.loss", loss);
    return asked.objective(dimension, shape);
  }

  private static Map<String, Object> facts(GradientCheck.Report report) {
    Map<String, Object> facts = new LinkedHashMap<>();
    facts.put("objective", report.objective());
    facts.put("loss", report.loss());
    facts.put("passed", report.passed());
    facts.put("worst_error", report.worstError());
    List<Map<String, Object>> blocks = new ArrayList<>();
    for (GradientCheck.Block block : report.blocks()) {
      Map<String, Object> entry = new LinkedHashMap<>();
      entry.put("name", block.name());
      entry.put("shape", List.of(block.rows(), block.columns()));
      entry.put("largest_gradient", block.largestGradient());
      entry.put("error", block.worstError());
      blocks.add(entry);
    }
    facts.put("blocks", blocks);
    return facts;
  }

  private static void print(GradientCheck.Report report, PrintWriter out) {
    out.printf(Locale.ROOT, "%-36s %12s %16s %12s%n", "block", "shape", "largest |grad|", "error");
    for (GradientCheck.Block block : report.blocks()) {
      out.printf(
          Locale.ROOT,
          "%-36s %12s %16.6g %12.2e%s%n",
          block.name(),
          block.rows() + "x" + block.columns(),
          block.largestGradient(),
          block.worstError(),
          block.passed() ? "" : "  off");
    }
    out.printf(
        Locale.ROOT,
        "%s loss %.6g, worst error %.2e, %s%n",
        report.objective(),
        report.loss(),
        report.worstError(),
        report.passed() ? "passed" : "FAILED (more than " + GradientCheck.TOLERANCE + ")");
  }
}
