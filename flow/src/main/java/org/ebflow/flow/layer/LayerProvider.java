package org.ebflow.flow.layer;

import java.util.Map;

/**
 * Layers of one's own that files may name: a service ({@link java.util.ServiceLoader}) that {@link
 * LayerTypes} finds by itself on the class path or module path.
 */
public interface LayerProvider {
  /** How to make each type of layer, by the type that its {@link Layer#description} names. */
  Map<String, LayerTypes.Factory> layers();
}
