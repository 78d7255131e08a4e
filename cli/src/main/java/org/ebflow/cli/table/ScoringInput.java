package org.ebflow.cli.table;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.nio.file.FileVisitOption;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Objects;
import java.util.function.BooleanSupplier;
import java.util.stream.Stream;
import org.ebflow.flow.InvalidInputException;
import org.ebflow.flow.layer.Shape;
import org.ebflow.training.data.InputFiles;
import org.ebflow.training.data.ModelColumns;
import org.ebflow.training.data.TableOptions;
import org.ebflow.training.data.TableReader;
import org.jspecify.annotations.Nullable;

/**
 * A table to be scored, with its columns matched to a model's, or pictures.
 *
 * @param options how it is read
 * @param withIds whether texts identify its rows
 * @param rows number of its rows, or -1 where only reading them all tells
 */
public record ScoringInput(InputFiles files, TableOptions options, boolean withIds, long rows) {
  private static final Logger LOGGER = System.getLogger(ScoringInput.class.getName());

  /**
   * Looks at the first line of a table, or the first picture.
   *
   * @param files one table, or pictures
   * @param options how it is read, for rows of a model
   * @param image shape of the model's images, or null
   * @throws InvalidInputException if it is no table, lacks a column, or its rows are not of the
   *     model's dimension
   */
  public static ScoringInput match(InputFiles files, TableOptions options, @Nullable Shape image) {
    Path name = files.name();
    ModelColumns model = Objects.requireNonNull(options.model());
    if (image == null && files.arePictures()) {
      throw new InvalidInputException(
          name + ": expected a table, as the model was trained on one, found pictures");
    }
    try (TableReader reader = TableReader.open(files, options)) {
      model.requireDimension(name.toString(), reader.dimension(), options.idColumn() != null);
      if (reader.note() != null) {
        LOGGER.log(Level.WARNING, "{0}: {1}", name, reader.note());
      }
      return new ScoringInput(
          files, options, options.idColumn() != null || reader.identifies(), reader.rows());
    } catch (IOException e) {
      throw new UncheckedIOException(name + ": cannot be read: " + e.getMessage(), e);
    }
  }

  /**
   * @param stopping as of {@link TableReader#open(InputFiles, TableOptions, BooleanSupplier)}
   */
  TableReader open(BooleanSupplier stopping) {
    return TableReader.open(files, options, stopping);
  }

  /** Its name, which rejected rows and ids of pictures have, and its files as they are now. */
  public Stream<String> versions() {
    return Stream.concat(
        Stream.of(files.name().toString()),
        files.files().stream().flatMap(ScoringInput::versionsIn));
  }

  private static Stream<String> versionsIn(Path file) {
    if (!Files.isDirectory(file)) {
      return Stream.of(version(file));
    }
    try (Stream<Path> below = Files.walk(file, FileVisitOption.FOLLOW_LINKS)) {
      return below
          .filter(Files::isRegularFile)
          .sorted()
          .map(ScoringInput::version)
          .toList()
          .stream();
    } catch (IOException e) {
      throw new UncheckedIOException(file + ": cannot be read: " + e.getMessage(), e);
    }
  }

  /** A file as it is now, by its path, size and time. */
  public static String version(Path file) {
    try {
      return file.toRealPath() + " " + Files.size(file) + " " + Files.getLastModifiedTime(file);
    } catch (IOException e) {
      throw new UncheckedIOException(file + ": cannot be read: " + e.getMessage(), e);
    }
  }
}
