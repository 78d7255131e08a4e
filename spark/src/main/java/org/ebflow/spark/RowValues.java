package org.ebflow.spark;

import java.io.Serial;
import java.io.Serializable;
import java.math.BigDecimal;
import java.util.Arrays;
import java.util.List;
import java.util.function.IntFunction;
import java.util.stream.Collectors;
import org.apache.spark.ml.linalg.Vector;
import org.apache.spark.sql.Row;
import org.ebflow.training.data.CsvNumber;
import org.jspecify.annotations.Nullable;
import scala.collection.Seq;

/**
 * Where in a row of Spark the values of a model's row stand.
 *
 * @param cells of one column each, in the model's order; one cell with a vector or an array where
 *     {@code nested}
 * @param names of those columns
 * @param nested whether one column holds all values
 * @param corrupt cell with the text of a line of CSV that has another number of cells; -1: none
 */
record RowValues(int[] cells, List<String> names, boolean nested, int corrupt)
    implements Serializable {
  @Serial private static final long serialVersionUID = 1;

  private static final int MOST_SHOWN = 10;

  RowValues {
    names = List.copyOf(names);
  }

  /**
   * Reads a row.
   *
   * @param target [dimension], overwritten
   * @return why the row can't be scored, or null
   */
  @Nullable String read(Row row, double[] target) {
    if (corrupt >= 0 && !row.isNullAt(corrupt)) {
      return "expected "
          + (row.size() - 1)
          + " cells, found another number in '"
          + abbreviated(row.getString(corrupt))
          + "'";
    }
    return nested ? readNested(row.get(cells[0]), target) : readCells(row, target);
  }

  private @Nullable String readNested(@Nullable Object value, double[] target) {
    return switch (value) {
      case null -> wrongSize(target.length, "null");
      case Vector vector -> {
        double[] elements = vector.toArray();
        yield readElements(elements.length, i -> elements[i], target);
      }
      case Seq<?> sequence -> readElements(sequence.size(), i -> sequence.apply(i), target);
      default -> throw new IllegalStateException("a column of " + value.getClass());
    };
  }

  private @Nullable String readElements(
      int size, IntFunction<@Nullable Object> elements, double[] target) {
    if (size != target.length) {
      return wrongSize(target.length, String.valueOf(size));
    }
    for (int i = 0; i < size; i++) {
      Object element = elements.apply(i);
      target[i] = number(element);
      if (!Double.isFinite(target[i])) {
        return called(0) + ": expected a finite number, found " + element + " as value " + (i + 1);
      }
    }
    return null;
  }

  private String wrongSize(int expected, String found) {
    return called(0) + ": expected " + expected + " values, found " + found;
  }

  private @Nullable String readCells(Row row, double[] target) {
    for (int i = 0; i < cells.length; i++) {
      Object value = row.get(cells[i]);
      try {
        target[i] = number(value);
      } catch (NumberFormatException e) {
        return called(i) + ": expected a number, found '" + value + "'";
      }
      if (!Double.isFinite(target[i])) {
        return called(i) + ": expected a finite number, found " + value;
      }
    }
    return null;
  }

  /** A number as readers of files have it; a missing value is NaN. */
  private static double number(@Nullable Object value) {
    return switch (value) {
      case null -> Double.NaN;
      case BigDecimal decimal -> decimal.doubleValue();
      case Number number -> number.doubleValue();
      case Boolean bit -> bit ? 1 : 0;
      case String cell -> CsvNumber.parse(cell);
      default -> throw new IllegalStateException("a column of " + value.getClass());
    };
  }

  /** The first values of a row, as a message shows them. */
  String shown(Row row) {
    if (nested) {
      return names.getFirst() + "=" + abbreviated(String.valueOf(row.get(cells[0])));
    }
    return Arrays.stream(cells)
            .limit(MOST_SHOWN)
            .mapToObj(cell -> row.schema().fieldNames()[cell] + "=" + row.get(cell))
            .collect(Collectors.joining(", "))
        + (cells.length > MOST_SHOWN ? ", …" : "");
  }

  private static String abbreviated(String text) {
    return text.length() > 200 ? text.substring(0, 200) + "…" : text;
  }

  private String called(int value) {
    return "column " + (cells[value] + 1) + " (" + names.get(value) + ")";
  }
}
