package org.ebflow.training.data;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.ebflow.flow.InvalidInputException;

/** Whether the first record of a CSV table holds names: {@link TableOptions.Header}. */
final class CsvHeader {
  private static final int MOST_SHOWN = 10;

  /** Numbers of columns, few enough digits for an int. */
  private static final Pattern NUMBERS = Pattern.compile("[0-9]{1,9}(\\.\\.[0-9]{1,9})?");

  /** Whole numbers below are told from their neighbours. */
  private static final double MOST_WHOLE = 0x1p53;

  /** Steps that differ by less, relatively, are even. */
  private static final double EVEN = 1e-9;

  /** What a cell of the first record speaks for. */
  private enum Cell {
    /** A finite number. */
    NUMBER,
    /** A missing value, NaN or ±Inf, or nothing but punctuation: a name only among names. */
    NO_VALUE,
    /** A name, or a row's wrong cell. */
    TEXT
  }

  private CsvHeader() {}

  /**
   * Decides.
   *
   * @param first cells of the first record, stripped
   * @throws InvalidInputException if names are asked for that can't be there, or if the record may
   *     be either
   */
  static boolean holdsNames(InputFile file, List<String> first, TableOptions options) {
    List<String> asked = new ArrayList<>(options.columns());
    asked.addAll(options.drop());
    if (options.idColumn() != null) {
      asked.add(options.idColumn());
    }
    return switch (options.header()) {
      case YES -> true;
      case NO -> {
        if (!asked.stream().allMatch(name -> isNumberUpTo(first.size(), name))) {
          throw file.invalid(
              "expected a header with the names of columns, or numbers of columns, found --header no");
        }
        yield false;
      }
      case AUTO ->
          asked.isEmpty() ? told(file, first, options) : asked(file, first, asked, options);
    };
  }

  /** Whether it is the number of a column, from 1, or a range of them. */
  private static boolean isNumberUpTo(int width, String name) {
    return NUMBERS.matcher(name).matches()
        && Arrays.stream(name.split("\\.\\."))
            .mapToInt(Integer::parseInt)
            .allMatch(number -> number >= 1 && number <= width);
  }

  /** Names are needed: only a record that can't hold them is refused here. */
  private static boolean asked(
      InputFile file, List<String> first, List<String> asked, TableOptions options) {
    if (first.stream().anyMatch(cell -> kind(cell, options) == Cell.TEXT)
        || first.stream().anyMatch(asked::contains)) {
      return true;
    }
    throw file.invalid("expected a first line with column names, found numbers");
  }

  private static boolean told(InputFile file, List<String> first, TableOptions options) {
    List<String> known = options.model() == null ? List.of() : options.model().names();
    boolean allKnown = !known.isEmpty() && new HashSet<>(first).containsAll(known);
    if (allKnown
        && (first.equals(known)
            || first.size() > known.size() // as a row it would be too long
            || known.stream().anyMatch(name -> kind(name, options) == Cell.TEXT))) {
      return true;
    }
    double[] numbers = numbers(first, options);
    boolean text = first.stream().anyMatch(cell -> kind(cell, options) == Cell.TEXT);
    if (numbers.length == 0) {
      return text;
    }
    int unnamed = first.getFirst().isEmpty() ? 1 : 0; // pandas: an index has no name
    boolean complete = numbers.length + unnamed == first.size();
    if (allKnown || (mayBeNames(numbers) && (text || complete))) {
      throw file.invalid(
          "expected --header yes or --header no, found a first line that may hold names or numbers: "
              + first.stream().limit(MOST_SHOWN).collect(Collectors.joining(","))
              + (first.size() > MOST_SHOWN ? ",…" : ""));
    }
    return false;
  }

  private static double[] numbers(List<String> cells, TableOptions options) {
    return cells.stream()
        .filter(cell -> kind(cell, options) == Cell.NUMBER)
        .mapToDouble(
            cell -> CsvNumber.parse(cell.toCharArray(), 0, cell.length(), options.decimalComma()))
        .toArray();
  }

  private static Cell kind(String cell, TableOptions options) {
    try {
      return Double.isFinite(
              CsvNumber.parse(cell.toCharArray(), 0, cell.length(), options.decimalComma()))
          ? Cell.NUMBER
          : Cell.NO_VALUE;
    } catch (NumberFormatException _) {
      return cell.codePoints().anyMatch(Character::isLetterOrDigit) ? Cell.TEXT : Cell.NO_VALUE;
    }
  }

  /** Whole numbers that rise or fall, as 0,1,2 and 2020,2019; or numbers in even steps. */
  private static boolean mayBeNames(double[] numbers) {
    boolean whole = numbers.length > 0;
    boolean even = numbers.length > 2;
    for (int i = 0; i < numbers.length; i++) {
      whole &= numbers[i] == Math.rint(numbers[i]) && Math.abs(numbers[i]) < MOST_WHOLE;
      if (i > 0) {
        double first = numbers[1] - numbers[0];
        double step = numbers[i] - numbers[i - 1];
        if (first * step <= 0) {
          return false;
        }
        even &= Math.abs(step - first) <= EVEN * Math.abs(first);
      }
    }
    return whole || even;
  }
}
