package org.ebflow.training.data;

import java.io.Closeable;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import org.ebflow.flow.InvalidInputException;
import org.jspecify.annotations.Nullable;

/**
 * Reads the rows of a table one after the other, in constant memory: CSV (.csv, .csv.gz) or NPY
 * (.npy, .npy.gz).
 *
 * <pre>{@code
 * try (TableReader table = TableReader.open(file)) {
 *   while (table.next()) {
 *     if (table.problem() == null) { use(table.values()); } else { reject(table.row(), table.problem()); }
 *   }
 * }
 * }</pre>
 *
 * <p>A bad row (wrong width, not a number, NaN or ±Inf) is reported and the next one read; a file
 * that is truncated, corrupt or of another format throws {@link InvalidInputException}. Threading:
 * not thread-safe.
 */
public abstract sealed class TableReader implements Closeable permits CsvTable, NpyTable {
  /** The columns of the current row, overwritten by the next one. */
  final double[] values;

  private final InputFile file;
  private final List<String> columns;

  TableReader(InputFile file, List<String> columns, int dimension) {
    this.file = file;
    this.columns = List.copyOf(columns);
    this.values = new double[dimension];
  }

  /** Opens a table with all its columns. */
  public static TableReader open(Path file) {
    return open(file, List.of(), null);
  }

  /**
   * Opens a table.
   *
   * @param file a name ending in .csv or .npy, or either with .gz; compression is told by the
   *     content
   * @param columns names of the columns to read, in this order; empty: all but {@code idColumn}
   * @param idColumn name of the column whose text identifies a row; null: rows are identified by
   *     their number
   * @throws InvalidInputException if the file is not such a table or lacks a column
   */
  public static TableReader open(Path file, List<String> columns, @Nullable String idColumn) {
    String name = String.valueOf(file.getFileName()).toLowerCase(Locale.ROOT);
    String plain = name.endsWith(".gz") ? name.substring(0, name.length() - 3) : name;
    InputFile input = InputFile.of(file);
    try {
      if (plain.endsWith(".npy")) {
        if (!columns.isEmpty() || idColumn != null) {
          throw input.invalid(
              "expected a table with column names, found an NPY file, which has none");
        }
        return NpyTable.open(input);
      }
      if (plain.endsWith(".csv")) {
        return CsvTable.open(input, columns, idColumn);
      }
    } catch (IOException e) {
      throw input.failure(e);
    }
    throw input.invalid("expected a table named .csv, .csv.gz, .npy or .npy.gz");
  }

  /** Names of the columns read; empty where the file has none. */
  public final List<String> columns() {
    return columns;
  }

  /** Number of values per row. */
  public final int dimension() {
    return values.length;
  }

  /**
   * Reads the next row, good or bad.
   *
   * @return false after the last row
   * @throws InvalidInputException if the file ends too early or is corrupt
   */
  public abstract boolean next();

  /** Number of the current row, counted from 1 without the header. */
  public abstract long row();

  /**
   * Line of the file where the current row starts, counted from 1; 0 where the file has no lines.
   */
  public abstract long line();

  /** The current row's text in the id column, or its number. */
  public abstract String id();

  /**
   * The current row's values, the same array for every row; meaningless where {@link #problem} is
   * not null.
   */
  public final double[] values() {
    return values;
  }

  /** Why the current row cannot be used, or null. */
  public abstract @Nullable String problem();

  /** Whether the current row's only fault is NaN or ±Inf. */
  public abstract boolean nonFinite();

  /** Where the current row stands, as "row 3" or "row 3 (line 4)". */
  public abstract String place();

  final InputFile file() {
    return file;
  }
}
