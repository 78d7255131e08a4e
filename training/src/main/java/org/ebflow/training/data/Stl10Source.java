package org.ebflow.training.data;

import java.io.BufferedInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.zip.ZipException;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveInputStream;
import org.ebflow.flow.InvalidInputException;
import org.ebflow.flow.io.OneLine;
import org.ebflow.flow.layer.Shape;
import org.jspecify.annotations.Nullable;

/**
 * STL-10 in its binary form: 96×96 in three colours. The 5,000 training and then the 100,000
 * unlabelled images are trained on but for the last 10,000, which validate; 8,000 images test. Read
 * from the published archive, plain or compressed, or in a named folder from its extracted files;
 * decoded once into a {@link PictureCache}.
 *
 * <p>An image is 27,648 bytes: the planes of red, green and blue, each column by column.
 *
 * @see <a href="https://cs.stanford.edu/~acoates/stl10/">the description of the data set</a>
 */
record Stl10Source() implements DataSource {
  static final String NAME = "stl10";
  private static final Logger LOGGER = System.getLogger(Stl10Source.class.getName());
  private static final Shape SHAPE = new Shape(3, 96, 96);
  private static final int VALIDATION = 10_000;
  private static final int TRAINING = 105_000;
  private static final int TEST = 8_000;
  private static final int MOST_IMAGES = 100_000;
  private static final String EXTRACTED = "stl10_binary";
  private static final List<String> TRAINING_FILES = List.of("train_X.bin", "unlabeled_X.bin");
  private static final List<String> TEST_FILES = List.of("test_X.bin");
  private static final DataFile ARCHIVE =
      DataFile.of(
          NAME,
          "stl10_binary.tar.gz",
          "https://cs.stanford.edu/~acoates/stl10/",
          2_640_397_119L,
          "f31fd99273a1acb8609c8db427cebb1de3f71de77758cdc0e22956e1289b9866");

  DataFile archive() {
    return ARCHIVE;
  }

  @Override
  public DataSetInfo info(DataFolder folder) {
    return new DataSetInfo(
        NAME,
        SHAPE.size(),
        SHAPE,
        TRAINING - VALIDATION,
        VALIDATION,
        TEST,
        "STL-10 by A. Coates, H. Lee and A. Ng, no licence stated: cite Coates 2011",
        folder.find(ARCHIVE) != null || extracted(folder) != null);
  }

  /** The folder of the extracted files where it takes the archive's place, or null. */
  private static @Nullable Path extracted(DataFolder folder) {
    return folder.find(ARCHIVE) == null ? folder.find(NAME, EXTRACTED) : null;
  }

  @Override
  public Splits load(DataFolder folder, long seed) {
    return load(folder, PictureOptions.DEFAULT, seed);
  }

  @Override
  public Splits load(DataFolder folder, PictureOptions options, long seed) {
    PictureOptions colour = options.withChannels(SHAPE.channels());
    Dataset training = images(folder, colour, TRAINING_FILES);
    Dataset test = images(folder, colour, TEST_FILES);
    if (training.size() != TRAINING || test.size() != TEST) {
      LOGGER.log(
          Level.WARNING,
          "{0} is not the published data: {1} training and {2} test images",
          NAME,
          training.size(),
          test.size());
    }
    int last =
        training.size() - Math.max(1, (int) ((long) training.size() * VALIDATION / TRAINING));
    return new Splits(training.select(0, last), training.select(last, training.size()), test);
  }

  /** The images of some files, one after the other. */
  private static Dataset images(DataFolder folder, PictureOptions options, List<String> files) {
    Path extracted = extracted(folder);
    Path archive = folder.find(ARCHIVE);
    Path source =
        extracted != null ? extracted : archive != null ? archive : folder.require(ARCHIVE);
    StringBuilder content = new StringBuilder();
    for (String file : files) {
      content.append(file).append('\t');
      content.append(state(extracted == null ? source : source.resolve(file))).append('\n');
    }
    PictureCache cache = PictureCache.of(source, files.toString(), options, content.toString());
    return cache.openOrWrite(
        NAME,
        source,
        options.channels(),
        taker -> {
          LOGGER.log(Level.INFO, "{0}: reading {1}, once, into {2}", source, files, cache.file());
          Path intact = extracted != null ? extracted : folder.require(ARCHIVE);
          for (String file : files) {
            if (extracted == null) {
              readArchive(InputFile.of(intact), file, options.side(), taker);
            } else {
              readFile(intact.resolve(file), options.side(), taker);
            }
          }
        });
  }

  /** Length and time of a file. */
  private static String state(Path file) {
    try {
      return Files.size(file) + "\t" + Files.getLastModifiedTime(file).toMillis();
    } catch (IOException e) {
      throw InputFile.of(file).failure(e); // the first says it where there is no such file
    }
  }

  private static void readFile(Path path, int side, PictureCache.Taker taker) throws IOException {
    InputFile file = InputFile.of(path);
    if (file.compressed()) {
      throw file.invalid("expected plain images, found gzip data");
    }
    try (InputStream in = file.open()) {
      read(path.toString(), in, file.contentLength(), side, taker);
    } catch (EOFException e) {
      throw file.failure(e);
    }
  }

  /** Reads one file of the archive; the files may lie there in any order. */
  private static void readArchive(InputFile file, String name, int side, PictureCache.Taker taker)
      throws IOException {
    try (InputStream in = file.open();
        TarArchiveInputStream tar = new TarArchiveInputStream(new BufferedInputStream(in))) {
      for (TarArchiveEntry entry = next(file, tar); entry != null; entry = next(file, tar)) {
        if (entry.isFile() && entry.getName().endsWith("/" + name)) {
          read(file.path() + ": " + name, tar, entry.getSize(), side, taker);
          return;
        }
      }
      throw file.invalid("expected " + name + " within, found none");
    } catch (EOFException | ZipException e) {
      throw file.failure(e);
    }
  }

  private static @Nullable TarArchiveEntry next(InputFile file, TarArchiveInputStream tar)
      throws IOException {
    try {
      TarArchiveEntry entry = tar.getNextEntry();
      if (entry != null && !entry.isCheckSumOK()) {
        throw new IOException("the checksum of a header is wrong");
      }
      return entry;
    } catch (EOFException | ZipException e) {
      throw e;
    } catch (IOException e) {
      throw file.invalid("expected a whole tar archive, found damage (" + OneLine.message(e) + ")");
    }
  }

  private static void read(
      String source, InputStream in, long bytes, int side, PictureCache.Taker taker)
      throws IOException {
    if (bytes < SHAPE.size() || bytes % SHAPE.size() != 0 || bytes / SHAPE.size() > MOST_IMAGES) {
      throw new InvalidInputException(
          source
              + ": expected 1 to "
              + MOST_IMAGES
              + " images of "
              + SHAPE.size()
              + " bytes, found "
              + bytes
              + " bytes");
    }
    byte[] planes = new byte[SHAPE.size()];
    for (long i = 0; i < bytes / SHAPE.size(); i++) {
      if (in.readNBytes(planes, 0, planes.length) < planes.length) {
        throw new EOFException(source);
      }
      Picture picture = picture(planes);
      taker.take(source, side == 0 ? picture : picture.square(side));
    }
  }

  private static Picture picture(byte[] planes) {
    int height = SHAPE.height();
    int width = SHAPE.width();
    byte[] rgb = new byte[planes.length];
    for (int c = 0; c < SHAPE.channels(); c++) {
      for (int x = 0; x < width; x++) {
        for (int y = 0; y < height; y++) {
          rgb[(y * width + x) * SHAPE.channels() + c] = planes[(c * width + x) * height + y];
        }
      }
    }
    return new Picture(height, width, rgb);
  }

  @Override
  public List<Path> fetch(DataFolder folder) {
    Path extracted = extracted(folder);
    return extracted == null ? List.of(folder.fetch(ARCHIVE)) : List.of(extracted);
  }
}
