package org.ebflow.training.recipe;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

final class BuiltInRecipesTest {
  private static final Path PACKAGE = Path.of("org", "ebflow", "training", "recipe");
  private static final Path PARTS = Path.of("src", "main", "resources").resolve(PACKAGE);
  private static final Path TABLE =
      Path.of("src", "test", "resources").resolve(PACKAGE).resolve("every-recipe.txt");

  @Test
  void everyRecipeHasTheValuesOfTheTable() throws IOException {
    List<String> table =
        Files.readAllLines(TABLE).stream()
            .filter(line -> !line.startsWith("#"))
            .skip(1) // names of the columns
            .map(line -> line.replaceAll(" +[|]", " |"))
            .toList();

    assertThat(Recipe.names().stream().map(BuiltInRecipesTest::row))
        .containsExactlyElementsOf(table);
  }

  private static String row(String name) {
    return Recipe.named(name).toMap().values().stream()
        .map(BuiltInRecipesTest::values)
        .collect(Collectors.joining(" | "));
  }

  /** The values of a section and of the objects in it, without their keys. */
  private static String values(Object value) {
    if (value instanceof Map<?, ?> section) {
      return section.isEmpty()
          ? "{}"
          : section.values().stream()
              .map(BuiltInRecipesTest::values)
              .collect(Collectors.joining(" "));
    }
    return value.equals("") ? "''" : value.toString();
  }

  @Test
  void namesAreInTheOrderOfTheAlphabet() {
    assertThat(Recipe.names()).isSorted().contains("quickstart", "table-fc-ssm");
  }

  /** A mistyped key would be left out like one of another kind. */
  @ParameterizedTest
  @MethodSource("parts")
  void everyValueOfAPartReachesARecipe(Path part) throws IOException {
    Set<String> reached = new HashSet<>();
    Recipe.names().forEach(name -> collect("", tree(Recipe.named(name).toMap()), reached));
    Set<String> given = new HashSet<>();
    JsonNode values = new JsonMapper().readTree(Files.readString(part));
    values
        .properties()
        .forEach(
            entry -> {
              switch (entry.getKey()) {
                case "name", "like" -> {}
                case "for" -> entry.getValue().forEach(some -> collect("", some, given));
                default -> collect("." + entry.getKey(), entry.getValue(), given);
              }
            });

    assertThat(given).isNotEmpty();
    given.removeAll(reached);
    assertThat(given).isEmpty();
  }

  static Stream<Path> parts() throws IOException {
    try (Stream<Path> files = Files.walk(PARTS)) {
      return files.filter(file -> file.toString().endsWith(".json")).sorted().toList().stream();
    }
  }

  private static JsonNode tree(Map<String, Object> recipe) {
    return new JsonMapper().valueToTree(recipe);
  }

  /** Adds KEY=VALUE of every leaf. */
  private static void collect(String key, JsonNode node, Set<String> leaves) {
    if (node.isObject()) {
      node.properties()
          .forEach(entry -> collect(key + "." + entry.getKey(), entry.getValue(), leaves));
    } else {
      leaves.add(key + "=" + node);
    }
  }
}
