package org.ebflow.training.data;

import java.nio.file.Path;
import java.util.List;

/**
 * Points drawn anew from a distribution: 50,000 to train, 10,000 to validate and 10,000 to test,
 * from three seeds derived from the one given.
 */
record GeneratedSource(Distribution distribution) implements DataSource {
  private static final int TRAIN = 50_000;
  private static final int VALIDATION = 10_000;
  private static final int TEST = 10_000;

  @Override
  public DataSetInfo info(DataFolder folder) {
    return new DataSetInfo(
        distribution.toString(),
        distribution.dimension(),
        null,
        TRAIN,
        VALIDATION,
        TEST,
        "generated, no licence needed",
        true);
  }

  @Override
  public Splits load(DataFolder folder, long seed) {
    return new Splits(
        distribution.sample(TRAIN, SplitMix64.mix(seed, 0)),
        distribution.sample(VALIDATION, SplitMix64.mix(seed, 1)),
        distribution.sample(TEST, SplitMix64.mix(seed, 2)));
  }

  @Override
  public List<Path> fetch(DataFolder folder) {
    return List.of();
  }
}
