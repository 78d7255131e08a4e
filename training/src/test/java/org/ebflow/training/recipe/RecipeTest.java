package org.ebflow.training.recipe;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.ebflow.flow.InvalidInputException;
import org.ebflow.flow.layer.Activation;
import org.ebflow.flow.layer.Shape;
import org.ebflow.flow.model.CouplingConfig;
import org.ebflow.flow.model.GlowConfig;
import org.ebflow.flow.model.PatchesConfig;
import org.ebflow.training.data.Dataset;
import org.ebflow.training.objective.DenoisingScoreMatching;
import org.ebflow.training.objective.LossScale;
import org.ebflow.training.optimizer.Adam;
import org.ebflow.training.optimizer.RmsProp;
import org.ebflow.training.scoring.TrainedFlow;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

final class RecipeTest {
  private static final Shape MNIST = new Shape(1, 28, 28);

  @ParameterizedTest
  @MethodSource("org.ebflow.training.recipe.Recipe#names")
  void everyRecipeParsesAndBearsItsName(String name) {
    Recipe recipe = Recipe.named(name);

    assertThat(recipe.name()).isEqualTo(name);
    if (!name.equals("quickstart")) {
      boolean splines = name.matches(".*-(margins|whitening)-fc-.*"); // fc with learned activations
      assertThat(recipe.model()).matches(model -> !splines || model.equals("spline"));
      String model = splines ? "fc" : recipe.model();
      String width = // of the networks within couplings
          switch (recipe.modelConfig()) {
            case GlowConfig glow when glow.width() != 512 -> String.valueOf(glow.width());
            case PatchesConfig patches when patches.couplings() > 0 ->
                String.valueOf(patches.width());
            default -> "";
          };
      assertThat(name).endsWith("-" + model + width + "-" + recipe.loss());
      assertThat(name)
          .matches((recipe.data().isEmpty() ? "(table|images)" : recipe.data()) + "-.*");
    }
  }

  @Test
  void weightNormalisationIsOffWhereARecipeDoesNotSay() {
    Recipe recipe = Recipe.named("sine-coupling-ssm");

    assertThat(recipe.modelConfig())
        .isEqualTo(new CouplingConfig(10, 64, 3, Activation.Kind.SWISH));
    assertThat(recipe.set("model.weight_normalisation", "true").modelConfig())
        .isEqualTo(new CouplingConfig(10, 64, 3, Activation.Kind.SWISH, true));
    assertThatThrownBy(() -> recipe.set("model.weight_normalisation", "1"))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageContaining("model.weight_normalisation: expected true or false, found 1");
  }

  @Test
  void couplingsAreThePublishedOnesWhereARecipeDoesNotSay(@TempDir Path folder) throws IOException {
    ObjectNode tree =
        (ObjectNode)
            new JsonMapper()
                .readTree(
                    new JsonMapper().writeValueAsString(Recipe.named("table-coupling-ml").toMap()));
    ((ObjectNode) tree.get("model")).remove("transform");
    Path file = folder.resolve("older.json");
    Files.writeString(file, tree.toString());

    Recipe older = Recipe.ofFile(file);
    assertThat(((CouplingConfig) older.modelConfig()).transform())
        .isEqualTo(CouplingConfig.Transform.PUBLISHED);
    assertThat(
            ((CouplingConfig) older.set("model.transform", "additive").modelConfig()).transform())
        .isEqualTo(CouplingConfig.Transform.ADDITIVE);
    assertThatThrownBy(() -> older.set("model.transform", "affine"))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageContaining(
            "model.transform: expected one of published, bounded, additive, found \"affine\"");
  }

  @Test
  void theLastLayerIsTrainedWhereARecipeDoesNotSay(@TempDir Path folder) throws IOException {
    JsonMapper json = new JsonMapper();
    ObjectNode tree =
        (ObjectNode) json.readTree(json.writeValueAsString(Recipe.named("table-fc-ssm").toMap()));
    ((ObjectNode) tree.get("training")).remove("last_layer");
    Path file = folder.resolve("older.json");
    Files.writeString(file, tree.toString());

    Recipe older = Recipe.ofFile(file);
    assertThat(section(older, "training")).containsEntry("last_layer", "trained");
    assertThat(section(older.set("training.last_layer", "closed_form"), "training"))
        .containsEntry("last_layer", "closed_form");
    assertThatThrownBy(() -> older.set("training.last_layer", "ml"))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageContaining(
            "training.last_layer: expected one of trained, closed_form, found \"ml\"");
  }

  @Test
  void aTableIsReadAsEverWhereARecipeDoesNotSayHow(@TempDir Path folder) throws IOException {
    Map<String, Object> old = Recipe.named("table-fc-ssm").toMap();
    Map<?, ?> data = (Map<?, ?>) old.get("data");
    assertThat(List.of("header", "encoding", "drop_constant", "dequantize", "augment"))
        .allSatisfy(key -> assertThat(data.remove(key)).isNotNull());
    Path file = folder.resolve("old.json");
    Files.writeString(file, new JsonMapper().writeValueAsString(old));

    Recipe recipe = Recipe.ofFile(file);
    assertThat(section(recipe, "data").get("header")).isEqualTo("auto");
    assertThat(section(recipe, "data").get("encoding")).isEqualTo("UTF-8");
    assertThat(section(recipe, "data").get("drop_constant")).isEqualTo(false);
    assertThat(section(recipe, "data").get("dequantize")).isEqualTo("auto");
    assertThat(section(recipe, "data").get("augment")).isEqualTo(false);
    Recipe changed = recipe.with(Map.of("data.header", "yes", "data.encoding", "windows-1252"));
    assertThat(section(changed, "data").get("header")).isEqualTo("yes");
    assertThatThrownBy(() -> recipe.set("data.header", "maybe"))
        .hasMessageContaining("data.header: expected one of auto, yes, no");
    assertThatThrownBy(() -> recipe.set("data.encoding", "klingon"))
        .hasMessageContaining("data.encoding is klingon, expected UTF-8");
  }

  @Test
  void aRunGoesAsEverWhereARecipeDoesNotSayHow(@TempDir Path folder) throws IOException {
    Recipe recipe = Recipe.named("table-fc-dsm");
    Map<String, Object> old = recipe.toMap();
    Map.of(
            "data", List.of("split", "validation", "test", "start_noise", "anneal_steps"),
            "objective", List.of("start_sigma", "anneal_steps"),
            "optimizer", List.of("rates"),
            "training",
                List.of("min_steps", "evaluate_steps", "patience", "schedule", "warmup_steps"))
        .forEach(
            (section, keys) ->
                assertThat(keys)
                    .allSatisfy(
                        key -> assertThat(((Map<?, ?>) old.get(section)).remove(key)).isNotNull()));
    Path file = folder.resolve("old.json");
    Files.writeString(file, new JsonMapper().writeValueAsString(old));

    assertThat(Recipe.ofFile(file).toMap()).isEqualTo(recipe.toMap());
  }

  @Test
  void ratesAreSetOneByOneOrAllAtOnce() {
    Recipe recipe = Recipe.named("table-fc-ssm").set("optimizer.rates.bias", "3");
    assertThat(recipe.optimizer()).isEqualTo(new RmsProp(1e-4).withRates(Map.of("bias", 3.0)));
    assertThat(recipe.set("optimizer.rates.weight", "0.5").optimizer().rates())
        .containsExactly(Map.entry("bias", 3.0), Map.entry("weight", .5));
    assertThat(recipe.set("optimizer.rates.0.weight", "0.5").optimizer().rates())
        .containsExactly(Map.entry("0.weight", .5), Map.entry("bias", 3.0));
    assertThat(recipe.set("optimizer.rates", "{\"weight\": 0}").optimizer().rates())
        .containsExactly(Map.entry("weight", 0.0));
    assertThat(
            Recipe.named("table-coupling-ssm")
                .with(Map.of("optimizer.name", "adamw", "optimizer.rates.bias", "2"))
                .optimizer())
        .isEqualTo(new Adam(1e-3, .9, .999, 1e-8, 0, true).withRates(Map.of("bias", 2.0)));
  }

  @Test
  void wholeNumbersAreSpreadWhereThePreprocessingNeedsItOrTheUserSaysSo() {
    Dataset table = Dataset.of(new double[][] {{1, .5}, {2, .1}, {3, .2}, {3, .7}});
    Recipe recipe = Recipe.named("table-fc-ssm");
    Recipe margins = recipe.set("data.preprocessing.type", "margins");
    assertThat(recipe.preprocessing().fit(table).wholeColumns()).isEmpty();
    assertThat(margins.preprocessing().fit(table).wholeColumns()).containsExactly(0);
    assertThat(recipe.set("data.dequantize", "yes").preprocessing().fit(table).wholeColumns())
        .containsExactly(0);
    assertThat(margins.set("data.dequantize", "no").preprocessing().fit(table).wholeColumns())
        .isEmpty();
  }

  @Test
  void anotherModelTakesItsOwnKeys() {
    Recipe coupling =
        Recipe.named("digits-fc-ssm")
            .with(
                Map.of(
                    "model.type", "coupling",
                    "model.blocks", "2",
                    "model.width", "8",
                    "model.hidden", "1",
                    "model.activation", "elu"));

    assertThat(coupling.modelConfig()).isEqualTo(new CouplingConfig(2, 8, 1, Activation.Kind.ELU));
    assertThat(
            section(
                coupling.with(
                    Map.of(
                        "model.type", "fc",
                        "model.layers", "2",
                        "model.alpha", "0.3",
                        "model.residual", "false")),
                "model"))
        .containsOnlyKeys("type", "layers", "alpha", "residual", "init");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "optimizer.lrr     | 1    | no key optimizer.lrr, the nearest is optimizer.lr",
        "epochs            | 1    | the nearest is training.epochs",
        "optimizer         | 1    | no key optimizer",
        "objective.sigma   | 1    | no key objective.sigma",
        "optimizer.lr      | fast | optimizer.lr: expected a number, found \"fast\"",
        "optimizer.lr      | -1   | optimizer.lr is -1.0, expected a number above 0",
        "training.epochs   | 1.5  | training.epochs: expected a whole number, found 1.5",
        "training.epochs   | 99999999999 | training.epochs",
        "training.map      | 1    | training.map: expected true or false, found 1",
        "training.gamma    | 2    | gamma is 2.0, expected 0 < gamma <= 1",
        "training.precision | f16 | training.precision: expected one of f32, f64, bf16, found \"f16\"",
        "training.patience | -1 | training.patience is -1, expected at least 0",
        "training.min_steps | -1 | training.min_steps is -1, expected at least 0",
        "training.evaluate_steps | -1 | training.evaluate_steps is -1, expected at least 0",
        "training.warmup_steps | -1 | training.warmup_steps is -1, expected at least 0",
        "training.schedule | sine | training.schedule: expected one of step, cosine, found \"sine\"",
        "optimizer.rates   | 3    | optimizer.rates: expected an object, found 3",
        "optimizer.rates.bias | -1 | optimizer.rates.bias is -1.0, expected a number, 0 or above",
        "optimizer.rates.bias | null | optimizer.rates.bias is NaN, expected a number",
        "optimizer.rate.bias | 1  | no key optimizer.rate.bias, the nearest is optimizer.rates",
        "data.augment      | 1    | data.augment: expected true or false, found 1",
        "data.split        | [.8] | data.split",
        "data.split        | [0.8, 0.2] | data.split is [0.8, 0.2], expected the shares of training, validation and test",
        "data.split        | [0.8, 0.2, 0.2] | data.split is 0.8, 0.2, 0.2, expected shares above 0",
        "data.split        | [0.8, 0.2, 0] | data.split is 0.8, 0.2, 0.0, expected shares above 0",
        "objective.loss    | smm  | no kind smm, expected one of dsm, fdssm, ml, rg, sml, snf, ssm, the nearest is",
        "model.layers      | 0    | layers is 0, expected 1 to 1000",
        "data.noise        | -1   | noise is -1.0",
        "data.start_noise  | 0    | data.start_noise is 0.0, expected a positive number",
        "data.anneal_steps | -1   | data.anneal_steps is -1, expected at least 0",
        "data.preprocessing.smoothness | 0 | smoothness is 0.0",
        "name              | x    | no key name"
      })
  void changesThatCanNotBeAreRefused(String key, String value, String message) {
    Recipe recipe = Recipe.named("mnist-fc-ssm");

    assertThatThrownBy(() -> recipe.set(key, value))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageContaining("mnist-fc-ssm")
        .hasMessageContaining(message);
  }

  @Test
  void anotherLossTakesItsOwnKeysAndDropsTheOthers() {
    Recipe recipe =
        Recipe.named("mnist-fc-ssm")
            .with(Map.of("objective.loss", "dsm", "objective.sigma", "0.5"));

    assertThat(recipe.objective(784, MNIST))
        .isEqualTo(new DenoisingScoreMatching(.5, 0, LossScale.PER_DIMENSION));
    assertThat(section(recipe, "objective")).doesNotContainKey("slices");
  }

  /** The first step's noise is that of the start. */
  @Test
  void theNoiseOnRowsIsAnnealedOnRequest(@TempDir Path folder) {
    Map<String, String> wide = Map.of("data.noise", "0.5");
    Map<String, String> narrow = Map.of("data.noise", "0.05");
    Map<String, String> annealed =
        Map.of("data.noise", "0.05", "data.start_noise", "0.5", "data.anneal_steps", "2");
    double[] expected = densitiesAfterAStep(wide, folder.resolve("wide"));
    assertThat(densitiesAfterAStep(annealed, folder.resolve("annealed"))).isEqualTo(expected);
    assertThat(densitiesAfterAStep(narrow, folder.resolve("narrow"))).isNotEqualTo(expected);
  }

  private static double[] densitiesAfterAStep(Map<String, String> changes, Path run) {
    double[][] rows = new double[40][2];
    for (int r = 0; r < rows.length; r++) {
      rows[r] = new double[] {Math.sin(r), Math.cos(3 * r)};
    }
    Dataset data = Dataset.of(rows);
    Recipe.named("table-fc-ml")
        .with(changes)
        .set("training.steps", "1")
        .trainer(data)
        .threads(1)
        .fit(data.split(.8, .1, .1), run);
    return TrainedFlow.load(run).logProb(rows);
  }

  @Test
  void theNoiseOfDsmIsAnnealedOnRequest() {
    Recipe recipe = Recipe.named("checkerboard-coupling-dsm");
    Map<String, String> changes =
        Map.of("objective.start_sigma", "2", "objective.anneal_steps", "500");

    assertThat(recipe.with(changes).objective(2, null))
        .isEqualTo(new DenoisingScoreMatching(.375, 2, 500, 0, LossScale.PER_SAMPLE));
    assertThat(recipe.set("objective.start_sigma", "2").objective(2, null))
        .isEqualTo(recipe.objective(2, null));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "objective.sigma        | 0    | objective.sigma is 0.0, expected a positive number",
        "objective.start_sigma  | 0    | objective.start_sigma is 0.0, expected a positive number",
        "objective.start_sigma  | -1   | objective.start_sigma is -1.0, expected a positive number",
        "objective.anneal_steps | -1   | objective.anneal_steps is -1, expected at least 0",
        "objective.anneal_steps | 1.5  | objective.anneal_steps: expected a whole number, found 1.5"
      })
  void impossibleNoiseOfDsmIsRefused(String key, String value, String message) {
    Recipe recipe = Recipe.named("mnist-fc-dsm");

    assertThatThrownBy(() -> recipe.set(key, value))
        .isInstanceOf(InvalidInputException.class)
        .hasMessage("mnist-fc-dsm: " + message);
  }

  @Test
  void aKeyGivenForTheWrongLossIsNotDropped() {
    Recipe recipe = Recipe.named("mnist-fc-ssm");

    assertThatThrownBy(() -> recipe.with(Map.of("objective.loss", "ml", "objective.slices", "2")))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageContaining("no key objective.slices");
  }

  @Test
  void aRecipeSurvivesItsFile(@TempDir Path folder) throws IOException {
    Recipe recipe = Recipe.named("sine-coupling-dsm").set("training.seed", "9");
    Path file = folder.resolve("own.json");
    Files.writeString(file, new JsonMapper().writeValueAsString(recipe.toMap()));

    assertThat(Recipe.namedOrFile(file.toString()).toMap()).isEqualTo(recipe.toMap());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "{ | expected JSON",
        "[] | expected a JSON object",
        "{\"name\": \"x\"} | expected a value, found none",
        "{\"format\": \"ebflow-run-1\"} | expected the recipe of a run"
      })
  void filesThatAreNoRecipesAreRefused(String text, String message, @TempDir Path folder)
      throws IOException {
    Path file = folder.resolve("own.json");
    Files.writeString(file, text);

    assertThatThrownBy(() -> Recipe.ofFile(file))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageContaining(file.toString())
        .hasMessageContaining(message)
        .message()
        .doesNotContain("\n");
  }

  @Test
  void unknownNamesGetTheNearest() {
    assertThatThrownBy(() -> Recipe.named("mnist-fc-sssm"))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageContaining("the nearest is mnist-fc-ssm ");
    assertThatThrownBy(() -> Recipe.named("mnist-ccn-ssm"))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageContaining("the nearest is mnist-cnn-ssm ");
  }

  @SuppressWarnings("unchecked")
  static Map<String, Object> section(Recipe recipe, String name) {
    return (Map<String, Object>) recipe.toMap().get(name);
  }
}
