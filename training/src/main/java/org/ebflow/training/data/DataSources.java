package org.ebflow.training.data;

import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.ebflow.flow.InvalidInputException;
import org.ebflow.linalg.CacheFolder;
import org.jspecify.annotations.Nullable;

/**
 * The data sets known by name, and one's own files.
 *
 * <p>Published sets are read from a folder laid out as mnist/…, kmnist/…, fashion-mnist/…,
 * digits/…, or else downloaded once into the user's cache and checked by SHA-256. Threading: safe
 * to share.
 */
public final class DataSources {
  private final Map<String, DataSource> sources = new LinkedHashMap<>();
  private final DataFolder folder;

  DataSources(DataFolder folder) {
    this.folder = folder;
    sources.put("mnist", IdxSource.mnist());
    sources.put("kmnist", IdxSource.kmnist());
    sources.put("fashion-mnist", IdxSource.fashionMnist());
    sources.put(DigitsSource.NAME, new DigitsSource());
    for (PlaneDistribution distribution : PlaneDistribution.values()) {
      sources.put(distribution.toString(), new GeneratedSource(distribution));
    }
    sources.put("gaussians", new GeneratedSource(new GaussianMixture()));
    sources.put("multimodal10", new GeneratedSource(new Multimodal10()));
  }

  /**
   * Looks in {@code dataDir}, else in the folder named by EBFLOW_DATA, else in data below {@link
   * CacheFolder}.
   *
   * @param dataDir an existing folder, from which files are read and never downloaded unless {@link
   *     #fetch} asks for it; or null
   */
  public static DataSources in(@Nullable Path dataDir) {
    return new DataSources(
        DataFolder.choose(dataDir, System.getenv(), () -> CacheFolder.existing("data")));
  }

  /** All named sets. */
  public List<DataSetInfo> list() {
    return sources.values().stream().map(source -> source.info(folder)).toList();
  }

  /** Whether a data set has this name. */
  public boolean has(String name) {
    return sources.containsKey(name);
  }

  /** Where the published files are looked for. */
  public Path folder() {
    return folder.root();
  }

  /** {@link #load(String, List, boolean, long)} with all columns, refusing NaN and ±Inf. */
  public Splits load(String nameOrPath, long seed) {
    return load(nameOrPath, List.of(), false, seed);
  }

  /**
   * Loads a named set in its splits, or a file split 80/10/10 by the seed.
   *
   * @param nameOrPath a name of {@link #list}, which goes before a file of that name; or a file as
   *     {@link #read} takes it
   * @param columns names of a table's columns to read, in this order; empty: all
   * @param dropNonFinite whether a table's rows with NaN or ±Inf are left out (and their number
   *     logged) instead of refused
   * @param seed of the split, or of the draws of a generated set
   */
  public Splits load(String nameOrPath, List<String> columns, boolean dropNonFinite, long seed) {
    DataSource source = sources.get(nameOrPath);
    if (source == null) {
      return read(file(nameOrPath), columns, dropNonFinite).split(.8, .1, .1, seed);
    }
    if (!columns.isEmpty()) {
      throw new InvalidInputException(
          nameOrPath + ": expected no choice of columns for a named data set, found " + columns);
    }
    return source.load(folder, seed);
  }

  private Path file(String nameOrPath) {
    try {
      Path path = Path.of(nameOrPath);
      if (Files.exists(path)) {
        return path;
      }
    } catch (InvalidPathException e) {
      throw new InvalidInputException(neither(nameOrPath), e);
    }
    throw new InvalidInputException(neither(nameOrPath));
  }

  private String neither(String name) {
    return name
        + ": expected a file or one of "
        + String.join(", ", sources.keySet())
        + ", found neither";
  }

  /**
   * Reads a whole file: a table (.csv, .npy, either with .gz), or idx images (-ubyte, -ubyte.gz),
   * which have no columns to choose.
   */
  public static Dataset read(Path file, List<String> columns, boolean dropNonFinite) {
    return isIdx(file) && columns.isEmpty()
        ? IdxFile.read(file)
        : LoadedTable.read(file, columns, dropNonFinite).dataset();
  }

  static boolean isIdx(Path file) {
    String name = String.valueOf(file.getFileName()).toLowerCase(Locale.ROOT);
    return name.endsWith("-ubyte") || name.endsWith("-ubyte.gz");
  }

  /**
   * Makes a named set's files present, downloading those that are missing, into a named data folder
   * too.
   *
   * @return the files; none for a generated set
   */
  public List<Path> fetch(String name) {
    DataSource source = sources.get(name);
    if (source == null) {
      throw new InvalidInputException(
          name + ": expected one of " + String.join(", ", sources.keySet()));
    }
    return source.fetch(folder);
  }
}
