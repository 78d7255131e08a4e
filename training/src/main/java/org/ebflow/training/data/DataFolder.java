package org.ebflow.training.data;

import java.io.IOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.function.Supplier;
import org.ebflow.flow.InvalidInputException;
import org.jspecify.annotations.Nullable;

/**
 * Where the published files lie: a folder the user names (laid out as mnist/…, kmnist/…,
 * fashion-mnist/…, cifar10/…, stl10/…, celeba/…, digits/…), from which files are only read, or the
 * user's cache, which is filled by downloading.
 */
final class DataFolder {
  private static final Logger LOGGER = System.getLogger(DataFolder.class.getName());

  private final Supplier<Path> root;
  private final boolean cache;

  private DataFolder(Supplier<Path> root, boolean cache) {
    this.root = root;
    this.cache = cache;
  }

  /**
   * Chooses the folder: {@code named}, else EBFLOW_DATA, else the cache.
   *
   * @param environment as {@link System#getenv()}
   * @param cache asked only when a file is looked for
   */
  static DataFolder choose(
      @Nullable Path named, Map<String, String> environment, Supplier<Path> cache) {
    Path folder = named != null ? named : path(environment, "EBFLOW_DATA");
    if (folder == null) {
      return new DataFolder(cache, true);
    }
    if (!Files.isDirectory(folder)) {
      throw new InvalidInputException(
          folder
              + ": expected a data folder, found "
              + (Files.exists(folder) ? "a file" : "nothing"));
    }
    return new DataFolder(() -> folder, false);
  }

  private static @Nullable Path path(Map<String, String> environment, String variable) {
    String value = environment.get(variable);
    return value == null || value.isBlank() ? null : Path.of(value);
  }

  Path root() {
    return root.get();
  }

  /** The file, compressed as published or without its .gz, or null where it is missing. */
  @Nullable Path find(DataFile file) {
    Path published = place(file);
    if (Files.exists(published)) {
      return published;
    }
    String name = file.name();
    Path plain =
        root()
            .resolve(file.folder())
            .resolve(name.endsWith(".gz") ? name.substring(0, name.length() - 3) : name);
    return !cache && Files.exists(plain) ? plain : null;
  }

  /**
   * A file of the named folder beyond the published ones, or null; never looked for in the cache.
   */
  @Nullable Path find(String folder, String name) {
    Path path = root().resolve(folder).resolve(name);
    return !cache && Files.exists(path) ? path : null;
  }

  /**
   * The file, downloaded if this is the cache and it is missing or not the published one.
   *
   * @throws InvalidInputException if it is missing from a named folder, or cannot be downloaded
   */
  Path require(DataFile file) {
    Path found = find(file);
    if (cache) {
      return found != null && intact(file, found) ? found : download(file);
    }
    if (found == null) {
      throw new InvalidInputException(
          place(file)
              + ": expected the file published as "
              + file.uri()
              + ", found none; `ebflow data fetch` puts it there");
    }
    return found;
  }

  /** The file, downloaded if missing, into a named folder too. */
  Path fetch(DataFile file) {
    Path found = find(file);
    return !cache && found != null ? found : cache ? require(file) : download(file);
  }

  private Path download(DataFile file) {
    LOGGER.log(Level.INFO, "downloading {0}", file.uri());
    Downloader.fetch(file, place(file));
    return place(file);
  }

  private boolean intact(DataFile file, Path found) {
    try {
      if (Files.size(found) == file.bytes() && Sha256.of(found).equals(file.sha256())) {
        return true;
      }
      LOGGER.log(Level.WARNING, "{0} is not the published file: downloading it again", found);
      return false;
    } catch (IOException e) {
      throw new InvalidInputException(found + ": cannot be read: " + e.getMessage(), e);
    }
  }

  private Path place(DataFile file) {
    return root().resolve(file.folder()).resolve(file.name());
  }
}
