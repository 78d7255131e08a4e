package org.ebflow.training.data;

import java.io.BufferedInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.nio.file.Path;
import java.util.List;
import java.util.zip.ZipException;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveInputStream;
import org.ebflow.flow.io.OneLine;
import org.jspecify.annotations.Nullable;

/**
 * CIFAR-10 in its binary form: 50,000 training images 32×32 in three colours, of which the last
 * 10,000 validate, and 10,000 test images. Read from the published archive, plain or compressed, or
 * in a named folder from its extracted files. Archives made again have another SHA-256 than the
 * published one: what counts there are the files within.
 *
 * @see <a href="https://www.cs.toronto.edu/~kriz/cifar.html">the description of the data set</a>
 */
record Cifar10Source() implements DataSource {
  static final String NAME = "cifar10";
  private static final Logger LOGGER = System.getLogger(Cifar10Source.class.getName());
  private static final int TRAIN = 40_000;
  private static final int VALIDATION = 10_000;
  private static final int TEST = 10_000;
  private static final String EXTRACTED = "cifar-10-batches-bin";
  private static final DataFile ARCHIVE =
      DataFile.of(
          NAME,
          "cifar-10-binary.tar.gz",
          "https://www.cs.toronto.edu/~kriz/",
          170_052_171,
          "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd");

  DataFile archive() {
    return ARCHIVE;
  }

  @Override
  public DataSetInfo info(DataFolder folder) {
    return new DataSetInfo(
        NAME,
        Cifar10Batches.SHAPE.size(),
        Cifar10Batches.SHAPE,
        TRAIN,
        VALIDATION,
        TEST,
        "CIFAR-10 by A. Krizhevsky, V. Nair and G. Hinton, no licence stated: cite Krizhevsky 2009",
        folder.find(ARCHIVE) != null || extracted(folder) != null);
  }

  /** The folder of the extracted files where it takes the archive's place, or null. */
  private static @Nullable Path extracted(DataFolder folder) {
    return folder.find(ARCHIVE) == null ? folder.find(NAME, EXTRACTED) : null;
  }

  @Override
  public Splits load(DataFolder folder, long seed) {
    Path extracted = extracted(folder);
    Path source = extracted == null ? folder.require(ARCHIVE) : extracted;
    Cifar10Batches batches = new Cifar10Batches();
    if (extracted == null) {
      readArchive(InputFile.of(source), batches);
    } else {
      Cifar10Batches.FILES.forEach(file -> readFile(source.resolve(file), batches));
    }
    List<String> changed = batches.unpublished();
    if (!changed.isEmpty()) {
      LOGGER.log(
          Level.WARNING,
          "{0} is not the published data: the SHA-256 of {1} is another",
          source,
          String.join(", ", changed));
    }
    return batches.splits(NAME);
  }

  private static void readFile(Path path, Cifar10Batches batches) {
    InputFile file = InputFile.of(path);
    if (file.compressed()) {
      throw file.invalid("expected plain records, found gzip data");
    }
    try (InputStream in = file.open()) {
      batches.read(String.valueOf(path.getFileName()), path.toString(), in, file.contentLength());
    } catch (IOException e) {
      throw file.failure(e);
    }
  }

  private static void readArchive(InputFile file, Cifar10Batches batches) {
    try (InputStream in = file.open()) {
      readEntries(file, in, batches);
      in.transferTo(OutputStream.nullOutputStream()); // makes gzip check its checksum
    } catch (IOException e) {
      throw file.failure(e);
    }
    List<String> missing = batches.missing();
    if (!missing.isEmpty()) {
      throw file.invalid("expected " + String.join(", ", missing) + " within, found none");
    }
  }

  private static void readEntries(InputFile file, InputStream in, Cifar10Batches batches)
      throws IOException {
    TarArchiveInputStream tar = new TarArchiveInputStream(new BufferedInputStream(in));
    try {
      for (TarArchiveEntry entry = tar.getNextEntry(); entry != null; entry = tar.getNextEntry()) {
        if (!entry.isCheckSumOK()) {
          throw new IOException("the checksum of a header is wrong");
        }
        String name = entry.getName().substring(entry.getName().lastIndexOf('/') + 1);
        if (entry.isFile() && Cifar10Batches.FILES.contains(name)) {
          batches.read(name, file.path() + ": " + name, tar, entry.getSize());
        }
      }
    } catch (EOFException | ZipException e) {
      throw e;
    } catch (IOException e) {
      throw file.invalid("expected a whole tar archive, found damage (" + OneLine.message(e) + ")");
    }
  }

  @Override
  public List<Path> fetch(DataFolder folder) {
    Path extracted = extracted(folder);
    return extracted == null
        ? List.of(folder.fetch(ARCHIVE))
        : Cifar10Batches.FILES.stream().map(extracted::resolve).toList();
  }
}
