package org.ebflow.training.data;

import java.io.CharArrayReader;
import java.io.IOException;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import org.ebflow.flow.InvalidInputException;
import org.jspecify.annotations.Nullable;

/**
 * Some lines of a CSV text, parsed apart from all others.
 *
 * <p>That is right where none of their cells is in quotes: then no line break is inside a cell, and
 * each line is a record. {@link #alone} tells.
 */
final class CsvChunk {
  private final char[] text;
  private final int length;
  private final int dimension;
  private final Map<Integer, BadRow> bad = new HashMap<>();
  private double[] values = new double[0];
  private int[] lines = new int[0];
  private @Nullable String @Nullable [] ids;
  private int rows;
  private long lastLine;
  private boolean alone = true;

  /** Why a row can't be used. */
  record BadRow(String problem, boolean nonFinite) {}

  /**
   * @param text whole lines, given away
   * @param length characters of it that count
   * @param dimension values of a row
   */
  CsvChunk(char[] text, int length, int dimension) {
    this.text = text;
    this.length = length;
    this.dimension = dimension;
  }

  /**
   * Parses the lines.
   *
   * @param skipped records at the start that are known already, of any kind
   */
  void parse(
      InputFile file,
      TableOptions options,
      CsvColumns columns,
      CsvEncoding encoding,
      long skipped) {
    CsvRow row = new CsvRow(options.decimalComma());
    double[] current = new double[dimension];
    row.readInto(columns, current);
    boolean withIds = columns.choice().id() >= 0;
    try (CsvRecords<CsvRow> records = new CsvRecords<>(file, options, row, encoding, text(), 0)) {
      long record = 0;
      for (; records.next(); record++) {
        lastLine = row.line();
        if (record < skipped) {
          continue;
        }
        if (row.quoted()) {
          alone = false;
          return;
        }
        if (!row.blank() || columns.width() == 1) {
          add(row, current, withIds);
        }
      }
      alone = record > skipped; // or the last record may have more lines than one
    } catch (IOException | InvalidInputException _) { // in quotes that are still open at the end
      alone = false;
    }
  }

  private void add(CsvRow row, double[] current, boolean withIds) {
    if (rows == lines.length) {
      lines = Arrays.copyOf(lines, Math.max(64, 2 * rows));
      values = Arrays.copyOf(values, lines.length * dimension);
      ids =
          withIds
              ? ids == null ? new String[lines.length] : Arrays.copyOf(ids, lines.length)
              : null;
    }
    System.arraycopy(current, 0, values, rows * dimension, dimension);
    lines[rows] = (int) row.line();
    if (ids != null) {
      ids[rows] = row.id();
    }
    String problem = row.problem();
    if (problem != null) {
      bad.put(rows, new BadRow(problem, row.nonFinite()));
    }
    rows++;
  }

  /** Whether it could be parsed apart from the others; if not, none of its rows count. */
  boolean alone() {
    return alone;
  }

  int rows() {
    return rows;
  }

  /** Number of its lines. */
  long lines() {
    return lastLine;
  }

  /** Line of a row, from 1 in the chunk. */
  int line(int row) {
    return lines[row];
  }

  @Nullable String id(int row) {
    return ids == null ? null : ids[row];
  }

  @Nullable BadRow bad(int row) {
    return bad.get(row);
  }

  /** Number of good rows from {@code row} on, at most so many. */
  int good(int row, int most) {
    int end = Math.min(rows, row + most);
    if (bad.isEmpty()) {
      return end - row;
    }
    int at = row;
    while (at < end && !bad.containsKey(at)) {
      at++;
    }
    return at - row;
  }

  /** Copies rows to {@code target[at…]}. */
  void copy(int row, int count, double[] target, int at) {
    System.arraycopy(values, row * dimension, target, at, count * dimension);
  }

  /** The text, to be read in another way. */
  CharArrayReader text() {
    return new CharArrayReader(text, 0, length);
  }
}
