package org.ebflow.training.data;

import java.io.Closeable;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.function.BooleanSupplier;
import org.ebflow.flow.InvalidInputException;
import org.ebflow.flow.layer.Shape;
import org.jspecify.annotations.Nullable;

/**
 * Reads the rows of a table one after the other, in constant memory: CSV (.csv, .csv.gz), NPY
 * (.npy, .npy.gz) or Parquet (.parquet).
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
public abstract sealed class TableReader implements Closeable
    permits CsvTable, NpyTable, ParquetTable, IdxTable, PictureTable, TableSequence {
  /** Relative distance of a float64 from its neighbour. */
  static final double FLOAT64_ROUNDOFF = 0x1p-52;

  /** Relative distance of a float32 from its neighbour. */
  static final double FLOAT32_ROUNDOFF = 0x1p-23;

  /** The columns of the current row, overwritten by the next one. */
  final double[] values;

  private final ColumnChoice choice;
  private final List<String> columns;
  private final ColumnPlaces places;
  private final @Nullable String note;

  TableReader(ColumnChoice choice, @Nullable String note) {
    this.choice = choice;
    this.columns = choice.valueNames();
    this.places = choice.places();
    this.note = note;
    this.values = new double[places.places().size()];
  }

  /** Opens a table with {@link TableOptions#DEFAULT}. */
  public static TableReader open(Path file) {
    return open(file, TableOptions.DEFAULT);
  }

  /**
   * Opens tables of the same columns as one, or pictures as rows of pixels.
   *
   * @throws InvalidInputException as {@link #open(Path, TableOptions)}; later if a table has other
   *     columns than the first
   */
  public static TableReader open(InputFiles files, TableOptions options) {
    return open(files, options, () -> false);
  }

  /**
   * As {@link #open(InputFiles, TableOptions)}, of what somebody may not want to be read to its
   * end.
   *
   * @param stopping asked again and again, also within a text that gives no row, however long that
   *     is; once it is true, this or any later call may throw {@link UnreadableInputException}
   */
  public static TableReader open(InputFiles files, TableOptions options, BooleanSupplier stopping) {
    if (files.arePictures()) {
      if (options.choosesColumns() || options.idColumn() != null) {
        throw new InvalidInputException(
            files.name() + ": expected no choice of columns or header for pictures, found one");
      }
      return PictureTable.open(files.pictures(), options);
    }
    return files.files().size() == 1
        ? open(files.files().getFirst(), options, stopping)
        : TableSequence.open(files.files(), options, stopping);
  }

  /**
   * Opens a table.
   *
   * @param file a name that {@link FileFormat} takes for CSV, NPY, Parquet or idx images;
   *     compression with gzip is told by the content
   * @throws InvalidInputException if the file is not such a table, lacks a column, or has a first
   *     line that may hold names or numbers
   */
  public static TableReader open(Path file, TableOptions options) {
    return open(file, options, () -> false);
  }

  static TableReader open(Path file, TableOptions options, BooleanSupplier stopping) {
    FileFormat format = FileFormat.ofInput(file);
    InputFile input = InputFile.of(file, stopping);
    try {
      return switch (format) {
        case NPY -> {
          if (options.header() == TableOptions.Header.YES) {
            throw input.invalid(
                "expected a table with column names, found an NPY file, which has none");
          }
          yield NpyTable.open(input, options);
        }
        case CSV -> CsvTable.open(input, options);
        case PARQUET -> ParquetTable.open(input, options);
        case IDX -> IdxTable.open(input, options);
        default ->
            throw input.invalid(
                "expected a table named .csv, .csv.gz, .npy, .npy.gz or .parquet, or idx images");
      };
    } catch (IOException e) {
      throw input.failure(e);
    }
  }

  /** Whether the first line was taken for names. */
  public final boolean header() {
    return choice.named();
  }

  /** What the reader decided and its user may want to know, or null. */
  public final @Nullable String note() {
    return note;
  }

  /** Where the values stand in the file. */
  public final ColumnPlaces places() {
    return places;
  }

  /** Relative distance of neighbouring numbers in the file's format. */
  double roundoff() {
    return FLOAT64_ROUNDOFF;
  }

  /** How a row is an image, or null. */
  @Nullable Shape image() {
    return null;
  }

  /** Names of the columns read; empty where the file has none. */
  public final List<String> columns() {
    return columns;
  }

  /**
   * The rows where they lie in the file, good and bad; null if they can be held in memory, or can't
   * be read there.
   *
   * @param most bytes of values, as doubles, that are held in memory
   */
  @Nullable MappedRows mapped(long most) throws IOException {
    return null;
  }

  /** Number of rows, good and bad, or -1 where only reading them all tells. */
  public long rows() {
    return -1;
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

  /**
   * Reads good rows at once, where the format can; it ends before a bad row. Afterwards the current
   * row is the last of them, without {@link #values} and {@link #id}.
   *
   * @param target overwritten: [rows,dimension] from {@code at} on
   * @param most rows
   * @return number of rows; 0 where only {@link #next} tells how it goes on
   * @throws InvalidInputException as {@link #next}
   */
  public int nextGood(double[] target, int at, int most) {
    return 0;
  }

  /** Number of the current row, counted from 1 without the header. */
  public abstract long row();

  /**
   * Line of the file where the current row starts, counted from 1; 0 where the file has no lines.
   */
  public final long line() {
    return line(0);
  }

  /**
   * The same of a row before the current one.
   *
   * @param before rows before the current one, fewer than {@link #nextGood} gave
   */
  public long line(int before) {
    return 0;
  }

  /** Whether rows have ids of their own without an id column. */
  public boolean identifies() {
    return false;
  }

  /** The current row's text in the id column, or its number; the path of a picture. */
  public String id() {
    return Long.toString(row());
  }

  /**
   * The current row's values, the same array for every row; meaningless where {@link #problem} is
   * not null.
   */
  public final double[] values() {
    return values;
  }

  /** Why the current row cannot be used, or null. */
  public @Nullable String problem() {
    return null;
  }

  /** Whether the current row's only fault is NaN or ±Inf. */
  public boolean nonFinite() {
    return false;
  }

  /** Where the current row stands, as "row 3" or "row 3 (line 4)". */
  public final String place() {
    return place(0);
  }

  /**
   * The same of a row before the current one.
   *
   * @param before rows before the current one, fewer than {@link #nextGood} gave
   */
  public String place(int before) {
    return "row " + (row() - before);
  }

  final ColumnChoice choice() {
    return choice;
  }
}
