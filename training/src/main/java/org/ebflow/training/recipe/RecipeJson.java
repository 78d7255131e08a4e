package org.ebflow.training.recipe;

import com.fasterxml.jackson.annotation.JsonSubTypes;
import com.fasterxml.jackson.annotation.JsonTypeInfo;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.ebflow.flow.InvalidInputException;
import org.ebflow.flow.model.ConvolutionalConfig;
import org.ebflow.flow.model.CouplingConfig;
import org.ebflow.flow.model.FullyConnectedConfig;
import org.ebflow.flow.model.GlowConfig;
import org.ebflow.flow.model.LinearConfig;
import org.ebflow.flow.model.ModelConfig;
import org.ebflow.flow.model.PatchesConfig;
import org.ebflow.flow.model.SplineConfig;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.MapperFeature;
import tools.jackson.databind.PropertyNamingStrategies;
import tools.jackson.databind.exc.InvalidTypeIdException;
import tools.jackson.databind.exc.MismatchedInputException;
import tools.jackson.databind.exc.UnrecognizedPropertyException;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/**
 * Turns JSON into the records of a recipe, and what is wrong with it into one line: dotted key,
 * expected, found.
 */
final class RecipeJson {
  static final JsonMapper MAPPER =
      JsonMapper.builder()
          .propertyNamingStrategy(PropertyNamingStrategies.SNAKE_CASE)
          .enable(MapperFeature.ACCEPT_CASE_INSENSITIVE_ENUMS)
          .enable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES)
          .enable(DeserializationFeature.FAIL_ON_MISSING_CREATOR_PROPERTIES)
          .enable(DeserializationFeature.FAIL_ON_NULL_CREATOR_PROPERTIES)
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
          .disable(DeserializationFeature.ACCEPT_FLOAT_AS_INT)
          .disable(MapperFeature.ALLOW_COERCION_OF_SCALARS)
          .addMixIn(ModelConfig.class, ModelMixIn.class)
          .build();

  private static final Pattern MISSING = Pattern.compile("creator property '([^']+)'");
  private static final Pattern KNOWN_KINDS = Pattern.compile("known type ids = \\[([^]]*)]");

  @JsonTypeInfo(use = JsonTypeInfo.Id.NAME, property = "type")
  @JsonSubTypes({
    @JsonSubTypes.Type(value = FullyConnectedConfig.class, name = "fc"),
    @JsonSubTypes.Type(value = CouplingConfig.class, name = "coupling"),
    @JsonSubTypes.Type(value = LinearConfig.class, name = "linear"),
    @JsonSubTypes.Type(value = SplineConfig.class, name = "spline"),
    @JsonSubTypes.Type(value = PatchesConfig.class, name = "patches"),
    @JsonSubTypes.Type(value = ConvolutionalConfig.class, name = "cnn"),
    @JsonSubTypes.Type(value = GlowConfig.class, name = "glow")
  })
  private interface ModelMixIn {}

  private RecipeJson() {}

  /**
   * Reads a recipe.
   *
   * @param recipe modified: its optional keys that the record does not have are removed
   */
  static <T> T parse(RecipeTree recipe, Class<T> type) {
    String source = recipe.source();
    ObjectNode tree = recipe.root();
    while (true) {
      try {
        return MAPPER.treeToValue(tree, type);
      } catch (UnrecognizedPropertyException e) {
        String key = place(e);
        if (!recipe.optional().contains(key)) {
          throw new InvalidInputException(
              source + ": no key " + key + ", the nearest is " + nearestSibling(key, e), e);
        }
        parent(tree, key).remove(e.getPropertyName());
      } catch (JacksonException e) {
        throw new InvalidInputException(source + ": " + complaint(e, tree), e);
      }
    }
  }

  /** An object as plain data. */
  @SuppressWarnings("unchecked")
  static Map<String, Object> toMap(ObjectNode object) {
    return (Map<String, Object>) MAPPER.treeToValue(object, Map.class);
  }

  private static String nearestSibling(String key, UnrecognizedPropertyException e) {
    List<String> known = e.getKnownPropertyIds().stream().map(Object::toString).toList();
    return key.substring(0, key.lastIndexOf('.') + 1)
        + SpellingSuggestion.to(e.getPropertyName(), known);
  }

  private static ObjectNode parent(ObjectNode tree, String key) {
    ObjectNode parent = tree;
    String[] path = key.split("\\.", -1);
    for (int i = 0; i < path.length - 1; i++) {
      parent = (ObjectNode) Objects.requireNonNull(parent.get(path[i]));
    }
    return parent;
  }

  private static String complaint(JacksonException e, ObjectNode tree) {
    String place = place(e);
    String start = place.isEmpty() ? "" : place + ".";
    if (e.getCause() instanceof IllegalArgumentException reason) { // from the record itself
      return start + reason.getMessage();
    }
    if (e instanceof InvalidTypeIdException kind) {
      Matcher kinds = KNOWN_KINDS.matcher(kind.getOriginalMessage());
      String known = kinds.find() ? kinds.group(1) : "";
      return place
          + ": no kind "
          + kind.getTypeId()
          + ", expected one of "
          + known
          + ", the nearest is "
          + SpellingSuggestion.to(
              String.valueOf(kind.getTypeId()), Arrays.asList(known.split(", ")));
    }
    Matcher missing = MISSING.matcher(e.getOriginalMessage());
    if (missing.find()) {
      String key = place.endsWith(missing.group(1)) ? place : start + missing.group(1);
      return key + ": expected a value, found none";
    }
    if (e instanceof MismatchedInputException mismatch) {
      return place
          + ": expected "
          + expected(mismatch.getTargetType())
          + ", found "
          + found(tree, place);
    }
    return place + ": " + e.getOriginalMessage();
  }

  private static String expected(@Nullable Class<?> type) {
    if (type == null) {
      return "another value";
    }
    if (type.isEnum()) {
      return "one of "
          + Arrays.stream(type.getEnumConstants())
              .map(constant -> constant.toString().toLowerCase(Locale.ROOT))
              .collect(Collectors.joining(", "));
    }
    return switch (type.getSimpleName()) {
      case "double", "Double" -> "a number";
      case "int", "long", "Integer", "Long" -> "a whole number";
      case "boolean", "Boolean" -> "true or false";
      case "String" -> "a text";
      case "List", "ArrayList" -> "a list";
      default -> "an object";
    };
  }

  private static String found(ObjectNode tree, String place) {
    JsonNode node = tree;
    for (String key : place.split("\\.", -1)) {
      JsonNode next = node.get(key);
      if (next == null) {
        break;
      }
      node = next;
    }
    String text = node.toString();
    return text.length() > 60 ? text.substring(0, 60) + "…" : text;
  }

  private static String place(JacksonException e) {
    return e.getPath().stream()
        .map(JacksonException.Reference::getPropertyName)
        .filter(Objects::nonNull)
        .collect(Collectors.joining("."));
  }
}
