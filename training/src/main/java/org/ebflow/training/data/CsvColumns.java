package org.ebflow.training.data;

import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/** Which cells of a CSV record are read, and as what: settled by the first record. */
final class CsvColumns {
  /** Slot of a cell that is not read. */
  static final int IGNORED = -1;

  /** Slot of the cell that identifies the row. */
  static final int ID = -2;

  /** No name, or what pandas calls a column without one that it has read. */
  private static final Pattern UNNAMED = Pattern.compile("(Unnamed: [0-9]+(\\.[0-9]+)*)?");

  /** Between numbers. */
  private static final Pattern SEMICOLON = Pattern.compile("[0-9.]\\s*;\\s*[-+0-9.]");

  private final boolean header;
  private final List<String> names;

  /** Whether the values' columns were chosen by their names. */
  private final boolean named;

  /** Cell of each value. */
  private final int[] cells;

  /** Slot of each cell. */
  private final int[] slots;

  private CsvColumns(boolean header, List<String> names, boolean named, int[] cells, int id) {
    this.header = header;
    this.names = names;
    this.named = named;
    this.cells = cells;
    slots = new int[names.size()];
    Arrays.fill(slots, IGNORED);
    if (id >= 0) {
      slots[id] = ID;
    }
    for (int slot = 0; slot < cells.length; slot++) {
      slots[cells[slot]] = slot;
    }
  }

  /** Reads the first record, names or numbers, and settles by the options which cells are read. */
  static CsvColumns of(InputFile file, List<String> first, TableOptions options) {
    if (first.stream()
        .anyMatch(
            cell -> cell.chars().anyMatch(c -> c < ' ' && c != '\t' && c != '\n' && c != '\r'))) {
      throw file.invalid("expected comma-separated text, found binary data in line 1");
    }
    if (first.stream().anyMatch(cell -> cell.indexOf('\uFFFD') >= 0)) {
      throw file.invalid(
          "expected text, found U+FFFD in line 1, which an earlier wrong decoding left");
    }
    if (first.stream().anyMatch(cell -> SEMICOLON.matcher(cell).find())
        || (options.header() == TableOptions.Header.AUTO
            && first.size() == 1
            && first.getFirst().indexOf(';') > 0)) {
      throw file.invalid("expected commas between cells, found semicolons in line 1");
    }
    List<String> names = first.stream().map(String::strip).toList();
    boolean header = CsvHeader.holdsNames(file, names, options);
    String idColumn = options.idColumn();
    int id = idColumn == null ? -1 : cellOf(file, names, idColumn);
    ModelColumns model = options.model();
    List<String> wanted = wanted(header, options);
    int[] cells =
        !wanted.isEmpty()
            ? choose(file, names, wanted, id)
            : !header && model != null
                ? model.cellsOf(names.size())
                : IntStream.range(0, names.size()).filter(cell -> cell != id).toArray();
    if (cells.length == 0) {
      throw file.invalid("expected a column with values, found only the id column");
    }
    return new CsvColumns(header, names, !wanted.isEmpty(), cells, id);
  }

  /** Names of the columns to read; empty: all. */
  private static List<String> wanted(boolean header, TableOptions options) {
    List<String> asked = options.columns();
    List<String> known = options.model() == null ? List.of() : options.model().names();
    boolean permuted =
        asked.size() == known.size() && new HashSet<>(asked).equals(new HashSet<>(known));
    return header && (asked.isEmpty() || permuted) ? known : asked;
  }

  private static int[] choose(InputFile file, List<String> names, List<String> wanted, int id) {
    Map<String, Integer> places = HashMap.newHashMap(names.size());
    for (int cell = 0; cell < names.size(); cell++) {
      places.merge(names.get(cell), cell, (_, _) -> IGNORED);
    }
    int[] cells = new int[wanted.size()];
    Set<Integer> taken = new HashSet<>(Set.of(id));
    for (int slot = 0; slot < cells.length; slot++) {
      String name = wanted.get(slot);
      cells[slot] = places.getOrDefault(name, IGNORED);
      if (cells[slot] == IGNORED) {
        cellOf(file, names, name);
      } else if (!taken.add(cells[slot])) {
        throw file.invalid("expected each column to be asked for once, found " + name + " twice");
      }
    }
    return cells;
  }

  /** These without the cells of an index. */
  CsvColumns without(List<Integer> index) {
    return new CsvColumns(
        header,
        names,
        named,
        Arrays.stream(cells).filter(cell -> !index.contains(cell)).toArray(),
        IntStream.range(0, slots.length).filter(cell -> slots[cell] == ID).findFirst().orElse(-1));
  }

  /**
   * Cells in front of the first that has a name which are read as values all the same; there are
   * several where an index was written, read as a column and written again.
   */
  List<Integer> unnamedInFront() {
    int front = 0;
    while (front < names.size() && UNNAMED.matcher(names.get(front)).matches()) {
      front++;
    }
    return header && !named && front < names.size()
        ? IntStream.range(0, front).filter(cell -> slots[cell] >= 0).boxed().toList()
        : List.of();
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

  /** Cells read as values, in the values' order. */
  int[] cells() {
    return cells;
  }

  /** Names of the values, in their order; empty without a header. */
  List<String> chosen() {
    return header ? Arrays.stream(cells).mapToObj(names::get).toList() : List.of();
  }

  /** How a message calls a cell: "column 3" or "column 3 (weight)". */
  String called(int cell) {
    return "column " + (cell + 1) + (header ? " (" + names.get(cell) + ")" : "");
  }
}
