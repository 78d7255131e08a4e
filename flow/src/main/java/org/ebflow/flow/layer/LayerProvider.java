package org.ebflow.flow.layer;

import java.util.Map;

/**
 * Layers of one's own that files may name: a service ({@link java.util.ServiceLoader}) that {@link
 * LayerTypes} and {@link MapTypes} find by themselves on the class path or module path.
 */
public interface LayerProvider {
  /** How to make each type of layer, by the type that its {@link Layer#description} names. */
  Map<String, LayerTypes.Factory> layers();

  /** The same for differentiable maps, the networks of couplings. */
  default Map<String, MapTypes.Factory> maps() {
    return Map.of();
  }
}
