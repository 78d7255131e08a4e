package org.ebflow.training.data;

import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.ebflow.flow.InvalidInputException;
import org.ebflow.flow.layer.Shape;
import org.ebflow.linalg.Matrix;
import org.ebflow.linalg.Precision;
import org.jspecify.annotations.Nullable;

/**
 * Rows of equal length, held as they were read: one byte a pixel, or doubles; or mapped, so that
 * they may be more than memory holds.
 *
 * <p>Views ({@link #select}, {@link #split}) share the values. Threading: immutable, safe to share.
 */
public final class Dataset {
  /** Numbers apart that still count as one value. */
  private static final int ROUNDOFFS = 4;

  private static final int MOST_NAMED = 5;

  /** Beyond it, a number and what spreads it do not fit float64 together. */
  private static final double LARGEST_WHOLE = 0x1p40;

  private final Storage storage;

  /** Rows of the storage in this view's order; null: {@code size} rows from {@code first}. */
  private final int @Nullable [] index;

  private final int first;
  private final int size;
  private final Description description;

  /** What the views of one data set have in common. */
  private record Description(
      String name,
      int dimension,
      int levels,
      @Nullable Shape imageShape,
      List<String> columns,
      @Nullable ColumnPlaces places,
      double roundoff,
      List<String> fileSha256,
      Skipped skipped) {
    static Description of(String name, int dimension, int levels, @Nullable Shape imageShape) {
      return new Description(
          name,
          dimension,
          levels,
          imageShape,
          List.of(),
          null,
          TableReader.FLOAT64_ROUNDOFF,
          List.of(),
          Skipped.NONE);
    }

    static Description ofTable(
        String name, TableReader table, List<String> fileSha256, Skipped skipped) {
      return new Description(
          name,
          table.dimension(),
          0,
          null,
          table.columns(),
          table.places().isAll() ? null : table.places(),
          table.roundoff(),
          fileSha256,
          skipped);
    }

    Description withName(String changed) {
      return new Description(
          changed, dimension, levels, imageShape, columns, places, roundoff, fileSha256, skipped);
    }

    Description withImages(Shape changed) {
      return new Description(
          name, dimension, 256, changed, columns, places, roundoff, fileSha256, skipped);
    }

    Description withSha256(String changed) {
      return new Description(
          name,
          dimension,
          levels,
          imageShape,
          columns,
          places,
          roundoff,
          List.of(changed),
          skipped);
    }

    /** Of those values only. */
    Description select(int[] kept) {
      int[] cells =
          places == null
              ? kept
              : IntStream.of(kept).map(column -> places.places().get(column)).toArray();
      return new Description(
          name,
          kept.length,
          levels,
          null,
          columns.isEmpty() ? columns : IntStream.of(kept).mapToObj(columns::get).toList(),
          ColumnPlaces.of(places == null ? dimension : places.width(), cells),
          roundoff,
          fileSha256,
          skipped);
    }
  }

  private Dataset(
      Storage storage, int @Nullable [] index, int first, int size, Description description) {
    this.storage = storage;
    this.index = index;
    this.first = first;
    this.size = size;
    this.description = description;
  }

  /**
   * Copies real-valued rows of equal length; at least one row and one column.
   *
   * @throws InvalidInputException naming the first row with NaN or ±Inf
   */
  public static Dataset of(double[][] rows) {
    if (rows.length == 0 || rows[0].length == 0) {
      throw new IllegalArgumentException("Dataset.of: no rows, or rows without values");
    }
    RealsBuilder values = new RealsBuilder(rows[0].length);
    for (int r = 0; r < rows.length; r++) {
      if (rows[r].length != rows[0].length) {
        throw new IllegalArgumentException(
            "Dataset.of: row "
                + r
                + " has "
                + rows[r].length
                + " values, row 0 has "
                + rows[0].length);
      }
      int bad = NonFinite.firstIn(rows[r]);
      if (bad >= 0) {
        throw new InvalidInputException(
            "Dataset.of: row "
                + r
                + ", value "
                + bad
                + " (both from 0): expected a finite number, found "
                + rows[r][bad]);
      }
      values.add(rows[r]);
    }
    return ofReals("data", values);
  }

  /**
   * Images or other rows of small whole numbers.
   *
   * @param name shown in messages
   * @param pixels [rows·dimension] unsigned bytes below {@code levels}, not copied: the caller
   *     gives the array away
   * @param dimension values per row
   * @param imageShape how a row is a picture, or null
   * @param levels number of distinct values a pixel may take: 256, or fewer
   */
  public static Dataset ofPixels(
      String name, byte[] pixels, int dimension, @Nullable Shape imageShape, int levels) {
    if (dimension < 1 || pixels.length == 0 || pixels.length % dimension != 0) {
      throw new IllegalArgumentException(
          "Dataset.ofPixels: " + pixels.length + " bytes are no rows of " + dimension);
    }
    if (imageShape != null && imageShape.size() != dimension) {
      throw new IllegalArgumentException(
          "Dataset.ofPixels: " + imageShape + " is not of dimension " + dimension);
    }
    if (levels < 2 || levels > 256) {
      throw new IllegalArgumentException(
          "Dataset.ofPixels: " + levels + " levels, expected 2 to 256");
    }
    for (byte pixel : pixels) {
      if (Byte.toUnsignedInt(pixel) >= levels) {
        throw new IllegalArgumentException(
            "Dataset.ofPixels: found a pixel of "
                + Byte.toUnsignedInt(pixel)
                + ", expected less than "
                + levels);
      }
    }
    int rows = pixels.length / dimension;
    return new Dataset(
        new Storage.Pixels(pixels, rows, dimension),
        null,
        0,
        rows,
        Description.of(name, dimension, levels, imageShape));
  }

  static Dataset ofReals(String name, RealsBuilder values) {
    Storage storage = values.build();
    return new Dataset(
        storage, null, 0, storage.rows(), Description.of(name, storage.dimension(), 0, null));
  }

  /** Mapped images of 256 levels. */
  static Dataset ofMappedPixels(String name, MappedRows pixels, Shape imageShape, String sha256) {
    return new Dataset(
        pixels,
        null,
        0,
        pixels.rows(),
        Description.of(name, pixels.dimension(), 256, imageShape).withSha256(sha256));
  }

  /**
   * The mapped rows of a table.
   *
   * @param kept rows, in their order, or null for all
   * @param fileSha256 of each file, in their order
   */
  static Dataset ofMappedTable(
      String name,
      MappedRows rows,
      int @Nullable [] kept,
      TableReader table,
      List<String> fileSha256) {
    return new Dataset(
        rows,
        kept,
        0,
        kept == null ? rows.rows() : kept.length,
        Description.ofTable(name, table, fileSha256, Skipped.NONE));
  }

  /** The rows read from a table. */
  static Dataset ofTable(
      String name, RealsBuilder values, TableReader table, List<String> fileSha256) {
    Storage storage = values.build();
    return new Dataset(
        storage,
        null,
        0,
        storage.rows(),
        Description.ofTable(name, table, fileSha256, values.skipped()));
  }

  /** The same rows under another name. */
  public Dataset named(String name) {
    return described(description.withName(name));
  }

  /** The same rows, bytes, as images of 256 levels. */
  Dataset asImages(Shape shape) {
    return described(description.withImages(shape));
  }

  Dataset withSha256(String sha256) {
    return described(description.withSha256(sha256));
  }

  private Dataset described(Description changed) {
    return new Dataset(storage, index, first, size, changed);
  }

  /** Number of rows. */
  public int size() {
    return size;
  }

  /** Values per row. */
  public int dimension() {
    return description.dimension;
  }

  /** Name of the data set, or of the file it was read from. */
  public String name() {
    return description.name;
  }

  /** Names of the columns; empty where the source has none. */
  public List<String> columns() {
    return description.columns;
  }

  /** Where the columns stood in the file; null where they were all of its columns, or no file. */
  public @Nullable ColumnPlaces places() {
    return description.places;
  }

  /** Name of a column in messages: in quotes, or its number in the file, from 1. */
  public String columnName(int column) {
    return !columns().isEmpty()
        ? "'" + columns().get(column) + "'"
        : String.valueOf(1 + (places() == null ? column : places().places().get(column)));
  }

  /**
   * Number of distinct values of a quantised pixel (256 for bytes, 17 for digits), 0 for real
   * values.
   */
  public int levels() {
    return description.levels;
  }

  /** How a row is a picture, or null. */
  public @Nullable Shape imageShape() {
    return description.imageShape;
  }

  /** Bytes that the rows and their order, in this view and in others, take of the Java heap. */
  public long heapBytes() {
    return storage.heapBytes() + (index == null ? 0 : (long) Integer.BYTES * storage.rows());
  }

  /**
   * SHA-256 of the source file in hexadecimal; of several files, that of theirs one after the
   * other. Empty where the rows come from no file.
   */
  public String sha256() {
    return description.fileSha256.size() == 1
        ? description.fileSha256.getFirst()
        : description.fileSha256.isEmpty()
            ? ""
            : Sha256.of(String.join("", description.fileSha256));
  }

  /** Whether both have rows of files with the same content. */
  boolean sharesFileWith(Dataset other) {
    return !Collections.disjoint(description.fileSha256, other.description.fileSha256);
  }

  /**
   * Number of a row in what it was read from, counted from 1; rows that were dropped from there
   * count.
   */
  public long number(int row) {
    int stored = stored(Objects.checkIndex(row, size));
    return 1L + stored + description.skipped.before(stored);
  }

  /** A new array with the values of a row. */
  public double[] row(int row) {
    Objects.checkIndex(row, size);
    double[] values = new double[dimension()];
    storage.copy(stored(row), values, 0);
    return values;
  }

  /** A new array with the values of each column, in the order of the rows. */
  public double[][] byColumn() {
    double[][] columns = new double[dimension()][size];
    for (int r = 0; r < size; r++) {
      double[] row = row(r);
      for (int c = 0; c < row.length; c++) {
        columns[c][r] = row[c];
      }
    }
    return columns;
  }

  /**
   * Gathers rows into a matrix, allocating nothing. Pixels are copied as 0 … levels-1, reals
   * rounded to the matrix's precision.
   *
   * @param rows indices of rows of this data set, read in [from, to)
   * @param from first index used
   * @param to end of the indices used, exclusive
   * @param target [≥ targetRow + to - from, dimension], overwritten from {@code targetRow} on
   * @param targetRow row of {@code target} that takes row {@code rows[from]}
   */
  public void copyRows(int[] rows, int from, int to, Matrix target, int targetRow) {
    Objects.checkFromToIndex(from, to, rows.length);
    checkTarget(to - from, target, targetRow);
    for (int i = from; i < to; i++) {
      copyRow(Objects.checkIndex(rows[i], size), target, targetRow + i - from);
    }
  }

  /**
   * Copies the rows {@code from} (inclusive) to {@code to} (exclusive), allocating nothing;
   * otherwise as the gathering form.
   */
  public void copyRows(int from, int to, Matrix target, int targetRow) {
    Objects.checkFromToIndex(from, to, size);
    checkTarget(to - from, target, targetRow);
    for (int r = from; r < to; r++) {
      copyRow(r, target, targetRow + r - from);
    }
  }

  private void checkTarget(int count, Matrix target, int targetRow) {
    if (target.columns() != dimension() || targetRow < 0 || count > target.rows() - targetRow) {
      throw new IllegalArgumentException(
          "Dataset.copyRows: "
              + count
              + " rows of dimension "
              + dimension()
              + " into row "
              + targetRow
              + " of "
              + target);
    }
  }

  private void copyRow(int row, Matrix target, int targetRow) {
    int at = target.offset() + targetRow * target.stride();
    if (target.precision() == Precision.FLOAT32) {
      storage.copy(stored(row), target.floats(), at);
    } else {
      storage.copy(stored(row), target.doubles(), at);
    }
  }

  private int stored(int row) {
    return index == null ? first + row : index[row];
  }

  /**
   * Columns, from 0, with one value in all rows but for rounding: the largest and the smallest lie
   * within {@value #ROUNDOFFS} neighbouring numbers of the file's format, as 0.3 and
   * 0.30000000000000004.
   */
  public int[] constantColumns() {
    double[] least = new double[dimension()];
    double[] most = new double[dimension()];
    range(least, most);
    double share = ROUNDOFFS * description.roundoff;
    return IntStream.range(0, least.length)
        .filter(c -> most[c] - least[c] <= share * Math.max(Math.abs(least[c]), Math.abs(most[c])))
        .toArray();
  }

  /** The smallest and the largest value of each column, overwritten. */
  private void range(double[] least, double[] most) {
    double[] row = new double[dimension()];
    Arrays.fill(least, Double.POSITIVE_INFINITY);
    Arrays.fill(most, Double.NEGATIVE_INFINITY);
    for (int r = 0; r < size; r++) {
      storage.copy(stored(r), row, 0);
      for (int c = 0; c < row.length; c++) {
        least[c] = Math.min(least[c], row[c]);
        most[c] = Math.max(most[c], row[c]);
      }
    }
  }

  /** Columns, from 0, with whole numbers in all rows and more than one of them. */
  public List<Integer> wholeColumns() {
    double[] row = new double[dimension()];
    double[] first = row(0);
    boolean[] whole = new boolean[dimension()];
    boolean[] varying = new boolean[dimension()];
    Arrays.fill(whole, true);
    for (int r = 0; r < size; r++) {
      storage.copy(stored(r), row, 0);
      for (int c = 0; c < row.length; c++) {
        whole[c] &= isWhole(row[c]);
        varying[c] |= row[c] != first[c];
      }
    }
    return IntStream.range(0, row.length).filter(c -> whole[c] && varying[c]).boxed().toList();
  }

  /** Whether it is a whole number, and not too large to be spread. */
  static boolean isWhole(double value) {
    return value == Math.rint(value) && Math.abs(value) <= LARGEST_WHOLE;
  }

  /**
   * Refuses constant columns: they have no density.
   *
   * @throws InvalidInputException naming them, or if there is one row only
   */
  public void requireVaryingColumns() {
    if (size == 1) {
      throw new InvalidInputException(name() + ": expected at least 2 training rows, found 1");
    }
    int[] constant = constantColumns();
    if (constant.length > 0) {
      throw new InvalidInputException(
          name()
              + ": expected columns that vary, found the same value in every training row of column "
              + columnNames(constant)
              + " (leave out by --columns or --drop-constant)");
    }
  }

  /**
   * Refuses columns that vary, but no longer once they are rounded to a precision, or lie beyond
   * it.
   *
   * @throws InvalidInputException naming the first
   */
  public void requireVaryingIn(Precision precision) {
    if (precision == Precision.FLOAT64) {
      return;
    }
    double[] least = new double[dimension()];
    double[] most = new double[dimension()];
    range(least, most);
    for (int c = 0; c < least.length; c++) {
      float from = (float) least[c];
      float to = (float) most[c];
      boolean rounded = least[c] < most[c] && from == to;
      if (rounded || Float.isInfinite(from) || Float.isInfinite(to)) {
        throw new InvalidInputException(
            name()
                + ": expected columns that vary in precision f32, found "
                + least[c]
                + " to "
                + most[c]
                + " in column "
                + columnName(c)
                + " (take --precision f64, or a preprocessing outside of the model)");
      }
    }
  }

  /** Names of columns in a message: the first {@value #MOST_NAMED}, and how many more. */
  public String columnNames(int[] listed) {
    return IntStream.of(listed)
            .limit(MOST_NAMED)
            .mapToObj(this::columnName)
            .collect(Collectors.joining(", "))
        + (listed.length > MOST_NAMED ? " and " + (listed.length - MOST_NAMED) + " more" : "");
  }

  /** All rows of a table with some of its columns, which must be at least one. */
  Dataset withoutColumns(int[] left) {
    Set<Integer> out = IntStream.of(left).boxed().collect(Collectors.toSet());
    int[] kept = IntStream.range(0, dimension()).filter(c -> !out.contains(c)).toArray();
    return new Dataset(storage.select(kept), index, first, size, description.select(kept));
  }

  /** View of the rows {@code from} (inclusive) to {@code to} (exclusive). */
  public Dataset select(int from, int to) {
    Objects.checkFromToIndex(from, to, size);
    if (index == null) {
      return new Dataset(storage, null, first + from, to - from, description);
    }
    return new Dataset(storage, Arrays.copyOfRange(index, from, to), 0, to - from, description);
  }

  /** View of the listed rows, in that order; a row may be listed more than once. */
  public Dataset select(int[] rows) {
    return selectBy(rows.clone());
  }

  /** As {@link #select(int[])}, where the caller gives the array away. */
  private Dataset selectBy(int[] rows) {
    for (int i = 0; i < rows.length; i++) {
      rows[i] = stored(Objects.checkIndex(rows[i], size));
    }
    return new Dataset(storage, rows, 0, rows.length, description);
  }

  /** View of at most so many rows, evenly spaced. */
  public Dataset evenlySpaced(int most) {
    if (size <= most) {
      return this;
    }
    return select(IntStream.range(0, most).map(i -> (int) ((long) i * size / most)).toArray());
  }

  /** {@link #split(double, double, double, long)} with seed 0. */
  public Splits split(double train, double validation, double test) {
    return split(train, validation, test, 0);
  }

  /**
   * Disjoint random views, a pure function of the number of rows and the seed.
   *
   * @param train share of the rows, above 0; the three add up to at most 1
   * @param validation share of the rows, above 0
   * @param test share of the rows, above 0
   * @throws InvalidInputException if a part would have no row
   */
  public Splits split(double train, double validation, double test, long seed) {
    if (!(train > 0 && validation > 0 && test > 0 && train + validation + test <= 1 + 1e-9)) {
      throw new IllegalArgumentException(
          "Dataset.split: shares are "
              + train
              + ", "
              + validation
              + ", "
              + test
              + ", expected numbers above 0 that add up to at most 1");
    }
    return parts(train, validation, test, seed);
  }

  /** As {@link #split}, where a part of share 0 has no row. */
  Splits parts(double train, double validation, double test, long seed) {
    int[] order = new int[size];
    Shuffle.fill(order, seed, -1); // epochs count from 0: a split never equals an epoch's order
    int trainEnd = (int) Math.round(train * size);
    int validationEnd = (int) Math.round((train + validation) * size);
    int testEnd = Math.min(size, (int) Math.round((train + validation + test) * size));
    if (trainEnd == 0
        || (validation > 0 && validationEnd == trainEnd)
        || (test > 0 && testEnd == validationEnd)) {
      throw new InvalidInputException(
          name()
              + ": expected rows enough to split "
              + train
              + "/"
              + validation
              + "/"
              + test
              + ", found "
              + size);
    }
    return new Splits(
        selectBy(Arrays.copyOfRange(order, 0, trainEnd)),
        selectBy(Arrays.copyOfRange(order, trainEnd, validationEnd)),
        selectBy(Arrays.copyOfRange(order, validationEnd, testEnd)));
  }

  @Override
  public String toString() {
    return name() + " [" + size + "," + dimension() + "]";
  }
}
