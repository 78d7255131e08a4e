package org.ebflow.training.data;

import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.nio.file.Path;
import java.util.List;
import org.ebflow.flow.InvalidInputException;
import org.ebflow.flow.layer.Shape;
import org.jspecify.annotations.Nullable;

/**
 * MNIST or a set made like it: 60,000 training images 28×28, of which the last 10,000 validate, and
 * 10,000 test images.
 *
 * @param partial name of a file with the first training images only, accepted from a named folder
 *     where the full one is missing; or null
 */
record IdxSource(
    String name, String licence, DataFile trainFile, DataFile testFile, @Nullable String partial)
    implements DataSource {
  private static final Logger LOGGER = System.getLogger(IdxSource.class.getName());
  private static final Shape SHAPE = new Shape(1, 28, 28);
  private static final int IMAGES = 60_000;
  private static final int TRAIN = 50_000;
  private static final int TEST = 10_000;
  private static final String TRAIN_NAME = "train-images-idx3-ubyte.gz";
  private static final String TEST_NAME = "t10k-images-idx3-ubyte.gz";

  static IdxSource mnist() {
    String base = "https://storage.googleapis.com/cvdf-datasets/mnist/";
    return new IdxSource(
        "mnist",
        "MNIST by Y. LeCun and C. Cortes, reported CC BY-SA 3.0",
        DataFile.of(
            "mnist",
            TRAIN_NAME,
            base,
            9_912_422,
            "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609"),
        DataFile.of(
            "mnist",
            TEST_NAME,
            base,
            1_648_877,
            "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6"),
        null);
  }

  static IdxSource kmnist() {
    String base = "https://codh.rois.ac.jp/kmnist/dataset/kmnist/";
    return new IdxSource(
        "kmnist",
        "\"KMNIST Dataset\" (created by CODH), adapted from \"Kuzushiji Dataset\", doi:10.20676/00000341, CC BY-SA 4.0",
        DataFile.of(
            "kmnist",
            TRAIN_NAME,
            base,
            18_165_135,
            "51467d22d8cc72929e2a028a0428f2086b092bb31cfb79c69cc0a90ce135fde4"),
        DataFile.of(
            "kmnist",
            TEST_NAME,
            base,
            3_041_136,
            "edd7a857845ad6bb1d0ba43fe7e794d164fe2dce499a1694695a792adfac43c5"),
        "train-first7011-images-idx3-ubyte.gz");
  }

  static IdxSource fashionMnist() {
    String base =
        "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/";
    return new IdxSource(
        "fashion-mnist",
        "Fashion-MNIST by Zalando SE, MIT licence",
        DataFile.of(
            "fashion-mnist",
            TRAIN_NAME,
            base,
            26_421_880,
            "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84"),
        DataFile.of(
            "fashion-mnist",
            TEST_NAME,
            base,
            4_422_102,
            "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073"),
        null);
  }

  @Override
  public DataSetInfo info(DataFolder folder) {
    boolean present =
        folder.find(testFile) != null
            && (folder.find(trainFile) != null || partial(folder) != null);
    return new DataSetInfo(
        name, SHAPE.size(), SHAPE, TRAIN, IMAGES - TRAIN, TEST, licence, present);
  }

  private @Nullable Path partial(DataFolder folder) {
    return partial == null ? null : folder.find(trainFile.folder(), partial);
  }

  @Override
  public Splits load(DataFolder folder, long seed) {
    Path part = folder.find(trainFile) == null ? partial(folder) : null;
    Dataset training =
        part == null ? read(folder, trainFile) : checked(part, IdxFile.read(part).named(name));
    Dataset test = read(folder, testFile);
    int train = TRAIN;
    if (training.size() != IMAGES) {
      train = training.size() - training.size() / 6;
      LOGGER.log(
          Level.WARNING,
          "{0}: {1} of the {2} training images are there; the last sixth of them validates",
          name,
          training.size(),
          IMAGES);
    }
    return new Splits(training.select(0, train), training.select(train, training.size()), test);
  }

  private Dataset read(DataFolder folder, DataFile file) {
    Path path = folder.require(file);
    Dataset images = checked(path, IdxFile.read(path).named(name));
    if (path.endsWith(file.name()) && !images.sha256().equals(file.sha256())) {
      LOGGER.log(
          Level.WARNING,
          "{0} is not the published file: its SHA-256 is {1}",
          path,
          images.sha256());
    }
    return images;
  }

  private static Dataset checked(Path path, Dataset images) {
    if (!SHAPE.equals(images.imageShape())) {
      throw new InvalidInputException(
          path + ": expected images of 28x28, found " + images.imageShape());
    }
    if (images.size() < 6) {
      throw new InvalidInputException(
          path + ": expected at least 6 images, found " + images.size());
    }
    return images;
  }

  @Override
  public List<Path> fetch(DataFolder folder) {
    return List.of(folder.fetch(trainFile), folder.fetch(testFile));
  }
}
