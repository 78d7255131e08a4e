package org.ebflow.flow;

import java.util.Map;
import org.ebflow.flow.layer.ElementwiseLayer;
import org.ebflow.flow.layer.LayerProvider;
import org.ebflow.flow.layer.LayerTypes;
import org.ebflow.flow.layer.MapTypes;

/** A user's layers and maps as {@link java.util.ServiceLoader} finds them. */
public final class ProvidedLayers implements LayerProvider {
  static final String TYPE = "test_sinh";

  @Override
  public Map<String, LayerTypes.Factory> layers() {
    return Map.of(TYPE, (description, shape) -> new ElementwiseLayer(new LayersUnderTest.Sinh()));
  }

  @Override
  public Map<String, MapTypes.Factory> maps() {
    return Map.of(
        MapsUnderTest.ProductsOfPairs.TYPE,
        (description, shape) -> new MapsUnderTest.ProductsOfPairs(shape.size()));
  }
}
