package org.ebflow.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.ebflow.flow.InvalidInputException;
import org.ebflow.training.data.DataSetInfo;
import org.ebflow.training.data.DataSources;
import org.ebflow.training.recipe.Recipe;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

final class RecipeChoiceTest {
  private final StringWriter said = new StringWriter();

  private Recipe choose(String data, String model, String loss) {
    return new RecipeChoice(data, data, model, loss).recipe(new PrintWriter(said, true));
  }

  @ParameterizedTest
  @CsvSource({
    "mnist, , , mnist-fc-ssm",
    "digits, , , digits-fc-ssm",
    "sine, , , sine-coupling-ssm",
    "gaussians, , , gaussians-coupling-ssm",
    "table, , , table-fc-ssm",
    "images, , , images-fc-ssm",
    "cifar10, patches, , cifar10-patches-ml",
    "table, spline, , table-spline-ml",
    "mnist, cnn, , mnist-cnn-ssm",
    "mnist, glow64, , mnist-glow64-ssm",
    "swirl, , ml, swirl-coupling-ml",
    "digits, , rg, digits-fc-rg",
    "fashion-mnist, glow, dsm, fashion-mnist-glow-dsm"
  })
  void theUsualChoiceIsMadeWithoutAWord(String data, String model, String loss, String recipe) {
    assertThat(choose(data, model, loss).name()).isEqualTo(recipe);
    assertThat(said.toString()).isEmpty();
  }

  @ParameterizedTest
  @CsvSource({
    "stl10, , stl10-fc-dsm, stl10-fc-ssm",
    "celeba, , celeba-fc-dsm, celeba-fc-ssm",
    "stl10, fc, stl10-fc-dsm, stl10-fc-ssm",
    "multimodal10, , multimodal10-fc-ml, multimodal10-fc-ssm",
    "multimodal10, linear, multimodal10-linear-ml, multimodal10-linear-ssm"
  })
  void anotherChoiceIsMadeWhereThatIsNoneAndSaid(
      String data, String model, String recipe, String usual) {
    assertThat(choose(data, model, null).name()).isEqualTo(recipe);
    assertThat(said.toString().strip())
        .isEqualTo("trained by recipe " + recipe + ": there is no " + usual);
  }

  // spotless:off
  @ParameterizedTest
  @CsvSource(delimiter = '|', value = {
        "mnist  | glow     | ml  | --data mnist --model glow --loss ml: expected --loss dsm, ssm (or recipe mnist-glow-dsm --set objective.loss=ml), found no such recipe",
        "mnist  | coupling |     | --data mnist --model coupling: expected --model cnn, fc, glow, glow64, patches, found no such recipe",
        "mnist  | coupling | ml  | --data mnist --model coupling --loss ml: expected --model cnn, fc, glow64, patches, found no such recipe",
        "stl10  | cnn      | ml  | --data stl10 --model cnn --loss ml: expected --model fc, found no such recipe",
        "stl10  |          | ml  | --data stl10 --loss ml: expected --loss dsm (or recipe stl10-fc-dsm --set objective.loss=ml), found no such recipe",
        "kmnist | cnn      | rg  | --data kmnist --model cnn --loss rg: expected --loss dsm, fdssm, ml, sml, ssm, found no such recipe"
      })
  // spotless:on
  void whatHasNoRecipeIsToldWhatThereIs(String data, String model, String loss, String message) {
    assertThatThrownBy(() -> choose(data, model, loss))
        .isInstanceOf(InvalidInputException.class)
        .hasMessage(message);
  }

  @Test
  void aTableIsNamedByItsPath() {
    RecipeChoice choice = new RecipeChoice("my.csv", "table", "spline", "snf");

    assertThatThrownBy(() -> choice.recipe(new PrintWriter(said)))
        .hasMessage(
            "--data my.csv --model spline --loss snf: expected --loss dsm, fdssm, ml, sml, ssm (or recipe table-spline-dsm --data my.csv --set objective.loss=snf), found no such recipe");
  }

  static Stream<String> data() {
    return Stream.concat(
        DataSources.in(null).list().stream().map(DataSetInfo::name), Stream.of("table", "images"));
  }

  /** What a line advises can be done. */
  @ParameterizedTest
  @MethodSource("data")
  void everyCombinationHasARecipeOrAnAdviceThatHolds(String data) {
    List<String> models = new ArrayList<>(RecipeOptions.MODELS);
    models.add(null);
    List<String> losses = new ArrayList<>(RecipeOptions.LOSSES);
    losses.add(null);
    for (String model : models) {
      for (String loss : losses) {
        try {
          Recipe recipe = choose(data, model, loss);
          assertThat(recipe.name()).startsWith(data + "-");
          assertThat(loss == null || recipe.loss().equals(loss)).isTrue();
        } catch (InvalidInputException e) {
          String message = e.getMessage();
          assertThat(message).contains(": expected --").endsWith(", found no such recipe");
          if (message.contains("(or recipe ")) {
            String name = message.replaceAll(".*[(]or recipe ([^ ]+) .*", "$1");
            assertThat(Recipe.named(name).set("objective.loss", loss).loss()).isEqualTo(loss);
          }
        }
      }
    }
  }
}
