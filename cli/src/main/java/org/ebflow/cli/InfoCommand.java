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
import org.ebflow.flow.io.OneLine;
import org.ebflow.flow.pass.Parameter;
import org.ebflow.linalg.Blas;
import org.ebflow.linalg.Precision;
import org.ebflow.training.RunFolder;
import org.ebflow.training.recipe.Recipe;
import org.ebflow.training.scoring.TrainedFlow;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;
import tools.jackson.databind.json.JsonMapper;

/** {@code ebflow info}: what a run is. */
@Command(
    name = "info",
    description = "Provenance, shapes, number of weights, log Z and condition numbers of a run.")
public final class InfoCommand implements Callable<Integer> {
  private static final JsonMapper JSON = new JsonMapper();

  /** Entries of a list that are printed. */
  private static final int MOST_SHOWN = 8;

  @Spec private CommandSpec spec;

  @Parameters(index = "0", paramLabel = "RUN", description = "Run folder or model file.")
  private Path run;

  @Option(names = "--json", description = "One JSON object on stdout.")
  private boolean json;

  @Mixin private ComputeOptions compute = new ComputeOptions();

  @Override
  public Integer call() {
    TrainedFlow model = TrainedFlow.load(run);
    Flow flow = model.flow();
    Blas blas = compute.blas();
    Map<String, Object> facts = new LinkedHashMap<>();
    facts.put("dimension", flow.dimension());
    facts.put("weights", flow.parameters().count());
    facts.put("precision", flow.precision() == Precision.FLOAT32 ? "f32" : "f64");
    facts.put("data", model.data().name());
    facts.put("columns", model.data().columns());
    facts.put("seed", model.seed());
    facts.put("log_z", flow.logZ(blas));
    Map<String, Double> conditions = new LinkedHashMap<>(); // of a layer's parts the largest
    ConditionNumbers layers = ConditionNumbers.of(flow, blas);
    layers
        .conditions()
        .forEach(
            condition ->
                conditions.merge(String.valueOf(condition.layer()), condition.number(), Math::max));
    facts.put("condition_numbers", conditions);
    facts.put("shapes", shapes(flow));
    if (Files.isDirectory(run) && Files.exists(new RunFolder(run).config())) {
      facts.put("config", Recipe.config(run));
    }
    PrintWriter out = spec.commandLine().getOut();
    if (json) {
      out.println(JSON.writeValueAsString(facts));
    } else {
      print("", facts, out);
    }
    layers.warnIfNearSingular();
    return 0;
  }

  private static Map<String, Object> shapes(Flow flow) {
    Map<String, Object> shapes = new LinkedHashMap<>();
    List<Parameter> blocks = new ArrayList<>(flow.parameters().blocks());
    for (int i = 0; i < blocks.size(); i++) {
      shapes.put(
          flow.parameters().names().get(i), List.of(blocks.get(i).rows(), blocks.get(i).columns()));
    }
    return shapes;
  }

  private static void print(String indent, Map<?, ?> facts, PrintWriter out) {
    facts.forEach(
        (key, value) -> {
          if (value instanceof Map<?, ?> map) {
            out.println(indent + OneLine.name(String.valueOf(key)));
            print(indent + "  ", map, out);
          } else {
            out.println(
                OneLine.name(String.format(Locale.ROOT, "%-28s %s", indent + key, text(value))));
          }
        });
  }

  private static String text(Object value) {
    return switch (value) {
      case Double number -> String.format(Locale.ROOT, "%.6g", number);
      case List<?> list -> JSON.writeValueAsString(abbreviated(list));
      case null, default -> String.valueOf(value);
    };
  }

  /** Long lists of numbers and names by their first few. */
  private static Object abbreviated(Object value) {
    if (value instanceof Map<?, ?> map) {
      Map<Object, Object> result = new LinkedHashMap<>();
      map.forEach((key, entry) -> result.put(key, abbreviated(entry)));
      return result;
    }
    if (value instanceof List<?> list) {
      List<Object> result = new ArrayList<>();
      list.stream()
          .limit(list.size() > MOST_SHOWN ? MOST_SHOWN / 2 : MOST_SHOWN)
          .forEach(entry -> result.add(abbreviated(entry)));
      if (list.size() > MOST_SHOWN) {
        result.add("… " + list.size() + " in all");
      }
      return result;
    }
    return value;
  }
}
