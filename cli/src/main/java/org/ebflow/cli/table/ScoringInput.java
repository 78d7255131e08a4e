package org.ebflow.cli.table;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.nio.file.Path;
import java.util.Objects;
import org.ebflow.flow.InvalidInputException;
import org.ebflow.training.data.TableOptions;
import org.ebflow.training.data.TableReader;
import org.jspecify.annotations.Nullable;

/**
 * A table to be scored, with its columns matched to a model's.
 *
 * @param options how it is read
 */
public record ScoringInput(Path file, TableOptions options) {
  private static final Logger LOGGER = System.getLogger(ScoringInput.class.getName());

  /**
   * Looks at the first line of a table.
   *
   * @param options how it is read, for rows of a model
   * @throws InvalidInputException if it is no table, lacks a column, or its rows are not of the
   *     model's dimension
   */
  public static ScoringInput match(Path file, TableOptions options) {
    ScoringInput table = new ScoringInput(file, options);
    int dimension = Objects.requireNonNull(options.model()).dimension();
    try (TableReader reader = table.open()) {
      if (reader.dimension() != dimension) {
        throw new InvalidInputException(
            file
                + ": expected rows of the model's shape [*,"
                + dimension
                + "], found [*,"
                + reader.dimension()
                + "]"
                + (table.idColumn() == null && reader.dimension() == dimension + 1
                    ? " (is one of the columns an id? name it by --id)"
                    : ""));
      }
      if (reader.note() != null) {
        LOGGER.log(Level.WARNING, "{0}: {1}", file, reader.note());
      }
    } catch (IOException e) {
      throw new UncheckedIOException(file + ": cannot be read: " + e.getMessage(), e);
    }
    return table;
  }

  /** Name of the column that identifies rows, or null. */
  @Nullable String idColumn() {
    return options.idColumn();
  }

  TableReader open() {
    return TableReader.open(file, options);
  }
}
