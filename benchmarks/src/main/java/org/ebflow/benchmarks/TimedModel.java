package org.ebflow.benchmarks;

import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.ebflow.flow.layer.Shape;
import org.ebflow.training.recipe.Recipe;

/**
 * A model whose training step is timed: that of published recipes, which differ by their loss.
 *
 * @param name fc-D with D dimensions, or that of the recipes
 * @param recipes name of its recipes without the loss
 * @param input shape of a row
 * @param batch rows of a step
 */
public record TimedModel(String name, String recipes, Shape input, int batch) {
  /** All but fully connected ones of other dimensions. */
  public static final List<String> NAMES =
      List.of("fc-784", "fc-3072", "mnist-cnn", "cifar10-cnn", "mnist-glow64", "mnist-glow");

  private static final Pattern DENSE = Pattern.compile("fc-([1-9]\\d{0,5})");
  private static final int BATCH = 100;
  private static final int GLOW_BATCH = 10;
  private static final Shape MNIST = new Shape(1, 28, 28);
  private static final Shape CIFAR10 = new Shape(3, 32, 32);

  /**
   * The model of that name.
   *
   * @throws IllegalArgumentException if there is none
   */
  public static TimedModel named(String name) {
    Matcher dense = DENSE.matcher(name);
    if (dense.matches()) {
      return fullyConnected(Integer.parseInt(dense.group(1)));
    }
    return switch (name) {
      case "mnist-cnn" -> new TimedModel(name, name, MNIST, BATCH);
      case "cifar10-cnn" -> new TimedModel(name, name, CIFAR10, BATCH);
      case "mnist-glow", "mnist-glow64" -> new TimedModel(name, name, MNIST, GLOW_BATCH);
      default ->
          throw new IllegalArgumentException(
              "no model "
                  + name
                  + ", expected fc-D with a number D, mnist-cnn, cifar10-cnn, mnist-glow or mnist-glow64");
    };
  }

  /** The two-layer model of MNIST on rows of any dimension. */
  static TimedModel fullyConnected(int dimension) {
    return new TimedModel("fc-" + dimension, "mnist-fc", Shape.plain(dimension), BATCH);
  }

  /** Whether it consists of two dense layers. */
  public boolean isFullyConnected() {
    return recipes.equals("mnist-fc");
  }

  /** Whether its networks have activations whose slope jumps. */
  public boolean hasKinks() {
    return recipes.startsWith("mnist-glow");
  }

  /** Numbers per row. */
  public int dimension() {
    return input.size();
  }

  /** Its recipe with that loss. */
  public Recipe recipe(String loss) {
    return Recipe.named(recipes + "-" + loss);
  }

  /** Largest norm of its gradient with that loss, 0 for no limit. */
  public double clip(String loss) {
    return number(recipe(loss).toMap(), "training", "clip");
  }

  /** Smoothness of the logit of its pixels. */
  public double smoothness() {
    return number(recipe("ssm").toMap(), "data", "preprocessing", "smoothness");
  }

  private static double number(Map<String, Object> tree, String... keys) {
    Object value = tree;
    for (String key : keys) {
      value = Objects.requireNonNull(((Map<?, ?>) value).get(key), key);
    }
    return ((Number) value).doubleValue();
  }
}
