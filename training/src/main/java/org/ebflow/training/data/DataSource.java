package org.ebflow.training.data;

import java.nio.file.Path;
import java.util.List;
import org.ebflow.flow.InvalidInputException;

/** A data set known by name. */
sealed interface DataSource
    permits Cifar10Source, IdxSource, DigitsSource, GeneratedSource, Stl10Source, CelebaSource {
  /** What {@code ebflow data list} shows. */
  DataSetInfo info(DataFolder folder);

  /**
   * Reads (and if need be downloads) the set in its published splits, or splits it by the seed
   * where there are none.
   */
  Splits load(DataFolder folder, long seed);

  /**
   * As {@link #load(DataFolder, long)}, with pictures resized.
   *
   * @throws InvalidInputException unless the set is one of large pictures, or they keep their size
   */
  default Splits load(DataFolder folder, PictureOptions options, long seed) {
    DataSetInfo set = info(folder);
    if (options.side() != 0) {
      throw new InvalidInputException(
          set.name()
              + ": expected data.image_side 0, as only stl10, celeba and folders of pictures are resized, found "
              + options.side());
    }
    return load(folder, seed);
  }

  /** Makes the files present and names them; none for a generated set. */
  List<Path> fetch(DataFolder folder);
}
