package org.ebflow.training.data;

import java.io.IOException;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Rows of a comma-separated text (RFC 4180), with or without a first line of names.
 *
 * <p>A blank line (nothing, or white space) is a row with a missing value where the table has one
 * column, and no row where it has more. Above a header it is nothing in either.
 */
final class CsvTable extends TableReader {
  /** Bytes from which on a text is parsed in chunks. */
  private static final long LARGE = 1 << 20;

  private final CsvRow current;
  private final CsvColumns columns;

  /** Null where the text is small. */
  private final @Nullable CsvChunks chunks;

  /** One record after the other: all of a small text, and what comes behind the chunks. */
  private CsvRecords<CsvRow> records;

  /** Lines before those that {@link #records} count. */
  private long linesBefore;

  private boolean inChunks;
  private @Nullable CsvChunk chunk;
  private int nextInChunk;

  /** The current row in its chunk; -1 where it is none of a chunk. */
  private int inChunk = -1;

  /** Blank lines above the first record that are rows. */
  private final long leadingRows;

  private boolean firstPending;
  private long row;

  private CsvTable(
      CsvRecords<CsvRow> records,
      CsvRow current,
      CsvColumns columns,
      long blankLines,
      @Nullable CsvChunks chunks,
      @Nullable String note) {
    super(columns.choice(), note);
    this.chunks = chunks;
    inChunks = chunks != null;
    this.records = records;
    this.current = current;
    this.columns = columns;
    firstPending = !columns.choice().named();
    leadingRows = firstPending && columns.width() == 1 ? blankLines : 0;
    current.readInto(columns, values);
  }

  static CsvTable open(InputFile file, TableOptions options) throws IOException {
    boolean large = file.compressed() || file.contentLength() >= LARGE;
    return open(file, options, large ? CsvChunks.CHARACTERS : 0);
  }

  /**
   * @param chunkCharacters of the chunks that are parsed on all cores; 0 for none
   */
  static CsvTable open(InputFile file, TableOptions options, int chunkCharacters)
      throws IOException {
    CsvRow row = new CsvRow(options.decimalComma());
    CsvRecords<CsvRow> records = new CsvRecords<>(file, options, row);
    try {
      long blankLines = 0;
      while (true) {
        if (!records.next()) {
          throw file.invalid("expected rows of numbers, found no line of text");
        }
        if (!row.blank()) {
          break;
        }
        blankLines++;
      }
      CsvColumns columns = CsvColumns.of(file, row.firstCells(), options);
      String note = null;
      List<Integer> unnamed = columns.unnamedInFront();
      if (!unnamed.isEmpty()) {
        requireIndex(file, columns.width(), unnamed, options);
        columns = columns.without(unnamed);
        note =
            unnamed.size() == 1
                ? "left out the first column, which has no name and counts the rows"
                : "left out the first columns, which have no names and count the rows";
      }
      CsvChunks chunks =
          chunkCharacters == 0
              ? null
              : new CsvChunks(file, options, columns, blankLines + 1, chunkCharacters);
      if (chunks != null) {
        records.close();
      }
      return new CsvTable(records, row, columns, blankLines, chunks, note);
    } catch (IOException | RuntimeException e) {
      records.close();
      throw e;
    }
  }

  private static void requireIndex(
      InputFile file, int width, List<Integer> unnamed, TableOptions options) throws IOException {
    CsvIndex index = new CsvIndex(width, unnamed, options.decimalComma());
    try (CsvRecords<CsvIndex> records = new CsvRecords<>(file, options, index)) {
      if (!index.counts(records)) {
        throw file.invalid(
            "expected a first column with a name or with an index that counts the rows, found neither (choose by --columns; a column without a name is \"\")");
      }
    }
  }

  @Override
  public boolean next() {
    inChunk = -1;
    if (row < leadingRows) {
      current.takeBlankLine(row + 1);
    } else if (firstPending) {
      firstPending = false;
      current.takeFirstCells();
    } else if (moreInChunks()) {
      takeFromChunk(1, values, 0);
      return true;
    } else {
      do {
        if (!records.next()) {
          return false;
        }
      } while (current.blank() && columns.width() > 1);
    }
    row++;
    return true;
  }

  @Override
  public int nextGood(double[] target, int at, int most) {
    if (row < leadingRows || firstPending || !moreInChunks()) {
      return 0;
    }
    int good = Objects.requireNonNull(chunk).good(nextInChunk, most);
    if (good > 0) {
      takeFromChunk(good, target, at);
    }
    return good;
  }

  /** Whether the next row is one of a chunk; if not, {@link #records} go on. */
  private boolean moreInChunks() {
    while (inChunks && (chunk == null || nextInChunk == chunk.rows())) {
      CsvChunks all = Objects.requireNonNull(chunks);
      chunk = all.next();
      nextInChunk = 0;
      if (chunk == null) {
        inChunks = false;
        linesBefore = all.linesBefore();
        records = all.rest(current);
      }
    }
    return inChunks;
  }

  private void takeFromChunk(int count, double[] target, int at) {
    Objects.requireNonNull(chunk).copy(nextInChunk, count, target, at);
    nextInChunk += count;
    inChunk = nextInChunk - 1;
    row += count;
  }

  @Override
  public long row() {
    return row;
  }

  @Override
  public long line(int before) {
    return inChunk < 0
        ? linesBefore + current.line()
        : Objects.requireNonNull(chunks).linesBefore() + currentChunk().line(inChunk - before);
  }

  private CsvChunk currentChunk() {
    return Objects.requireNonNull(chunk);
  }

  @Override
  public String id() {
    String id = inChunk < 0 ? current.id() : currentChunk().id(inChunk);
    return id == null ? Long.toString(row) : id;
  }

  @Override
  public @Nullable String problem() {
    if (inChunk < 0) {
      return current.problem();
    }
    CsvChunk.BadRow bad = currentChunk().bad(inChunk);
    return bad == null ? null : bad.problem();
  }

  @Override
  public boolean nonFinite() {
    if (inChunk < 0) {
      return current.nonFinite();
    }
    CsvChunk.BadRow bad = currentChunk().bad(inChunk);
    return bad != null && bad.nonFinite();
  }

  @Override
  public String place(int before) {
    return "row " + (row - before) + " (line " + line(before) + ")";
  }

  @Override
  public void close() throws IOException {
    try {
      records.close();
    } finally {
      if (chunks != null) {
        chunks.close();
      }
    }
  }
}
