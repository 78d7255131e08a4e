package org.ebflow.training;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Instant;
import java.util.List;
import java.util.Objects;
import org.ebflow.flow.InvalidInputException;
import org.ebflow.flow.io.AtomicFiles;
import org.ebflow.flow.io.LockedFile;
import org.ebflow.flow.io.OneLine;
import org.ebflow.flow.io.PartFile;
import org.ebflow.linalg.Blas;
import org.ebflow.training.data.Dataset;
import org.ebflow.training.data.Splits;
import org.ebflow.training.scoring.TrainedFlow;
import org.jspecify.annotations.Nullable;

/**
 * The files of one training run.
 *
 * <p>Whole files are written beside and renamed; metrics.csv and run.log are appended to, and cut
 * back to the length that the checkpoint remembers when a run is resumed.
 */
public final class RunFolder {
  /** Everything needed to run again. */
  public static final String CONFIG = "config.json";

  /** Format that config.json names. */
  public static final String CONFIG_FORMAT = "ebflow-run-1";

  /** One row per hundred steps and per evaluation. */
  public static final String METRICS = "metrics.csv";

  private static final String LOG = "run.log";

  private final Path folder;

  /** The run in that folder, which need not exist yet. */
  public RunFolder(Path folder) {
    this.folder = folder;
  }

  /** The folder. */
  public Path path() {
    return folder;
  }

  /** Folder of pictures, created on demand. */
  public Path plots() {
    return created(folder.resolve("plots"));
  }

  /** Weights and metadata of the best model so far. */
  public Path model() {
    return folder.resolve(TrainedFlow.MODEL_FILE);
  }

  /** What the model is to be compared with: models of closed form, see {@link Baselines}. */
  public Path baselines() {
    return folder.resolve("baselines");
  }

  /** The model of one baseline. */
  public Path baseline(Baseline baseline) {
    return baselines().resolve(baseline.key() + ".safetensors");
  }

  /** All state to resume bit for bit, one file. */
  public Path state() {
    return folder.resolve("last").resolve("state.safetensors");
  }

  /** config.json of the run. */
  public Path config() {
    return folder.resolve(CONFIG);
  }

  /** metrics.csv of the run. */
  public Path metrics() {
    return folder.resolve(METRICS);
  }

  /**
   * Makes an empty folder that nobody else has: the wanted one, or where that is there already one
   * with -2, -3 … behind its name.
   */
  public static Path claim(Path wanted) {
    created(Objects.requireNonNull(wanted.toAbsolutePath().getParent()));
    for (int i = 1; ; i++) {
      Path folder = i == 1 ? wanted : wanted.resolveSibling(wanted.getFileName() + "-" + i);
      try {
        return Files.createDirectory(folder);
      } catch (FileAlreadyExistsException _) {
        // somebody was faster
      } catch (IOException e) {
        throw new UncheckedIOException("can't create the folder " + folder + ": " + reason(e), e);
      }
    }
  }

  /**
   * Refuses a folder that holds a run. One whose first checkpoint was never written holds none.
   *
   * @throws InvalidInputException with the way out
   */
  public void requireNew() {
    boolean known = Files.exists(config());
    if (Files.exists(state())) {
      throw new InvalidInputException(
          folder
              + (known
                  ? ": holds a run already, expected a new folder (go on with it by --resume "
                      + folder
                      + ")"
                  : ": holds the state of a run without its "
                      + CONFIG
                      + ", expected a new folder"));
    }
    if (Files.exists(model())) {
      throw new InvalidInputException(
          folder + ": holds the model of a run already, expected a new folder");
    }
    if (known && !RunConfig.isRun(config())) {
      throw new InvalidInputException(
          config() + ": is no configuration of a run, expected a new folder");
    }
  }

  /**
   * Refuses a folder in which no run has begun.
   *
   * @throws InvalidInputException with the way out
   */
  public void requireBegun() {
    if (!Files.exists(config())) {
      throw new InvalidInputException(
          config()
              + ": expected a file, found none; a run that never began is trained by --out "
              + folder);
    }
  }

  /**
   * Refuses data of which a part comes from another file than that of the run did, by its SHA-256.
   *
   * @throws InvalidInputException with both hashes
   */
  public void requireDataOfRun(Splits data) {
    requireFileOfRun(RunConfig.TRAIN_SHA256, "data", data.train());
    requireFileOfRun(RunConfig.VALIDATION_SHA256, "validation rows", data.validation());
    requireFileOfRun(RunConfig.TEST_SHA256, "test rows", data.test());
  }

  private void requireFileOfRun(String key, String part, Dataset rows) {
    String expected = RunConfig.dataSha256(config(), key);
    String found = rows.sha256();
    if (expected != null && !expected.equals(found)) {
      throw new InvalidInputException(
          rows.name()
              + ": expected the "
              + part
              + " of the run, SHA-256 "
              + (expected.isEmpty() ? "none" : expected)
              + ", found "
              + (found.isEmpty() ? "none" : found));
    }
  }

  /** Creates the folder for a new run; refuses one that holds a run already. */
  void create() {
    requireNew();
    created(folder.resolve("last"));
    created(baselines());
    write(folder.resolve(METRICS), MetricsLog.HEADER);
    write(folder.resolve(LOG), "");
  }

  /**
   * Copies what {@link Trainer#resume} reads, to go on in another folder.
   *
   * @param to an empty folder
   */
  public void copyCheckpoint(Path to) {
    RunFolder copy = new RunFolder(to);
    created(to.resolve("last"));
    copy(config(), copy.config());
    copy(state(), copy.state());
    copy(model(), copy.model());
    copy(metrics(), copy.metrics());
    copy(folder.resolve(LOG), to.resolve(LOG));
  }

  private static void copy(Path file, Path target) {
    try {
      Files.copy(file, target);
    } catch (NoSuchFileException _) {
      // no evaluation yet, or a file that has vanished: resuming says what it needs
    } catch (IOException e) {
      throw new UncheckedIOException("can't copy " + file + ": " + reason(e), e);
    }
  }

  private static Path created(Path path) {
    try {
      return Files.createDirectories(path);
    } catch (IOException e) {
      throw new UncheckedIOException("can't create the folder " + path + ": " + reason(e), e);
    }
  }

  /**
   * Keeps others from training in this folder until it is closed.
   *
   * @throws InvalidInputException if another does
   */
  Lock lock() {
    Path file = created(folder.resolve("last")).resolve("lock");
    try {
      LockedFile locked = LockedFile.open(file);
      if (locked == null) {
        throw new InvalidInputException(
            folder + ": expected a run that rests, found it being trained");
      }
      List.of(folder, folder.resolve("last"), folder.resolve("plots"), baselines())
          .forEach(PartFile::removeLeftovers);
      return new Lock(locked);
    } catch (IOException e) {
      throw new UncheckedIOException("can't lock " + file + ": " + reason(e), e);
    }
  }

  /** What a training run holds while it writes. */
  record Lock(LockedFile file) implements AutoCloseable {
    @Override
    public void close() {
      try {
        file.close();
      } catch (IOException e) {
        throw new UncheckedIOException("can't unlock the run: " + reason(e), e);
      }
    }
  }

  /** Writes config.json. */
  void writeConfig(String json) {
    write(config(), json);
  }

  private static void write(Path file, String text) {
    AtomicFiles.write(file, out -> out.write(text.getBytes(StandardCharsets.UTF_8)));
  }

  /** Writes a baseline, or takes away the one that a run that never began has left. */
  void save(Baseline baseline, @Nullable TrainedFlow model, Blas blas) {
    Path file = baseline(baseline);
    if (model != null) {
      model.save(file, blas);
      return;
    }
    try {
      Files.deleteIfExists(file);
    } catch (IOException e) {
      throw new UncheckedIOException("can't delete " + file + ": " + reason(e), e);
    }
  }

  /** Appends a row to metrics.csv. */
  void appendMetrics(String row) {
    append(metrics(), row + "\n");
  }

  /** Appends a line with the time of day to run.log. */
  void log(String line) {
    append(folder.resolve(LOG), Instant.now() + " " + OneLine.name(line) + "\n");
  }

  private static void append(Path file, String text) {
    try {
      Files.writeString(file, text, StandardOpenOption.CREATE, StandardOpenOption.APPEND);
    } catch (IOException e) {
      throw new UncheckedIOException("can't write " + file + ": " + reason(e), e);
    }
  }

  /** The exception's message, or its kind when it only repeats the path. */
  private static String reason(IOException e) {
    String message = e.getMessage();
    return message == null || message.indexOf(' ') < 0
        ? e.getClass().getSimpleName() + " " + message
        : message;
  }

  /** Bytes of metrics.csv and run.log so far. */
  long[] lengths() {
    try {
      return new long[] {Files.size(metrics()), Files.size(folder.resolve(LOG))};
    } catch (IOException e) {
      throw new UncheckedIOException("can't read " + folder + ": " + reason(e), e);
    }
  }

  /**
   * Cuts metrics.csv and run.log back to these lengths; begins a metrics.csv that has vanished or
   * lost its first line.
   */
  void cutBack(long[] lengths) {
    try {
      if (!Files.exists(metrics()) || Files.size(metrics()) < MetricsLog.HEADER.length()) {
        write(metrics(), MetricsLog.HEADER);
      }
    } catch (IOException e) {
      throw new UncheckedIOException("can't read " + metrics() + ": " + reason(e), e);
    }
    cut(metrics(), lengths[0]);
    cut(folder.resolve(LOG), lengths[1]);
  }

  private static void cut(Path file, long length) {
    try (RandomAccessFile access = new RandomAccessFile(file.toFile(), "rw")) {
      if (access.length() > length) {
        access.setLength(length);
      }
    } catch (IOException e) {
      throw new UncheckedIOException("can't cut " + file + ": " + reason(e), e);
    }
  }
}
