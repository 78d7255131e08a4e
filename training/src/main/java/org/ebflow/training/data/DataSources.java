package org.ebflow.training.data;

import java.io.IOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.ebflow.flow.InvalidInputException;
import org.ebflow.flow.layer.Shape;
import org.ebflow.linalg.CacheFolder;
import org.jspecify.annotations.Nullable;

/**
 * The data sets known by name, and one's own files.
 *
 * <p>Published sets are read from a folder laid out as mnist/…, kmnist/…, fashion-mnist/…,
 * cifar10/…, stl10/…, celeba/…, digits/…, or else downloaded once into the user's cache and checked
 * by SHA-256. Threading: safe to share.
 */
public final class DataSources {
  private static final Logger LOGGER = System.getLogger(DataSources.class.getName());

  private final Map<String, DataSource> sources = new LinkedHashMap<>();
  private final DataFolder folder;

  DataSources(DataFolder folder) {
    this.folder = folder;
    sources.put("mnist", IdxSource.mnist());
    sources.put("kmnist", IdxSource.kmnist());
    sources.put("fashion-mnist", IdxSource.fashionMnist());
    sources.put(Cifar10Source.NAME, new Cifar10Source());
    sources.put(Stl10Source.NAME, new Stl10Source());
    sources.put(CelebaSource.NAME, new CelebaSource());
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

  /** {@link #load(String, TableOptions, long)} with {@link TableOptions#DEFAULT}. */
  public Splits load(String nameOrPath, long seed) {
    return load(nameOrPath, TableOptions.DEFAULT, seed);
  }

  /** {@link #load(String, TableOptions, SplitOptions, long)} with {@link SplitOptions#DEFAULT}. */
  public Splits load(String nameOrPath, TableOptions options, long seed) {
    return load(nameOrPath, options, SplitOptions.DEFAULT, seed);
  }

  /**
   * Loads a named set in its splits, or a file and those of the parts that have their own.
   *
   * @param nameOrPath a name of {@link #list}, which goes before a file of that name; or a file as
   *     {@link #read} takes it
   * @param options how a table is read; a named set has no choice of columns. Files of parts are
   *     read alike, their columns by the training part's names where both have names
   * @param split shares and files of the parts; a named set has no choice
   * @param seed of the split, or of the draws of a generated set
   * @throws InvalidInputException among others if a table's column has one value in all training
   *     rows and the options do not drop it, if the file of a part lacks a column or has rows of
   *     another length, or if one file is to be two parts
   */
  public Splits load(String nameOrPath, TableOptions options, SplitOptions split, long seed) {
    DataSource source = sources.get(nameOrPath);
    if (source == null) {
      Dataset rows = read(files(nameOrPath), options);
      Splits drawn = split.draw(rows, seed);
      return withOwnFiles(
          rows.levels() > 0 ? drawn : varying(rows, drawn, options.dropConstant(), split, seed),
          options,
          split);
    }
    if (options.choosesColumns()) {
      throw new InvalidInputException(
          nameOrPath + ": expected no choice of columns or header for a named data set, found one");
    }
    if (!split.equals(SplitOptions.DEFAULT)) {
      throw new InvalidInputException(
          nameOrPath + ": expected no choice of the split for a named data set, found one");
    }
    return source.load(folder, options.pictures(), seed);
  }

  /** The splits without the constant columns, or an error that names them. */
  private static Splits varying(
      Dataset rows, Splits splits, boolean drop, SplitOptions split, long seed) {
    if (!drop) {
      splits.train().requireVaryingColumns();
      return splits;
    }
    int[] constant = splits.train().constantColumns();
    if (constant.length == 0) {
      return splits;
    }
    if (constant.length == rows.dimension()) {
      throw new InvalidInputException(
          rows.name() + ": expected a column that varies, found none among " + constant.length);
    }
    LOGGER.log(
        Level.WARNING,
        "{0}: dropped {1} of {2} columns because they are constant: {3}",
        rows.name(),
        constant.length,
        rows.dimension(),
        rows.columnNames(constant));
    return split.draw(rows.withoutColumns(constant), seed);
  }

  /** The splits with the rows of the parts' own files. */
  private static Splits withOwnFiles(Splits drawn, TableOptions options, SplitOptions split) {
    Dataset train = drawn.train();
    Dataset validation =
        split.validationFile() == null
            ? drawn.validation()
            : own(split.validationFile(), train, options);
    Dataset test = split.testFile() == null ? drawn.test() : own(split.testFile(), train, options);
    if (split.validationFile() != null) {
      requireOther(split.validationFile(), validation, "training", train);
    }
    if (split.testFile() != null) {
      requireOther(split.testFile(), test, "training", train);
      requireOther(split.testFile(), test, "validation", validation);
    }
    return new Splits(train, validation, test);
  }

  private static Dataset own(Path file, Dataset train, TableOptions options) {
    InputFiles files = InputFiles.of(file);
    Dataset rows =
        read(
            files,
            (files.arePictures()
                    ? options.withPictures(PictureOptions.like(train.imageShape()))
                    : options.withPictures(PictureOptions.DEFAULT))
                .withColumns(List.of())
                .withDrop(List.of())
                .withDropConstant(false)
                .forModel(
                    new ModelColumns(
                        train.dimension(), train.columns(), train.places(), train.imageShape())));
    if (rows.dimension() != train.dimension() || rows.levels() != train.levels()) {
      throw new InvalidInputException(
          file
              + ": expected rows of "
              + valuesOf(train)
              + ", as "
              + train.name()
              + " has, found "
              + valuesOf(rows));
    }
    return rows;
  }

  private static String valuesOf(Dataset rows) {
    return rows.dimension()
        + (rows.levels() == 0 ? " values" : " pixels of " + rows.levels() + " levels");
  }

  private static void requireOther(Path file, Dataset rows, String part, Dataset others) {
    if (rows.sharesFileWith(others)) {
      throw new InvalidInputException(
          file + ": expected other rows than those of the " + part + ", found the same file");
    }
  }

  private InputFiles files(String nameOrPath) {
    if (!InputFiles.exist(nameOrPath)) {
      throw new InvalidInputException(neither(nameOrPath));
    }
    return InputFiles.of(Path.of(nameOrPath));
  }

  private String neither(String name) {
    return name
        + ": expected a file or one of "
        + String.join(", ", sources.keySet())
        + ", found neither";
  }

  /** {@link #read(InputFiles, TableOptions)} of what has this name. */
  public static Dataset read(Path name, TableOptions options) {
    return read(InputFiles.of(name), options);
  }

  /**
   * Reads everything: tables of the same columns (.csv, .npy, either with .gz, .parquet); or images
   * of one shape in idx files (-ubyte, -ubyte.gz) or in arrays (.npy, .npy.gz); or pictures (.png,
   * .jpg, .jpeg). Images and pictures have no columns to choose.
   */
  public static Dataset read(InputFiles files, TableOptions options) {
    if (files.arePictures()) {
      return ofModel(options, files, pictures(files, options).read(options.pictures()));
    }
    if (options.pictures().side() != 0) {
      throw new InvalidInputException(
          files.name()
              + ": expected a folder of pictures, which data.image_side resizes, found a file");
    }
    if (isOneIdx(files) && !options.choosesColumns()) {
      return ofModel(options, files, IdxFile.read(files.files().getFirst()));
    }
    return InMemoryTable.read(files, options).dataset();
  }

  /** Those images if the model takes them: turned ones have as many pixels. */
  private static Dataset ofModel(TableOptions options, InputFiles files, Dataset images) {
    if (options.model() != null && images.imageShape() != null) {
      options.model().requireImages(files.name().toString(), images.imageShape());
    }
    return images;
  }

  private static boolean isOneIdx(InputFiles files) {
    return files.files().size() == 1
        && FileFormat.ofInput(files.files().getFirst()) == FileFormat.IDX;
  }

  /**
   * The shape of the rows of a named set or of what is there, as {@link #load} would give them, as
   * far as it can be told without reading them all: pictures that seem grey may turn out to be in
   * colour. Empty where columns may yet be dropped.
   */
  public Optional<Shape> leastShape(String nameOrPath, TableOptions options) {
    DataSource source = sources.get(nameOrPath);
    if (source != null) {
      DataSetInfo set = source.info(folder);
      int side = options.pictures().side();
      Shape own = set.imageShape() == null ? Shape.plain(set.dimension()) : set.imageShape();
      return Optional.of(side == 0 ? own : new Shape(own.channels(), side, side));
    }
    InputFiles files = files(nameOrPath);
    if (files.arePictures()) {
      return Optional.of(pictures(files, options).leastShape(options.pictures()));
    }
    try (TableReader table = TableReader.open(files, options)) {
      if (table.image() != null) {
        return Optional.of(table.image());
      }
      return options.dropConstant()
          ? Optional.empty()
          : Optional.of(Shape.plain(table.dimension()));
    } catch (IOException e) {
      throw new InvalidInputException(nameOrPath + ": cannot be read: " + e.getMessage(), e);
    }
  }

  private static PictureFolder pictures(InputFiles files, TableOptions options) {
    if (options.choosesColumns()) {
      throw new InvalidInputException(
          files.name()
              + ": expected no choice of columns or header for a folder of pictures, found one");
    }
    return files.pictures();
  }

  /**
   * Makes a named set's files present, downloading those that are missing, into a named data folder
   * too.
   *
   * @return the files; none for a generated set
   */
  public List<Path> fetch(String name) {
    return named(name).fetch(folder);
  }

  /**
   * What {@link #list} says of a named set.
   *
   * @throws InvalidInputException if no set has this name
   */
  public DataSetInfo info(String name) {
    return named(name).info(folder);
  }

  private DataSource named(String name) {
    DataSource source = sources.get(name);
    if (source == null) {
      throw new InvalidInputException(
          name + ": expected one of " + String.join(", ", sources.keySet()));
    }
    return source;
  }
}
