package org.ebflow.flow.layer;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * The factories of layers, or of maps, by the type that a description names.
 *
 * <p>Threading: thread-safe.
 *
 * @param <F> the factory of a layer or map
 */
final class TypeRegistry<F> {
  private final String kind;
  private final Map<String, F> factories = new TreeMap<>();

  /** For things of that kind, as errors name it: layer or map. */
  TypeRegistry(String kind) {
    this.kind = kind;
  }

  /**
   * Makes a type known.
   *
   * @throws IllegalArgumentException if it is known already
   */
  synchronized void register(String type, F factory) {
    if (type.equals(LayerTypes.CUSTOM) || factories.putIfAbsent(type, factory) != null) {
      throw new IllegalArgumentException(kind + " type " + type + " is known already");
    }
  }

  /** A copy of the names of all types. */
  synchronized Set<String> names() {
    return Set.copyOf(factories.keySet());
  }

  /** The description, or for a layer or map without one the type "custom" and its name. */
  static Map<String, Object> describe(@Nullable Map<String, Object> description, Object named) {
    if (description != null) {
      return description;
    }
    Map<String, Object> result = new LinkedHashMap<>();
    result.put("type", LayerTypes.CUSTOM);
    result.put("name", named.toString());
    return result;
  }

  /**
   * The factory for the type that the description names.
   *
   * @throws IllegalArgumentException if its type is not known
   */
  synchronized F factory(Description description) {
    String type = description.text("type");
    if (type.equals(LayerTypes.CUSTOM)) {
      throw new IllegalArgumentException(
          "a "
              + kind
              + " of the user's own ("
              + description.text("name")
              + "): load it together with its flow, or give it a description");
    }
    F found = factories.get(type);
    if (found == null) {
      throw new IllegalArgumentException(
          "unknown " + kind + " type " + type + ", expected one of " + factories.keySet());
    }
    return found;
  }
}
