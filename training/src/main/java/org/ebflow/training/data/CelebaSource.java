package org.ebflow.training.data;

import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.nio.file.Path;
import java.util.List;
import org.ebflow.flow.InvalidInputException;
import org.ebflow.flow.layer.Shape;
import org.jspecify.annotations.Nullable;

/**
 * CelebA's aligned and cropped faces: 202,599 JPEG pictures of 178×218, in the published parts,
 * which are ranges of the files' numbers. Its terms ask every user to get the files from its
 * authors, so they are read from the extracted folder and never downloaded. Of fewer pictures, the
 * parts are drawn by the seed, 80/10/10.
 *
 * @see <a href="https://mmlab.ie.cuhk.edu.hk/projects/CelebA.html">the description of the data
 *     set</a>
 */
record CelebaSource() implements DataSource {
  static final String NAME = "celeba";
  private static final Logger LOGGER = System.getLogger(CelebaSource.class.getName());
  private static final Shape SHAPE = new Shape(3, 218, 178);
  private static final int ALL = 202_599;
  private static final int TRAIN = 162_770;
  private static final int VALIDATION = 19_867;
  private static final String EXTRACTED = "img_align_celeba";

  @Override
  public DataSetInfo info(DataFolder folder) {
    return new DataSetInfo(
        NAME,
        SHAPE.size(),
        SHAPE,
        TRAIN,
        VALIDATION,
        ALL - TRAIN - VALIDATION,
        "CelebA by Z. Liu, P. Luo, X. Wang and X. Tang, for research only: cite Liu 2015",
        extracted(folder) != null);
  }

  private static @Nullable Path extracted(DataFolder folder) {
    return folder.find(NAME, EXTRACTED);
  }

  private static Path require(DataFolder folder) {
    Path found = extracted(folder);
    if (found == null) {
      throw new InvalidInputException(
          "celeba: expected the pictures in celeba/img_align_celeba of a folder named by --data-dir, found none; "
              + "get img_align_celeba.zip from https://mmlab.ie.cuhk.edu.hk/projects/CelebA.html and unpack it there");
    }
    return found;
  }

  @Override
  public Splits load(DataFolder folder, long seed) {
    return load(folder, PictureOptions.DEFAULT, seed);
  }

  @Override
  public Splits load(DataFolder folder, PictureOptions options, long seed) {
    Path pictures = require(folder);
    Dataset all =
        PictureFolder.of(pictures).read(options.withChannels(SHAPE.channels())).named(NAME);
    if (all.size() != ALL) {
      LOGGER.log(
          Level.WARNING,
          "{0} is not the published data: {1} pictures instead of {2}, split by the seed",
          pictures,
          all.size(),
          ALL);
      return all.split(.8, .1, .1, seed);
    }
    int validationEnd = TRAIN + VALIDATION;
    return new Splits(
        all.select(0, TRAIN), all.select(TRAIN, validationEnd), all.select(validationEnd, ALL));
  }

  @Override
  public List<Path> fetch(DataFolder folder) {
    return List.of(require(folder));
  }
}
