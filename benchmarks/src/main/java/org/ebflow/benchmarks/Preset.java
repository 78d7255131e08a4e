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
  /** A training step: a loss of the published MNIST FC recipes at some dimension. */
  record Case(String loss, int dimension) {}

  private static final int LARGER_THAN_CACHES = 32 << 20;

  /** The five losses at both dimensions of the published FC models. */
  static final Preset QUICK = new Preset("quick", published(), 2, 0.2, LARGER_THAN_CACHES);

  /** Longer, and ssm from 784 to 6144 dimensions. */
  static final Preset FULL = new Preset("full", scaled(), 10, 1, LARGER_THAN_CACHES);

  private static List<Case> published() {
    return List.of(
        new Case("ssm", 784),
        new Case("dsm", 784),
        new Case("fdssm", 784),
        new Case("ml", 784),
        new Case("sml", 784),
        new Case("ssm", 3072),
        new Case("dsm", 3072),
        new Case("fdssm", 3072),
        new Case("ml", 3072),
        new Case("sml", 3072));
  }

  private static List<Case> scaled() {
    List<Case> cases = new ArrayList<>(published());
    cases.add(new Case("ssm", 1536));
    cases.add(new Case("ssm", 6144));
    return List.copyOf(cases);
  }
}
