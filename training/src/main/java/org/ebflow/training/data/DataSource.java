package org.ebflow.training.data;

import java.nio.file.Path;
import java.util.List;

/** A data set known by name. */
sealed interface DataSource permits Cifar10Source, IdxSource, DigitsSource, GeneratedSource {
  /** What {@code ebflow data list} shows. */
  DataSetInfo info(DataFolder folder);

  /**
   * Reads (and if need be downloads) the set in its published splits, or splits it by the seed
   * where there are none.
   */
  Splits load(DataFolder folder, long seed);

  /** Makes the files present and names them; none for a generated set. */
  List<Path> fetch(DataFolder folder);
}
