package org.ebflow.training.data;

import java.util.Arrays;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.IntStream;

/** Which cells of a CSV record are read, and as what: settled by the first record. */
final class CsvColumns {
  /** Slot of a cell that is not read. */
  static final int IGNORED = -1;

  /** No name, or what pandas calls a column without one that it has read. */
  private static final Pattern UNNAMED = Pattern.compile("(Unnamed: [0-9]+(\\.[0-9]+)*)?");

  /** Between numbers. */
  private static final Pattern SEMICOLON = Pattern.compile("[0-9.]\\s*;\\s*[-+0-9.]");

  private final ColumnChoice choice;

  /** Slot of each cell. */
  private final int[] slots;

  private CsvColumns(ColumnChoice choice) {
    this.choice = choice;
    slots = new int[choice.names().size()];
    Arrays.fill(slots, IGNORED);
    int[] cells = choice.cells();
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
    if (options.separator() == TableOptions.Separator.COMMA
        && (first.stream().anyMatch(cell -> SEMICOLON.matcher(cell).find())
            || (options.header() == TableOptions.Header.AUTO
                && first.size() == 1
                && first.getFirst().indexOf(';') > 0))) {
      throw file.invalid(
          "expected commas between cells, found semicolons in line 1 (--separator semicolon reads them)");
    }
    if (options.separator() != TableOptions.Separator.COMMA
        && !options.decimalComma()
        && options.header() == TableOptions.Header.AUTO
        && first.size() == 1
        && first.getFirst().indexOf(',') > 0) {
      throw file.invalid("expected the separator that was named, found commas in line 1");
    }
    List<String> names = first.stream().map(String::strip).toList();
    boolean header = CsvHeader.holdsNames(file, names, options);
    return new CsvColumns(
        header
            ? ColumnChoice.ofNamed(file, names, options)
            : ColumnChoice.ofNumbered(file, names.size(), options));
  }

  /** These without the cells of an index. */
  CsvColumns without(List<Integer> index) {
    return new CsvColumns(choice.without(index));
  }

  /**
   * Cells in front of the first that has a name which are read as values all the same; there are
   * several where an index was written, read as a column and written again.
   */
  List<Integer> unnamedInFront() {
    List<String> names = choice.names();
    int front = 0;
    while (front < names.size() && UNNAMED.matcher(names.get(front)).matches()) {
      front++;
    }
    return choice.named() && !choice.chosen() && front < names.size()
        ? IntStream.range(0, front).filter(cell -> slots[cell] >= 0).boxed().toList()
        : List.of();
  }

  /** What was chosen. */
  ColumnChoice choice() {
    return choice;
  }

  /** Cells per record. */
  int width() {
    return slots.length;
  }

  /** Place of a cell among the values, or {@link #IGNORED}. */
  int slot(int cell) {
    return slots[cell];
  }
}
