package org.ebflow.training.data;

import dev.hardwood.metadata.RowGroup;
import dev.hardwood.reader.ColumnReader;
import dev.hardwood.reader.ColumnReaders;
import dev.hardwood.reader.ParquetFileReader;
import dev.hardwood.reader.Validity;
import dev.hardwood.schema.ColumnProjection;
import dev.hardwood.schema.ColumnSchema;
import dev.hardwood.schema.FileSchema;
import dev.hardwood.schema.SchemaNode;
import java.io.IOException;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.ebflow.flow.InvalidInputException;
import org.ebflow.flow.io.OneLine;
import org.jspecify.annotations.Nullable;

/**
 * Rows of a Parquet file, decoded in batches of columns on all cores by Hardwood. Values are
 * numbers of any type, decimals and booleans (0 and 1); a null is a missing value.
 *
 * <p>The columns that are not chosen are not read. What the file claims of the sizes of the others
 * is looked at before any is decoded ({@link ParquetPages}).
 */
final class ParquetTable extends TableReader {
  /** Values in memory as a block of rows; the engine holds a few more of that size. */
  private static final int BLOCK = 1 << 19;

  private static final int MOST_ROWS = 1 << 15;

  /** Values that are turned from columns to rows at a time: in the core's cache. */
  private static final int TILE = 1 << 12;

  /**
   * How many pages of a column the engine decodes ahead. It takes eight, which of forty columns are
   * hundreds of megabytes, and pages that wait grow old in the heap. Columns are decoded side by
   * side.
   */
  private static final String PAGES_AHEAD = "hardwood.internal.maxOutstanding";

  static {
    if (System.getProperty(PAGES_AHEAD) == null) {
      System.setProperty(PAGES_AHEAD, "1");
    }
  }

  /** What pandas calls an index that it writes as a column. */
  private static final Pattern PANDAS_INDEX = Pattern.compile("__index_level_[0-9]+__");

  private final InputFile file;
  private final ParquetInput input;
  private final ParquetFileReader reader;
  private final ColumnReaders columns;
  private final boolean float32;

  /** One per value. */
  private final ParquetColumn[] columnOfValue;

  private final @Nullable ParquetColumn idColumn;
  private final long rowsInFile;

  /** The row groups whose bytes are mapped, or will be. */
  private final Deque<Group> groups;

  private final int tileRows;

  /** Some rows of the current batch, row by row, from one whose number is a multiple of theirs. */
  private final double[] tile;

  /** Whether the current row's tile is decoded. */
  private boolean tileRead;

  private int batchRows;

  /** Row of the batch, from 0. */
  private int at = -1;

  private long row;
  private int badSlot = -1;

  /**
   * Where a row group ends.
   *
   * @param rows of it and of the groups before
   * @param bytes up to where no later group has any
   */
  private record Group(long rows, long bytes) {}

  private ParquetTable(
      InputFile file,
      ParquetInput input,
      ParquetFileReader reader,
      ColumnChoice choice,
      List<ParquetColumn> chosen,
      @Nullable ParquetColumn id,
      @Nullable String note)
      throws IOException {
    super(choice, note);
    this.file = file;
    this.input = input;
    this.reader = reader;
    float32 = chosen.stream().allMatch(ParquetColumn::isFloat);
    rowsInFile = reader.getFileMetaData().numRows();
    List<ColumnSchema> read =
        Stream.concat(chosen.stream(), Stream.ofNullable(id)).map(ParquetColumn::schema).toList();
    // The engine takes a name with a point for a path: such a column is read among all.
    boolean all = read.stream().anyMatch(column -> column.name().indexOf('.') >= 0);
    List<ColumnSchema> decoded =
        all ? reader.getFileSchema().getColumns() : read.stream().distinct().toList();
    ParquetPages.check(file, reader.getFileMetaData(), decoded);
    groups = groups(reader.getFileMetaData().rowGroups(), decoded);
    int batch = Math.clamp(BLOCK / decoded.size(), 1, MOST_ROWS);
    ColumnProjection projection = all ? ColumnProjection.all() : projection(decoded);
    columns = reader.buildColumnReaders(projection).batchSize(batch).build();
    ColumnReader[] byIndex = new ColumnReader[reader.getFileSchema().getColumnCount()];
    for (int i = 0; i < columns.getColumnCount(); i++) {
      ColumnReader column = columns.getColumnReader(i);
      byIndex[column.getColumnSchema().columnIndex()] = column;
    }
    for (int i = 0; i < read.size(); i++) {
      ParquetColumn column = i < chosen.size() ? chosen.get(i) : Objects.requireNonNull(id);
      column.readFrom(byIndex[read.get(i).columnIndex()]);
    }
    columnOfValue = chosen.toArray(ParquetColumn[]::new);
    idColumn = id;
    tileRows = Math.max(1, TILE / chosen.size());
    tile = new double[tileRows * chosen.size()];
  }

  private static Deque<Group> groups(List<RowGroup> groups, List<ColumnSchema> decoded) {
    Deque<Group> result = new ArrayDeque<>();
    long rowsBefore = groups.stream().mapToLong(RowGroup::numRows).sum();
    long nextBytes = Long.MAX_VALUE;
    for (RowGroup group : groups.reversed()) {
      result.addFirst(new Group(rowsBefore, nextBytes));
      rowsBefore -= group.numRows();
      for (ColumnSchema column : group.numRows() > 0 ? decoded : List.<ColumnSchema>of()) {
        long start = group.columns().get(column.columnIndex()).chunkStartOffset();
        nextBytes = Math.min(nextBytes, start);
      }
    }
    return result;
  }

  private static ColumnProjection projection(List<ColumnSchema> read) {
    return ColumnProjection.columns(read.stream().map(ColumnSchema::name).toArray(String[]::new));
  }

  static ParquetTable open(InputFile file, TableOptions options) throws IOException {
    ParquetPages.requireParquet(file);
    ParquetInput input = new ParquetInput(file.path());
    ParquetFileReader reader = null;
    boolean opened = false;
    try {
      reader = ParquetFileReader.open(input);
      ParquetTable table = open(file, input, reader, options);
      opened = true;
      return table;
    } catch (InvalidInputException e) {
      throw e;
    } catch (IOException | RuntimeException | LinkageError | OutOfMemoryError e) {
      throw unreadable(file, e);
    } finally {
      if (!opened) {
        closeQuietly(reader);
        closeQuietly(input);
      }
    }
  }

  private static ParquetTable open(
      InputFile file, ParquetInput input, ParquetFileReader reader, TableOptions options)
      throws IOException {
    FileSchema schema = reader.getFileSchema();
    List<SchemaNode> fields = schema.getRootNode().children();
    List<String> names = fields.stream().map(SchemaNode::name).toList();
    if (names.isEmpty()) {
      throw file.invalid("expected columns, found none");
    }
    ColumnChoice choice = ColumnChoice.ofNamed(file, names, options);
    List<Integer> index =
        choice.chosen()
            ? List.of()
            : IntStream.of(choice.cells())
                .filter(cell -> PANDAS_INDEX.matcher(names.get(cell)).matches())
                .boxed()
                .toList();
    String note = null;
    if (!index.isEmpty() && index.size() < choice.cells().length) {
      choice = choice.without(index);
      note = "left out " + names.get(index.getFirst()) + ", the index of a pandas table";
    }
    requireDistinct(file, choice);
    ColumnChoice read = choice;
    List<ParquetColumn> chosen =
        IntStream.of(choice.cells())
            .mapToObj(
                cell ->
                    ParquetColumn.ofNumbers(
                        file, read.called(cell), fields.get(cell), schema.getColumns()))
            .toList();
    ParquetColumn id =
        choice.id() < 0
            ? null
            : ParquetColumn.ofIds(
                file, read.called(choice.id()), fields.get(choice.id()), schema.getColumns());
    return new ParquetTable(file, input, reader, choice, chosen, id, note);
  }

  /** The engine finds columns by their names. */
  private static void requireDistinct(InputFile file, ColumnChoice choice) {
    Set<String> seen = new HashSet<>();
    for (String name : choice.valueNames()) {
      if (!seen.add(name)) {
        throw file.invalid("expected column names that differ, found '" + name + "' twice");
      }
    }
  }

  @Override
  public boolean next() {
    if (++at >= batchRows) {
      if (!readBatch()) {
        return false;
      }
      at = 0;
    }
    row++;
    int within = at % tileRows;
    if (within == 0 || !tileRead) {
      int rows = Math.min(tileRows, batchRows - (at - within));
      decode(at - within, rows, tile, 0);
      tileRead = true;
    }
    System.arraycopy(tile, within * values.length, values, 0, values.length);
    badSlot = NonFinite.firstIn(values);
    return true;
  }

  @Override
  public int nextGood(double[] target, int from, int most) {
    if (at + 1 >= batchRows) {
      if (!readBatch()) {
        return 0;
      }
      at = -1;
    }
    tileRead = false;
    int count = Math.min(most, batchRows - (at + 1));
    int good = 0;
    for (int rows; good < count; good += rows) {
      rows = Math.min(tileRows, count - good);
      int start = from + good * values.length;
      decode(at + 1 + good, rows, target, start);
      int finite = NonFinite.rowsBefore(target, start, rows, values.length);
      if (finite < rows) {
        good += finite;
        break;
      }
    }
    at += good;
    row += good;
    badSlot = good > 0 ? -1 : badSlot;
    return good;
  }

  private void decode(int first, int rows, double[] target, int from) {
    try {
      for (int slot = 0; slot < columnOfValue.length; slot++) {
        columnOfValue[slot].decode(first, rows, target, from + slot, values.length);
      }
    } catch (RuntimeException | LinkageError | InternalError e) {
      throw unreadable(file, e);
    }
  }

  private boolean readBatch() {
    try {
      batchRows = 0;
      if (!columns.nextBatch()) {
        if (row != rowsInFile) {
          throw file.invalid("expected " + rowsInFile + " rows, found " + row);
        }
        return false;
      }
      batchRows = columns.getRecordCount();
      releaseGroups();
      tileRead = false;
      return true;
    } catch (InvalidInputException e) {
      throw e;
    } catch (InternalError e) { // a mapped file that got shorter, or whose disk failed
      throw new UnreadableInputException(
          file.path() + ": cannot be read: " + OneLine.message(e), e);
    } catch (RuntimeException | LinkageError e) {
      throw unreadable(file, e);
    }
  }

  /** Those that end before the batch: all columns have left their last page behind. */
  private void releaseGroups() {
    long end = 0;
    while (!groups.isEmpty() && groups.getFirst().rows <= row) {
      end = groups.removeFirst().bytes;
    }
    input.release(end);
  }

  /** One line of what the engine says, whose causes name the reason. */
  private static InvalidInputException unreadable(InputFile file, Throwable e) {
    Throwable reason = e;
    for (Throwable cause = e.getCause(); cause != null; cause = cause.getCause()) {
      reason = cause;
    }
    String what =
        switch (reason) {
          case OutOfMemoryError _ -> "expected sizes that fit into memory, found others (";
          case UnsupportedOperationException _, LinkageError _ ->
              "expected Parquet that this program can read, found something else (";
          default -> "expected a Parquet file, found corruption (";
        };
    return new InvalidInputException(file.path() + ": " + what + OneLine.message(reason) + ")", e);
  }

  @Override
  public long rows() {
    return rowsInFile;
  }

  @Override
  public long row() {
    return row;
  }

  @Override
  public String id() {
    return idColumn == null ? Long.toString(row) : idColumn.text(at);
  }

  @Override
  public @Nullable String problem() {
    if (badSlot < 0) {
      return null;
    }
    Validity validity = columnOfValue[badSlot].validity();
    return choice().called(choice().cells()[badSlot])
        + ": expected a finite number, found "
        + (validity.hasNulls() && validity.isNull(at) ? "null" : values[badSlot]);
  }

  @Override
  public boolean nonFinite() {
    return badSlot >= 0;
  }

  @Override
  double roundoff() {
    return float32 ? FLOAT32_ROUNDOFF : super.roundoff();
  }

  @Override
  public void close() {
    try {
      columns.close();
    } finally {
      closeQuietly(reader);
      closeQuietly(input);
    }
  }

  /** What was read of a file is good, whether closing it fails or not. */
  private static void closeQuietly(@Nullable AutoCloseable open) {
    try {
      if (open != null) {
        open.close();
      }
    } catch (Exception _) {
      // see above
    }
  }
}
