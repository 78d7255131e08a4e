package org.ebflow.cli;

import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import org.ebflow.flow.io.OneLine;

/** A table as aligned text: words to the left, numbers to the right. */
final class TextTable {
  private final List<String[]> rows = new ArrayList<>();

  /** With the names of its columns. */
  TextTable(String... header) {
    rows.add(header);
  }

  /** Adds a row with a cell for each column. */
  void add(String... cells) {
    if (cells.length != rows.getFirst().length) {
      throw new IllegalArgumentException(
          "TextTable.add: " + cells.length + " cells, expected " + rows.getFirst().length);
    }
    rows.add(Arrays.stream(cells).map(OneLine::name).toArray(String[]::new));
  }

  /** Two decimals. */
  static String number(double value) {
    return String.format(Locale.ROOT, "%.2f", value);
  }

  void print(PrintWriter out) {
    int columns = rows.getFirst().length;
    for (String[] row : rows) {
      StringBuilder line = new StringBuilder();
      for (int c = 0; c < columns; c++) {
        String padding = " ".repeat(width(c) - row[c].length());
        line.append(c == 0 ? "" : "  ").append(isNumeric(c) ? padding + row[c] : row[c] + padding);
      }
      out.println(line.toString().stripTrailing());
    }
  }

  private int width(int column) {
    return rows.stream().mapToInt(row -> row[column].length()).max().orElse(0);
  }

  private boolean isNumeric(int column) {
    return rows.stream()
        .skip(1)
        .anyMatch(
            row -> !row[column].isEmpty() && "+-0123456789".indexOf(row[column].charAt(0)) >= 0);
  }
}
