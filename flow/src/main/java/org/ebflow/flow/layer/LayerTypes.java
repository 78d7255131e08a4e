package org.ebflow.flow.layer;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.ServiceLoader;
import java.util.Set;

/**
 * The layers that can be made from their {@link Layer#description}: those of this library, those of
 * a {@link LayerProvider}, and those that were registered.
 *
 * <p>Threading: thread-safe.
 */
public final class LayerTypes {
  /** Type of a layer, or of a map in one, that has no description. */
  public static final String CUSTOM = "custom";

  private static final TypeRegistry<Factory> TYPES = new TypeRegistry<>("layer");

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
    register(Triangular.TYPE, Triangular::of);
    register(BlockDiagonal.TYPE, BlockDiagonal::of);
    register(Convolution.TYPE, Convolution::of);
    register(PointwiseConvolution.TYPE, PointwiseConvolution::of);
    register(LuPointwiseConvolution.TYPE, LuPointwiseConvolution::of);
    register(ActNorm.TYPE, ActNorm::of);
    register(SmoothLeakyRelu.TYPE, SmoothLeakyRelu::of);
    register(MonotoneSpline.TYPE, MonotoneSpline::of);
    register(FixedAffine.TYPE, FixedAffine::of);
    register(Logit.TYPE, Logit::of);
    register(MarginalGaussianization.TYPE, MarginalGaussianization::of);
    register(MaskedAffineCoupling.TYPE, MaskedAffineCoupling::of);
    register(Coupling.TYPE, Coupling::of);
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
  public static void register(String type, Factory factory) {
    TYPES.register(type, factory);
  }

  /** Names of all types that are known. */
  public static Set<String> names() {
    return TYPES.names();
  }

  /** The layer as data; of one without a description, type "custom" and its name. */
  public static Map<String, Object> describe(Layer layer) {
    return TypeRegistry.describe(layer.description(), layer);
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
    return TYPES.factory(checked).make(checked, input);
  }
}
