package org.ebflow.training.data;

import java.net.URISyntaxException;
import java.nio.file.Path;
import java.util.Objects;

/** The Parquet files of the test resources; their README says which program wrote each. */
final class ParquetFixtures {
  private ParquetFixtures() {}

  static Path file(String name) {
    try {
      return Path.of(
          Objects.requireNonNull(ParquetFixtures.class.getResource("parquet/" + name)).toURI());
    } catch (URISyntaxException e) {
      throw new IllegalStateException(e);
    }
  }
}
