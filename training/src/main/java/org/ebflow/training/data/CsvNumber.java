package org.ebflow.training.data;

import ch.randelshofer.fastdoubleparser.JavaDoubleParser;
import java.util.Arrays;
import java.util.Locale;
import java.util.Set;

/**
 * A number in a CSV cell: a decimal literal, or one of the words numpy, pandas and R write for NaN
 * and ±Inf. An empty cell and the words for a missing value are NaN.
 */
public final class CsvNumber {
  /** What pandas reads as missing by default, in its case, and the question mark of UCI tables. */
  private static final Set<String> MISSING =
      Set.of(
          "NA",
          "N/A",
          "n/a",
          "NULL",
          "null",
          "None",
          "<NA>",
          "#N/A",
          "#N/A N/A",
          "#NA",
          "1.#IND",
          "-1.#IND",
          "1.#QNAN",
          "-1.#QNAN",
          "?");

  private CsvNumber() {}

  /**
   * The value of a cell, correctly rounded; NaN where it says that a value is missing.
   *
   * @throws NumberFormatException if the text is neither a number nor a missing value
   */
  public static double parse(String cell) {
    return parse(cell.toCharArray(), 0, cell.length());
  }

  /**
   * The value of a cell, correctly rounded.
   *
   * @param decimalComma whether a comma stands for the point, which is then none
   * @throws NumberFormatException if the text is neither a number nor a missing value
   */
  static double parse(char[] text, int offset, int length, boolean decimalComma) {
    if (!decimalComma) {
      return parse(text, offset, length);
    }
    char[] cell = Arrays.copyOfRange(text, offset, offset + length);
    boolean digits = false;
    for (int i = 0; i < length; i++) {
      digits |= cell[i] >= '0' && cell[i] <= '9';
    }
    for (int i = 0; digits && i < length; i++) {
      cell[i] = cell[i] == ',' ? '.' : cell[i] == '.' ? ',' : cell[i];
    }
    return parse(cell, 0, length);
  }

  private static double parse(char[] text, int offset, int length) {
    int from = offset;
    int to = offset + length;
    while (from < to && text[from] <= ' ') {
      from++;
    }
    while (from < to && text[to - 1] <= ' ') {
      to--;
    }
    if (from == to) {
      return Double.NaN;
    }
    char last = text[to - 1];
    if ((last >= '0' && last <= '9')
        || last == '.') { // Java's own literals may end in d or f, a data file's may not
      return JavaDoubleParser.parseDouble(text, from, to - from);
    }
    return word(new String(text, from, to - from));
  }

  private static double word(String word) {
    if (MISSING.contains(word)) {
      return Double.NaN;
    }
    boolean signed = word.startsWith("-") || word.startsWith("+");
    double magnitude =
        switch ((signed ? word.substring(1) : word).toLowerCase(Locale.ROOT)) {
          case "nan" -> Double.NaN;
          case "inf", "infinity" -> Double.POSITIVE_INFINITY;
          default -> throw new NumberFormatException();
        };
    return word.startsWith("-") ? -magnitude : magnitude;
  }
}
