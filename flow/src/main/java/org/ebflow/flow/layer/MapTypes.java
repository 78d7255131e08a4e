package org.ebflow.flow.layer;

import java.util.List;
import java.util.Map;
import java.util.ServiceLoader;
import java.util.Set;

/**
 * The differentiable maps that can be made from their {@link DifferentiableMap#description}: those
 * of this library, those of a {@link LayerProvider}, and those that were registered.
 *
 * <p>Threading: thread-safe.
 */
public final class MapTypes {
  private static final TypeRegistry<Factory> TYPES = new TypeRegistry<>("map");

  /** Makes a map from its description. */
  @FunctionalInterface
  public interface Factory {
    /**
     * The map.
     *
     * @param input shape of the rows it will see
     * @throws IllegalArgumentException if the description is none of such a map
     */
    DifferentiableMap make(Description description, Shape input);
  }

  static {
    register(Affine.TYPE, Affine::of);
    register(NormalisedAffine.TYPE, NormalisedAffine::of);
    register(Activation.TYPE, Activation::of);
    register(ConvolutionMap.TYPE, ConvolutionMap::of);
    register(ChannelScale.TYPE, ChannelScale::of);
    register(Composition.TYPE, Composition::of);
    register(Mlp.TYPE, Mlp::of);
    ServiceLoader.load(LayerProvider.class)
        .forEach(provider -> provider.maps().forEach(MapTypes::register));
  }

  private MapTypes() {}

  /**
   * Makes a type of map known.
   *
   * @throws IllegalArgumentException if it is known already
   */
  public static void register(String type, Factory factory) {
    TYPES.register(type, factory);
  }

  /** Names of all types that are known. */
  public static Set<String> names() {
    return TYPES.names();
  }

  /** The maps as data, in their order; of one without a description, type "custom" and its name. */
  public static List<Map<String, Object>> describe(List<DifferentiableMap> maps) {
    return maps.stream().map(map -> TypeRegistry.describe(map.description(), map)).toList();
  }

  /**
   * A map from its description.
   *
   * @param input shape of the rows it will see
   * @throws IllegalArgumentException if the type is not known or the description is none of it
   */
  public static DifferentiableMap make(Map<String, Object> description, Shape input) {
    Description checked = new Description(description);
    return TYPES.factory(checked).make(checked, input);
  }
}
