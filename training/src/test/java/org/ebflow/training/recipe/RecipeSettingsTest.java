package org.ebflow.training.recipe;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.ebflow.flow.InvalidInputException;
import org.ebflow.flow.layer.Activation;
import org.ebflow.flow.layer.MonotoneSpline;
import org.ebflow.flow.layer.Shape;
import org.ebflow.flow.model.ConvolutionalConfig;
import org.ebflow.flow.model.CouplingConfig;
import org.ebflow.flow.model.GlowConfig;
import org.ebflow.flow.model.Init;
import org.ebflow.flow.model.PatchesConfig;
import org.ebflow.linalg.Precision;
import org.ebflow.training.objective.DenoisingScoreMatching;
import org.ebflow.training.objective.FiniteDifferenceScoreMatching;
import org.ebflow.training.objective.LossScale;
import org.ebflow.training.objective.MaximumLikelihood;
import org.ebflow.training.objective.SampledMaximumLikelihood;
import org.ebflow.training.objective.SlicedScoreMatching;
import org.ebflow.training.optimizer.Adam;
import org.ebflow.training.optimizer.RmsProp;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What the named recipes set: the published values, and those of our own. */
final class RecipeSettingsTest {
  private static final Map<String, Double> UNTRAINED_ACT_NORMS =
      Map.of("translation", 0.0, "log_scale", 0.0, "network.5.log_scale", 1.0);

  private static final Shape MNIST = new Shape(1, 28, 28);
  private static final Shape CIFAR10 = new Shape(3, 32, 32);

  @Test
  void mnistFcHasThePublishedNumberOfWeights() {
    assertThat(Recipe.named("mnist-fc-ssm").flow(784, Precision.FLOAT32).parameters().count())
        .isEqualTo(1_230_880);
  }

  @Test
  void cifar10FcHasThePublishedNumberOfWeights() {
    assertThat(Recipe.named("cifar10-fc-ssm").flow(CIFAR10, Precision.FLOAT32).parameters().count())
        .isEqualTo(18_880_512);
  }

  @ParameterizedTest
  @CsvSource({"mnist, 26796", "kmnist, 26796", "cifar10, 240912"})
  void cnnRecipesHaveThePublishedNumberOfWeights(String data, long expected) {
    Shape image = data.equals("cifar10") ? CIFAR10 : MNIST;

    assertThat(Recipe.named(data + "-cnn-ssm").flow(image, Precision.FLOAT32).parameters().count())
        .isEqualTo(expected);
  }

  @ParameterizedTest
  @CsvSource({
    "mnist-cnn-ssm, 0, .95, 50, 0",
    "mnist-cnn-dsm, 1e-5, .95, 50, 0",
    "mnist-cnn-ml, 1e-5, .925, 50, 0",
    "mnist-cnn-sml, 1e-5, .925, 50, 0",
    "mnist-cnn-fdssm, 0, .95, 50, 5",
    "kmnist-cnn-dsm, 1e-5, .95, 50, 0",
    "cifar10-cnn-ssm, 0, .9, 20, 0",
    "cifar10-cnn-dsm, 0, .8, 20, 0",
    "cifar10-cnn-ml, 0, .8, 20, 0",
    "cifar10-cnn-sml, 0, .8, 20, 0",
    "cifar10-cnn-fdssm, 0, .85, 50, 0"
  })
  void cnnRecipesHaveThePublishedSettings(
      String name, double weightDecay, double gamma, int gammaEpochs, double clip) {
    Recipe recipe = Recipe.named(name);
    boolean colour = name.startsWith("cifar10");
    LossScale scale = LossScale.PER_DIMENSION;

    boolean normalised = colour && !List.of("sml", "fdssm").contains(recipe.loss());
    assertThat(recipe.modelConfig())
        .isEqualTo(new ConvolutionalConfig(3, 2, 7, .3, true, normalised, Init.PUBLISHED));
    assertThat(recipe.optimizer()).isEqualTo(new RmsProp(1e-4, .99, 1e-8, weightDecay));
    assertThat(RecipeTest.section(recipe, "training"))
        .containsEntry("batch_size", 100)
        .containsEntry("gamma", gamma)
        .containsEntry("gamma_epochs", gammaEpochs)
        .containsEntry("average_decay", .999)
        .containsEntry("map", true);
    assertThat(((Number) RecipeTest.section(recipe, "training").get("clip")).doubleValue())
        .isEqualTo(clip);
    assertThat(RecipeTest.section(recipe, "data"))
        .containsEntry("preprocessing", Map.of("type", "logit", "smoothness", .75))
        .containsEntry("augment", colour);
    double lambda = colour ? .001 : 0;
    Shape image = colour ? CIFAR10 : MNIST;
    assertThat(recipe.objective(image.size(), image))
        .isEqualTo(
            switch (recipe.loss()) {
              case "ssm" -> new SlicedScoreMatching(1, false, lambda / image.channels(), scale);
              case "dsm" -> new DenoisingScoreMatching(.1, lambda / image.channels(), scale);
              case "fdssm" -> new FiniteDifferenceScoreMatching(.1, lambda, scale);
              case "sml" -> new SampledMaximumLikelihood(scale);
              default -> new MaximumLikelihood();
            });
  }

  @ParameterizedTest
  @CsvSource({
    "cifar10-fc-ssm, .85, 30",
    "cifar10-fc-dsm, .85, 30",
    "cifar10-fc-fdssm, .7, 20",
    "cifar10-fc-ml, .7, 20",
    "cifar10-fc-sml, .7, 20"
  })
  void cifar10RecipesHaveThePublishedSettings(String name, double gamma, int gammaEpochs) {
    Recipe recipe = Recipe.named(name);
    LossScale scale = LossScale.PER_DIMENSION;

    assertThat(recipe.optimizer()).isEqualTo(new RmsProp(1e-4, .99, 1e-8, 0));
    assertThat(RecipeTest.section(recipe, "training"))
        .containsEntry("batch_size", 100)
        .containsEntry("gamma", gamma)
        .containsEntry("gamma_epochs", gammaEpochs)
        .containsEntry("clip", 0)
        .containsEntry("average_decay", .999)
        .containsEntry("map", true);
    assertThat(RecipeTest.section(recipe, "model"))
        .containsEntry("layers", 2)
        .containsEntry("alpha", .3)
        .containsEntry("residual", true);
    assertThat(RecipeTest.section(recipe, "data"))
        .containsEntry("preprocessing", Map.of("type", "logit", "smoothness", .5))
        .containsEntry("augment", true);
    double lambda = .001 / 3; // divided by the channels, but not in fdssm
    assertThat(recipe.objective(3072, CIFAR10))
        .isEqualTo(
            switch (recipe.loss()) {
              case "ssm" -> new SlicedScoreMatching(1, false, lambda, scale);
              case "dsm" -> new DenoisingScoreMatching(.1, lambda, scale);
              case "fdssm" -> new FiniteDifferenceScoreMatching(.1, .001, scale);
              case "sml" -> new SampledMaximumLikelihood(scale);
              default -> new MaximumLikelihood();
            });
  }

  @ParameterizedTest
  @CsvSource({
    "mnist-fc-ml, 0",
    "mnist-fc-sml, 0",
    "mnist-fc-ssm, 0",
    "mnist-fc-dsm, 0",
    "mnist-fc-fdssm, 5",
    "kmnist-fc-fdssm, 5"
  })
  void imageRecipesHaveThePublishedSettings(String name, double clip) {
    Recipe recipe = Recipe.named(name);

    assertThat(recipe.optimizer()).isEqualTo(new RmsProp(1e-4, .99, 1e-8, 0));
    assertThat(RecipeTest.section(recipe, "training"))
        .containsEntry("batch_size", 100)
        .containsEntry("gamma", .95)
        .containsEntry("gamma_epochs", 50)
        .containsEntry("average_decay", .999)
        .containsEntry("map", true);
    assertThat(((Number) RecipeTest.section(recipe, "training").get("clip")).doubleValue())
        .isEqualTo(clip);
    assertThat(RecipeTest.section(recipe, "model"))
        .containsEntry("layers", 2)
        .containsEntry("alpha", .3)
        .containsEntry("residual", false);
    assertThat(RecipeTest.section(recipe, "data").get("preprocessing"))
        .isEqualTo(Map.of("type", "logit", "smoothness", .5));
  }

  @ParameterizedTest
  @CsvSource({
    "mnist, 3e-3",
    "kmnist, 3e-3",
    "fashion-mnist, 3e-3",
    "digits, 1e-3",
    "cifar10, 3e-4"
  })
  void imageSetsHaveARecipeOfPatchesByMaximumLikelihood(String data, double rate) {
    Recipe recipe = Recipe.named(data + "-patches-ml");

    assertThat(recipe.modelConfig())
        .isEqualTo(new PatchesConfig(4, 7, 15, 3.5, MonotoneSpline.Tails.FROZEN));
    assertThat(recipe.optimizer()).isEqualTo(new Adam(rate, .9, .999, 1e-8, 0, false));
    assertThat(recipe.objective(784, MNIST)).isEqualTo(new MaximumLikelihood());
    assertThat(recipe.flow(MNIST, Precision.FLOAT32).constantParts()).hasSize(2 + 4 * 3);
    assertThatThrownBy(() -> recipe.flow(43, Precision.FLOAT32))
        .isInstanceOf(InvalidInputException.class)
        .hasMessage(
            data
                + "-patches-ml: model patches needs images, expected height and width, found rows of 43 columns");
  }

  /** RECIPES.md. */
  @ParameterizedTest
  @ValueSource(strings = {"mnist-glow", "kmnist-glow", "fashion-mnist-glow"})
  void glowHasThePublishedSettings(String dataAndModel) {
    Recipe dsm = Recipe.named(dataAndModel + "-dsm");
    LossScale scale = LossScale.PER_DIMENSION;

    assertThat(dsm.modelConfig())
        .isEqualTo(new GlowConfig(2, 16, 512, Activation.Kind.LEAKY_RELU, false, Init.PUBLISHED));
    assertThat(dsm.optimizer())
        .as("ActNorms are not trained")
        .isEqualTo(new Adam(1e-5, .9, .999, 1e-8, 0, false).withRates(UNTRAINED_ACT_NORMS));
    assertThat(dsm.objective(784, MNIST)).isEqualTo(new DenoisingScoreMatching(.1, .1, scale));
    assertThat(Recipe.named(dataAndModel + "-ssm").objective(784, MNIST))
        .isEqualTo(new SlicedScoreMatching(1, false, .1, scale));
    assertThat(RecipeTest.section(dsm, "data").get("preprocessing"))
        .isEqualTo(Map.of("type", "logit", "smoothness", 1));
    assertThat(RecipeTest.section(dsm, "training"))
        .containsEntry("epochs", 80)
        .containsEntry("batch_size", 100)
        .containsEntry("clip", 500)
        .containsEntry("gamma", 1)
        .containsEntry("map", true);
    assertThat(dsm.flow(MNIST, Precision.FLOAT32).constantParts()).hasSize(2 + 1 + 32 * 2);
  }

  @Test
  void patches64IsPatchesWithTwoCouplingsOfWidth64() {
    Recipe recipe = Recipe.named("mnist-margins-patches64-ml");

    assertThat(recipe.modelConfig())
        .isEqualTo(
            new PatchesConfig(
                4,
                7,
                2,
                64,
                Activation.Kind.LEAKY_RELU,
                15,
                3.5,
                MonotoneSpline.Tails.FROZEN,
                Init.WHITENING));
    assertThat(recipe.set("model.couplings", "0").modelConfig())
        .isEqualTo(Recipe.named("mnist-margins-patches-ml").modelConfig());
  }

  /** Decision 0051: of what λ·E leaves out nothing is trained. */
  @Test
  void glowOfWidth64ByScoreMatchingTrainsItsCouplingsOnly() {
    Map<String, Double> rates = new HashMap<>(UNTRAINED_ACT_NORMS);
    rates.put("factors", 0.0);
    Recipe dsm = Recipe.named("mnist-glow64-dsm");

    assertThat(dsm.modelConfig())
        .isEqualTo(new GlowConfig(2, 16, 64, Activation.Kind.LEAKY_RELU, true, Init.PUBLISHED));
    assertThat(dsm.optimizer())
        .isEqualTo(new Adam(5e-4, .9, .999, 1e-8, 0, false).withRates(rates));
    assertThat(dsm.objective(784, MNIST))
        .isEqualTo(new DenoisingScoreMatching(.1, .1, LossScale.PER_DIMENSION));
    assertThat(RecipeTest.section(dsm, "training"))
        .containsEntry("batch_size", 20)
        .containsEntry("schedule", "cosine");
    Recipe ssm = Recipe.named("images-glow64-ssm");
    assertThat(ssm.optimizer().rates()).isEqualTo(rates);
    assertThat(ssm.modelConfig())
        .as("smooth, for its second derivatives")
        .isEqualTo(new GlowConfig(2, 16, 64, Activation.Kind.ELU, true, Init.PUBLISHED));
    assertThat(Recipe.named("mnist-glow64-ml").optimizer())
        .isEqualTo(new Adam(5e-4, .9, .999, 1e-8, 0, false));
  }

  @Test
  void imageObjectivesAreDividedByTheDimension() {
    LossScale scale = LossScale.PER_DIMENSION;

    assertThat(Recipe.named("mnist-fc-ml").objective(784, MNIST))
        .isEqualTo(new MaximumLikelihood());
    assertThat(Recipe.named("mnist-fc-sml").objective(784, MNIST))
        .isEqualTo(new SampledMaximumLikelihood(scale));
    assertThat(Recipe.named("mnist-fc-ssm").objective(784, MNIST))
        .isEqualTo(new SlicedScoreMatching(1, false, 0, scale));
    assertThat(Recipe.named("mnist-fc-dsm").objective(784, MNIST))
        .isEqualTo(new DenoisingScoreMatching(1, 0, scale));
    assertThat(Recipe.named("mnist-fc-fdssm").objective(784, MNIST))
        .isEqualTo(new FiniteDifferenceScoreMatching(1, 0, scale));
  }

  @ParameterizedTest
  @CsvSource({
    "sine-coupling-ssm, 1e-4, 1, SWISH, false",
    "sine-coupling-fdssm, 1e-4, 1, SWISH, false",
    "sine-coupling-dsm, 1e-4, 1, ELU, false",
    "sine-coupling-ml, 5e-4, 1, SWISH, false",
    "sine-coupling-sml, 5e-4, 0, SWISH, true",
    "swirl-coupling-ssm, 1e-4, 10, SWISH, false",
    "swirl-coupling-dsm, 1e-4, 10, ELU, false",
    "swirl-coupling-sml, 1e-4, 10, ELU, false",
    "swirl-coupling-fdssm, 1e-4, 2.5, ELU, false",
    "swirl-coupling-ml, 5e-3, 1, ELU, false",
    "checkerboard-coupling-ssm, 1e-4, 10, SWISH, true",
    "checkerboard-coupling-ml, 1e-4, 10, ELU, true",
    "checkerboard-coupling-sml, 1e-4, 10, ELU, true",
    "checkerboard-coupling-dsm, 1e-4, 10, ELU, true",
    "checkerboard-coupling-fdssm, 1e-4, 10, ELU, false"
  })
  void planeRecipesHaveThePublishedSettings(
      String name, double rate, double clip, Activation.Kind activation, boolean adamW) {
    Recipe recipe = Recipe.named(name);
    boolean checkerboard = name.startsWith("checkerboard");

    assertThat(recipe.optimizer()).isEqualTo(new Adam(rate, .9, .999, 1e-8, 0, adamW));
    boolean normalised = name.equals("checkerboard-coupling-fdssm");
    assertThat(recipe.modelConfig())
        .isEqualTo(new CouplingConfig(10, 64, 3, activation, normalised));
    assertThat(recipe.precision()).isEqualTo(Precision.FLOAT64);
    Map<String, Object> training = RecipeTest.section(recipe, "training");
    assertThat(training)
        .containsEntry("batch_size", checkerboard ? 10_000 : 2048)
        .containsEntry("steps", checkerboard ? 100_000 : 50_000)
        .containsEntry("epochs", 0);
    assertThat(((Number) training.get("clip")).doubleValue()).isEqualTo(clip);
    double noise = ((Number) RecipeTest.section(recipe, "data").get("noise")).doubleValue();
    if (recipe.loss().equals("dsm")) { // the noise is its target
      assertThat(recipe.objective(2, null))
          .isEqualTo(new DenoisingScoreMatching(.375, 0, LossScale.PER_SAMPLE));
      assertThat(noise).isZero();
    } else {
      assertThat(noise).isEqualTo(.375);
    }
    if (recipe.loss().equals("fdssm")) {
      assertThat(recipe.objective(2, null))
          .isEqualTo(new FiniteDifferenceScoreMatching(.1, 0, LossScale.PER_SAMPLE));
    }
  }

  @ParameterizedTest
  @CsvSource({
    "table-coupling-ml, BOUNDED",
    "table-coupling-ssm, BOUNDED",
    "table-coupling-fdssm, BOUNDED",
    "sine-coupling-ssm, PUBLISHED",
    "checkerboard-coupling-fdssm, PUBLISHED",
    "gaussians-coupling-ssm, PUBLISHED"
  })
  void onlyTablesOfOnesOwnHaveBoundedCouplings(String name, CouplingConfig.Transform transform) {
    assertThat(((CouplingConfig) Recipe.named(name).modelConfig()).transform())
        .isEqualTo(transform);
  }

  @Test
  void lambdaIsDividedByTheChannels() {
    Recipe recipe = Recipe.named("mnist-fc-ssm").set("objective.lambda", "0.6");

    assertThat(recipe.objective(12, new Shape(3, 2, 2)))
        .isEqualTo(new SlicedScoreMatching(1, false, .6 / 3, LossScale.PER_DIMENSION));
    assertThat(recipe.objective(12, null))
        .isEqualTo(new SlicedScoreMatching(1, false, .6 / 12, LossScale.PER_DIMENSION));
  }
}
