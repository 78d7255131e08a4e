package org.ebflow.flow.layer;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.ServiceLoader;
import java.util.TreeMap;

/**
 * The layers that can be made from their {@link Layer#description}: those of this library, those of
 * a {@link LayerProvider}, and those that were registered.
 *
 * <p>Threading: thread-safe.
 */
public final class LayerTypes {
  private static final String CUSTOM = "custom";
  private static final Map<String, Factory> FACTORIES = new TreeMap<>();

  /** Makes a layer from its description. */
  @FunctionalInterface
  public interface Factory {
    /**
     * The layer.
     *
     * @param input shape of the rows it will see
     * @throws IllegalArgumentException if the description is none of such a layer
     */
    Layer make(Description description, Shape input);
  }

  static {
    register(Dense.TYPE, Dense::of);
    register(ActNorm.TYPE, ActNorm::of);
    register(SmoothLeakyRelu.TYPE, SmoothLeakyRelu::of);
    register(FixedAffine.TYPE, FixedAffine::of);
    register(Logit.TYPE, Logit::of);
    register(MaskedAffineCoupling.TYPE, MaskedAffineCoupling::of);
    register(Sequence.TYPE, Sequence::of);
    register(ColumnRange.TYPE, ColumnRange::of);
    register(ColumnPermutation.TYPE, ColumnPermutation::of);
    ServiceLoader.load(LayerProvider.class)
        .forEach(provider -> provider.layers().forEach(LayerTypes::register));
  }

  private LayerTypes() {}

  /**
   * Makes a type of layer known.
   *
   * @throws IllegalArgumentException if it is known already
   */
  public static synchronized void register(String type, Factory factory) {
    if (type.equals(CUSTOM) || FACTORIES.putIfAbsent(type, factory) != null) {
      throw new IllegalArgumentException("LayerTypes.register: " + type + " is known already");
    }
  }

  /** The layer as data; one without a description is only named. */
  public static Map<String, Object> describe(Layer layer) {
    Map<String, Object> description = layer.description();
    if (description != null) {
      return description;
    }
    Map<String, Object> named = new LinkedHashMap<>();
    named.put("type", CUSTOM);
    named.put("name", layer.toString());
    return named;
  }

  /** The layers as data, in their order. */
  public static List<Map<String, Object>> describe(List<Layer> layers) {
    List<Map<String, Object>> result = new ArrayList<>();
    for (Layer layer : layers) {
      result.add(describe(layer));
    }
    return result;
  }

  /**
   * A layer from its description.
   *
   * @param input shape of the rows it will see
   * @throws IllegalArgumentException if the type is not known or the description is none of it
   */
  public static Layer make(Map<String, Object> description, Shape input) {
    Description checked = new Description(description);
    String type = checked.text("type");
    if (type.equals(CUSTOM)) {
      throw new IllegalArgumentException(
          "a layer of the user's own ("
              + description.get("name")
              + "): load it together with its flow, or give it a description");
    }
    Factory factory;
    synchronized (LayerTypes.class) {
      factory = FACTORIES.get(type);
      if (factory == null) {
        throw new IllegalArgumentException(
            "unknown layer type " + type + ", expected one of " + FACTORIES.keySet());
      }
    }
    return factory.make(checked, input);
  }
}
