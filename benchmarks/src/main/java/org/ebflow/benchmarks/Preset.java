package org.ebflow.benchmarks;

import java.util.ArrayList;
import java.util.List;

/**
 * How much is measured, and for how long.
 *
 * @param name quick or full
 * @param cases training steps
 * @param seconds time given to each training step and to its parts, besides a warm-up of the same
 *     length
 * @param partSeconds time given to each product shape and each pass over memory
 * @param bandwidthElements float32 numbers in each array of the bandwidth measurement
 */
record Preset(
    String name, List<Case> cases, double seconds, double partSeconds, int bandwidthElements) {
  /** A training step: of a model by a loss. */
  record Case(String loss, TimedModel model) {
    /** Whether its products are known, to be timed alone. */
    boolean takenApart() {
      return model.isFullyConnected() && StepProducts.LOSSES.contains(loss);
    }
  }

  private static final int LARGER_THAN_CACHES = 32 << 20;

  /** All losses of the published FC models; ssm, dsm and ml of the CNNs. */
  static final Preset QUICK = new Preset("quick", published(), 2, 0.2, LARGER_THAN_CACHES);

  /** Longer, and ssm from 784 to 6144 dimensions. */
  static final Preset FULL = new Preset("full", scaled(), 10, 1, LARGER_THAN_CACHES);

  private static List<Case> published() {
    List<Case> cases = new ArrayList<>();
    for (String model : List.of("fc-784", "fc-3072")) {
      add(cases, model, "ssm", "dsm", "fdssm", "ml", "sml", "rg", "snf");
    }
    for (String model : List.of("mnist-cnn", "cifar10-cnn")) {
      add(cases, model, "ssm", "dsm", "ml");
    }
    return cases;
  }

  private static List<Case> scaled() {
    List<Case> cases = published();
    add(cases, "fc-1536", "ssm");
    add(cases, "fc-6144", "ssm");
    return cases;
  }

  private static void add(List<Case> cases, String model, String... losses) {
    for (String loss : losses) {
      cases.add(new Case(loss, TimedModel.named(model)));
    }
  }
}
