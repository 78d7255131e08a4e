package org.ebflow.training.data;

import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/** Which cells of a CSV record are read, and as what: settled by the first record. */
final class CsvColumns {
  /** Slot of a cell that is not read. */
  static final int IGNORED = -1;

  /** Slot of the cell that identifies the row. */
  static final int ID = -2;

  private final boolean header;
  private final List<String> names;
  private final int[] slots;
  private final List<String> chosen;

  private CsvColumns(boolean header, List<String> names, int[] slots, List<String> chosen) {
    this.header = header;
    this.names = names;
    this.slots = slots;
    this.chosen = chosen;
  }

  /**
   * Reads the first record: it holds names if it has text and none of its cells is a number.
   *
   * @param columns names to read in this order; empty: all but {@code idColumn}
   */
  static CsvColumns of(
      InputFile file, List<String> first, List<String> columns, @Nullable String idColumn) {
    if (first.stream()
        .anyMatch(
            cell -> cell.chars().anyMatch(c -> c < ' ' && c != '\t' && c != '\n' && c != '\r'))) {
      throw file.invalid("expected comma-separated text, found binary data in line 1");
    }
    if (first.stream().anyMatch(cell -> cell.indexOf('\uFFFD') >= 0)) {
      throw file.invalid("expected UTF-8 text, found other bytes in line 1");
    }
    boolean header =
        first.stream().noneMatch(CsvNumber::isNumber)
            && first.stream().anyMatch(cell -> !cell.isBlank());
    if (!header && (!columns.isEmpty() || idColumn != null)) {
      throw file.invalid("expected a first line with column names, found numbers");
    }
    List<String> names = first.stream().map(String::strip).toList();
    int[] slots = new int[names.size()];
    Arrays.fill(slots, IGNORED);
    if (idColumn != null) {
      slots[cellOf(file, names, idColumn)] = ID;
    }
    if (columns.isEmpty()) {
      int slot = 0;
      for (int cell = 0; cell < slots.length; cell++) {
        slots[cell] = slots[cell] == ID ? ID : slot++;
      }
    } else {
      choose(file, names, columns, slots);
    }
    if (Arrays.stream(slots).noneMatch(slot -> slot >= 0)) {
      throw file.invalid("expected a column with values, found only the id column");
    }
    List<String> chosen =
        !header
            ? List.of()
            : columns.isEmpty()
                ? IntStream.range(0, slots.length)
                    .filter(cell -> slots[cell] >= 0)
                    .mapToObj(names::get)
                    .toList()
                : columns;
    return new CsvColumns(header, names, slots, chosen);
  }

  private static void choose(
      InputFile file, List<String> names, List<String> columns, int[] slots) {
    Map<String, Integer> cells = HashMap.newHashMap(names.size());
    for (int cell = 0; cell < names.size(); cell++) {
      cells.merge(names.get(cell), cell, (_, _) -> IGNORED);
    }
    for (int slot = 0; slot < columns.size(); slot++) {
      Integer cell = cells.get(columns.get(slot));
      if (cell == null || cell == IGNORED) {
        cellOf(file, names, columns.get(slot));
      } else if (slots[cell] != IGNORED) {
        throw file.invalid(
            "expected each column to be asked for once, found " + columns.get(slot) + " twice");
      } else {
        slots[cell] = slot;
      }
    }
  }

  private static int cellOf(InputFile file, List<String> names, String name) {
    int cell = names.indexOf(name);
    if (cell < 0) {
      String known =
          names.stream().limit(10).collect(Collectors.joining(", "))
              + (names.size() > 10 ? ", …" : "");
      throw file.invalid("expected a column " + name + ", found " + known);
    }
    if (names.lastIndexOf(name) != cell) {
      throw file.invalid("expected one column " + name + ", found several");
    }
    return cell;
  }

  /** Whether the first record holds names. */
  boolean header() {
    return header;
  }

  /** Cells per record. */
  int width() {
    return slots.length;
  }

  /** Place of a cell among the values, {@link #IGNORED} or {@link #ID}. */
  int slot(int cell) {
    return slots[cell];
  }

  /** Number of cells read as values. */
  int dimension() {
    return (int) Arrays.stream(slots).filter(slot -> slot >= 0).count();
  }

  /** Names of the values, in their order; empty without a header. */
  List<String> chosen() {
    return chosen;
  }

  /** How a message calls a cell: "column 3" or "column 3 (weight)". */
  String called(int cell) {
    return "column " + (cell + 1) + (header ? " (" + names.get(cell) + ")" : "");
  }
}
