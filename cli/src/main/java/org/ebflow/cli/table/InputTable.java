package org.ebflow.cli.table;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import org.ebflow.flow.InvalidInputException;
import org.ebflow.training.TrainedFlow;
import org.ebflow.training.data.TableReader;
import org.jspecify.annotations.Nullable;

/**
 * A table to be scored, with its columns matched to a model's.
 *
 * @param columns to read, in the model's order; empty: all but the id column
 * @param idColumn name of the column that identifies rows, or null
 */
public record InputTable(Path file, List<String> columns, @Nullable String idColumn) {
  /**
   * Looks at the first line of a table.
   *
   * @param columns asked for; empty: those named like the model's, or all where the table or the
   *     model has no names
   * @throws InvalidInputException if it is no table, lacks a column, or its rows are not of the
   *     model's dimension
   */
  public static InputTable match(
      Path file, List<String> columns, @Nullable String idColumn, TrainedFlow model) {
    if (file.toString().toLowerCase(Locale.ROOT).endsWith(".parquet")) {
      throw new InvalidInputException(
          file + ": expected CSV or NPY, found Parquet, which this version can't read yet");
    }
    List<String> named = model.data().columns();
    List<String> wanted = columns;
    if (columns.isEmpty()) {
      wanted = !named.isEmpty() && hasNames(file, idColumn) ? named : List.of();
    } else if (columns.size() == named.size()
        && new HashSet<>(columns).equals(new HashSet<>(named))) {
      wanted = named; // the model's names in another order: the names count
    }
    InputTable table = new InputTable(file, List.copyOf(wanted), idColumn);
    try (TableReader reader = table.open()) {
      int dimension = model.flow().dimension();
      if (reader.dimension() != dimension) {
        throw new InvalidInputException(
            file
                + ": expected rows of the model's shape [*,"
                + dimension
                + "], found [*,"
                + reader.dimension()
                + "]"
                + (idColumn == null && reader.dimension() == dimension + 1
                    ? " (is one of the columns an id? name it by --id)"
                    : ""));
      }
    } catch (IOException e) {
      throw new UncheckedIOException(file + ": cannot be read: " + e.getMessage(), e);
    }
    return table;
  }

  private static boolean hasNames(Path file, @Nullable String idColumn) {
    try (TableReader reader = TableReader.open(file, List.of(), idColumn)) {
      return !reader.columns().isEmpty();
    } catch (IOException e) {
      throw new UncheckedIOException(file + ": cannot be read: " + e.getMessage(), e);
    }
  }

  TableReader open() {
    return TableReader.open(file, columns, idColumn);
  }
}
