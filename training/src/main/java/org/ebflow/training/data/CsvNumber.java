package org.ebflow.training.data;

import ch.randelshofer.fastdoubleparser.JavaDoubleParser;
import java.util.Locale;

/**
 * A number in a CSV cell: a decimal literal, or one of the words numpy, pandas and R write for NaN
 * and ±Inf; an empty cell is a missing value, NaN.
 */
final class CsvNumber {
  private CsvNumber() {}

  /**
   * The value of a cell, correctly rounded.
   *
   * @throws NumberFormatException if the text is not a number
   */
  static double parse(char[] text, int offset, int length) {
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
    boolean signed = word.startsWith("-") || word.startsWith("+");
    double magnitude =
        switch ((signed ? word.substring(1) : word).toLowerCase(Locale.ROOT)) {
          case "nan" -> Double.NaN;
          case "inf", "infinity" -> Double.POSITIVE_INFINITY;
          default -> throw new NumberFormatException();
        };
    return word.startsWith("-") ? -magnitude : magnitude;
  }

  static boolean isNumber(String cell) {
    try {
      parse(cell.toCharArray(), 0, cell.length());
      return !cell.isBlank();
    } catch (NumberFormatException e) {
      return false;
    }
  }
}
