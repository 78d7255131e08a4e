package org.ebflow.training.recipe;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.Stream;
import org.ebflow.flow.layer.Shape;
import org.ebflow.training.Trainer;
import org.ebflow.training.data.Dataset;
import org.ebflow.training.data.Splits;
import org.ebflow.training.scoring.TrainedFlow;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

/** Every loss on every model, and every recipe with every other loss. */
final class LossAndModelTest {
  private static final List<String> LOSSES =
      List.of("ssm", "dsm", "fdssm", "ml", "sml", "rg", "snf");

  @TempDir Path folder;

  /** yes: trains; no: is refused before anything is written. */
  // spotless:off
  @ParameterizedTest
  @CsvSource(useHeadersInDisplayName = true, delimiter = '|', value = {
        "model                               | ssm | dsm | fdssm | ml  | sml | rg  | snf",
        "fc                                  | yes | yes | yes   | yes | yes | yes | yes",
        "cnn                                 | yes | yes | yes   | yes | yes | no  | no ",
        "cnn model.spectral_normalisation=true | yes | yes | yes | yes | yes | no  | no ",
        "glow                                | yes | yes | yes   | yes | yes | no  | no ",
        "glow model.lu_factored=true         | yes | yes | yes   | yes | yes | no  | no ",
        "coupling                            | yes | yes | yes   | yes | yes | yes | yes",
        "linear                              | yes | yes | yes   | yes | yes | yes | yes",
        "linear model.weights=lower          | yes | yes | yes   | yes | yes | no  | no ",
        "linear model.weights=upper          | yes | yes | yes   | yes | yes | no  | no ",
        "linear model.weights=lu             | yes | yes | yes   | yes | yes | no  | no ",
        "patches                             | yes | yes | yes   | yes | yes | yes | yes",
        "patches model.couplings=1           | yes | yes | yes   | yes | yes | yes | yes",
        "spline                              | yes | yes | yes   | yes | yes | yes | yes",
        "fc training.map=false               | yes | yes | yes   | yes | yes | yes | yes",
        "cnn training.map=false              | yes | yes | yes   | yes | yes | no  | no ",
        "fc training.last_layer=closed_form  | yes | yes | yes   | yes | yes | yes | yes",
        "fc model.layers=1 training.last_layer=closed_form | yes | yes | yes | yes | yes | no | no",
      })
  // spotless:on
  void everyLossTrainsOrIsRefusedBeforeAnythingIsWritten(
      String model,
      String ssm,
      String dsm,
      String fdssm,
      String ml,
      String sml,
      String rg,
      String snf) {
    List<String> expected = List.of(ssm, dsm, fdssm, ml, sml, rg, snf);
    for (int i = 0; i < expected.size(); i++) {
      Path run = folder.resolve("run-" + i);
      Trainer trainer = recipe(model, LOSSES.get(i)).trainer(data().train()).threads(1);

      if (expected.get(i).equals("yes")) {
        TrainedFlow trained = trainer.fit(data(), run);
        assertThat(trained.flow().parameters().nonFinite()).isEmpty();
      } else {
        assertThatThrownBy(() -> trainer.fit(data(), run))
            .isInstanceOf(IllegalArgumentException.class)
            .hasMessage(
                "loss "
                    + LOSSES.get(i)
                    + ": the model has no dense layer that is trained, expected one: all others follow ml");
        assertThat(run).doesNotExist();
      }
    }
  }

  private static Recipe recipe(String modelAndChanges, String loss) {
    String[] words = modelAndChanges.split(" ");
    Map<String, String> changes = new LinkedHashMap<>();
    changes.put("model.type", words[0]);
    changes.put("objective.loss", loss);
    changes.put("training.epochs", "0");
    changes.put("training.steps", "2");
    changes.put("training.batch_size", "8");
    if (List.of("patches", "spline").contains(words[0])) {
      changes.put("model.init", "identity");
    }
    Map<String, Map<String, String>> smaller =
        Map.of(
            "cnn", Map.of("model.blocks", "1", "model.side", "3"),
            "glow", Map.of("model.blocks", "1", "model.steps", "1", "model.width", "4"),
            "coupling", Map.of("model.blocks", "2", "model.width", "4"),
            "linear", Map.of("model.blocks", "1"),
            "patches", Map.of("model.repeats", "1"),
            "spline", Map.of("model.layers", "2"));
    changes.putAll(smaller.getOrDefault(words[0], Map.of()));
    for (int i = 1; i < words.length; i++) {
      String[] change = words[i].split("=");
      changes.put(change[0], change[1]);
    }
    return Recipe.named("images-fc-ssm").with(changes);
  }

  private static Splits data() {
    byte[] pixels = new byte[40 * 16];
    new Random(1).nextBytes(pixels);
    return Dataset.ofPixels("noise", pixels, 16, new Shape(1, 4, 4), 256).split(.8, .1, .1);
  }

  static Stream<String> recipes() {
    return Recipe.names().stream();
  }

  @ParameterizedTest
  @MethodSource("recipes")
  void everyRecipeTakesEveryOtherLossWithTheValuesOfItsOwnRecipe(String name) {
    Recipe recipe = Recipe.named(name);
    for (String loss : LOSSES) {
      Recipe changed = recipe.set("objective.loss", loss);
      assertThat(changed.loss()).isEqualTo(loss);
      String other = name.substring(0, name.lastIndexOf('-') + 1) + loss;
      if (Recipe.names().contains(other)) {
        assertThat(RecipeTest.section(changed, "objective"))
            .isEqualTo(RecipeTest.section(Recipe.named(other), "objective"));
      }
      assertThat(RecipeTest.section(changed, "model"))
          .isEqualTo(RecipeTest.section(recipe, "model"));
    }
  }

  @Test
  void aLossThatIsTakenHasTheDefaultsOfItsKind() {
    assertThat(
            RecipeTest.section(
                Recipe.named("digits-cnn-ml").set("objective.loss", "snf"), "objective"))
        .isEqualTo(Map.of("loss", "snf", "penalty", 1));
  }
}
