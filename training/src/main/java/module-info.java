import org.jspecify.annotations.NullMarked;

/**
 * Training of flows: objectives, optimizers, data, the trainer with its run folder, trained flows
 * and their checks.
 */
@NullMarked
module org.ebflow.training {
  requires static transitive org.jspecify;
  requires transitive org.ebflow.flow;
  requires com.fasterxml.jackson.annotation;
  requires java.desktop;
  requires java.net.http;
  requires org.apache.commons.compress;
  requires org.apache.commons.text;
  requires tools.jackson.databind;
  requires de.siegmar.fastcsv;
  requires dev.hardwood.core;
  requires parquet.format.structures;
  requires ch.randelshofer.fastdoubleparser;

  exports org.ebflow.training;
  exports org.ebflow.training.check;
  exports org.ebflow.training.data;
  exports org.ebflow.training.objective;
  exports org.ebflow.training.optimizer;
  exports org.ebflow.training.preprocessing;
  exports org.ebflow.training.recipe;
  exports org.ebflow.training.scoring;

  opens org.ebflow.training to
      tools.jackson.databind;
  opens org.ebflow.training.objective to
      tools.jackson.databind;
  opens org.ebflow.training.recipe to
      tools.jackson.databind;
  opens org.ebflow.training.scoring to
      tools.jackson.databind;
}
