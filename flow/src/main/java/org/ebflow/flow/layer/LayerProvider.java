package org.ebflow.flow.layer;

import java.util.Map;

/**
 * A user's own layers and maps that files may name. It is a service ({@link
 * java.util.ServiceLoader}): {@link LayerTypes} and {@link MapTypes} find it on the class path or
 * module path.
 */
public interface LayerProvider {
  /** How to make each type of layer, by the type that its {@link Layer#description} names. */
  Map<String, LayerTypes.Factory> layers();

  /** The same for differentiable maps, the networks of couplings. */
  default Map<String, MapTypes.Factory> maps() {
    return Map.of();
  }
}
