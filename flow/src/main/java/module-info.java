import org.jspecify.annotations.NullMarked;

/**
 * Normalizing flows read as energy-based models: layers, jets, models built from a configuration,
 * files of weights.
 */
@NullMarked
module org.ebflow.flow {
  requires static transitive org.jspecify;
  requires transitive org.ebflow.linalg;
  requires static jdk.management;
  requires java.management;
  requires tools.jackson.databind;

  exports org.ebflow.flow;
  exports org.ebflow.flow.io;
  exports org.ebflow.flow.layer;
  exports org.ebflow.flow.model;
  exports org.ebflow.flow.pass;

  uses org.ebflow.flow.layer.LayerProvider;
}
