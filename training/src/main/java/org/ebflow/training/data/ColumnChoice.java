package org.ebflow.training.data;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.IntPredicate;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.ebflow.flow.InvalidInputException;

/**
 * Which columns of a file become the values of a row, and which one its id: the one place that
 * decides it, for all formats. A column that is asked for by name, or that a model needs, may be
 * the id too.
 *
 * <p>Columns are chosen by the names of the file; where it has none, by their numbers from 1.
 *
 * @param names of all columns of the file; their numbers where it has none
 * @param named whether the file has names
 * @param chosen whether the values' columns were chosen by their names
 * @param cells column of each value, from 0
 * @param id column of the id, from 0; -1: none
 */
record ColumnChoice(List<String> names, boolean named, boolean chosen, int[] cells, int id) {
  private static final int MOST_SHOWN = 10;
  private static final int NONE = -1;

  /** Between the first and the last name of a range. */
  private static final String RANGE = "..";

  /** The exception for something found in a table. */
  @FunctionalInterface
  interface Complaint {
    /** {@code complaint} reads "expected …, found …". */
    InvalidInputException invalid(String complaint);
  }

  /** All of {@code width} columns without names. */
  static ColumnChoice all(int width) {
    return new ColumnChoice(numbers(width), false, false, ColumnPlaces.all(width), NONE);
  }

  /** Chooses among columns with names. */
  static ColumnChoice ofNamed(InputFile file, List<String> names, TableOptions options) {
    return of(file::invalid, names, true, options);
  }

  /** Chooses among {@code width} columns without names. */
  static ColumnChoice ofNumbered(InputFile file, int width, TableOptions options) {
    return of(file::invalid, numbers(width), false, options);
  }

  private static List<String> numbers(int width) {
    return IntStream.rangeClosed(1, width).mapToObj(Integer::toString).toList();
  }

  /** Chooses among columns of anything that complains by {@code table}. */
  static ColumnChoice of(Complaint table, List<String> names, boolean named, TableOptions options) {
    Places places = new Places(table, names);
    int id = options.idColumn() == null ? NONE : places.of(options.idColumn());
    Set<Integer> dropped = new HashSet<>(places.ofAll(options.drop()));
    ModelColumns model = options.model();
    List<Integer> wanted = wanted(places, named, options);
    if (wanted.stream().anyMatch(dropped::contains)) {
      throw table.invalid("expected the columns of the model, found one of them among --drop");
    }
    int[] cells =
        !wanted.isEmpty()
            ? distinct(table, names, wanted)
            : without(names.size(), cell -> cell == id || dropped.contains(cell));
    if (wanted.isEmpty() && model != null && dropped.isEmpty()) {
      int[] known = named ? ColumnPlaces.all(names.size()) : model.cellsOf(names.size());
      boolean ofModel = known.length < names.size() || known.length == model.dimension();
      cells = ofModel || id == NONE ? known : cells; // a column may be the id and a value
    }
    if (cells.length == 0) {
      throw table.invalid(
          "expected a column with values, found "
              + (dropped.isEmpty() ? "only the id column" : "none that is not dropped"));
    }
    return new ColumnChoice(names, named, !wanted.isEmpty(), cells, id);
  }

  /** The columns asked for, or those that a model knows by name; empty: all. */
  private static List<Integer> wanted(Places places, boolean named, TableOptions options) {
    List<String> known =
        named && options.model() != null ? options.model().names() : List.<String>of();
    if (options.columns().isEmpty()) {
      return places.ofEach(known);
    }
    List<Integer> asked = places.ofAll(options.columns());
    if (asked.size() != known.size()) {
      return asked;
    }
    List<String> askedNames = asked.stream().map(places.names::get).toList();
    return new HashSet<>(askedNames).equals(new HashSet<>(known)) ? places.ofEach(known) : asked;
  }

  private static int[] distinct(Complaint table, List<String> names, List<Integer> wanted) {
    Set<Integer> taken = new HashSet<>();
    for (int cell : wanted) {
      if (!taken.add(cell)) {
        throw table.invalid(
            "expected each column to be asked for once, found " + names.get(cell) + " twice");
      }
    }
    return wanted.stream().mapToInt(Integer::intValue).toArray();
  }

  private static int[] without(int width, IntPredicate leftOut) {
    return IntStream.range(0, width).filter(leftOut.negate()).toArray();
  }

  /** The same without some columns. */
  ColumnChoice without(List<Integer> leftOut) {
    int[] kept = Arrays.stream(cells).filter(cell -> !leftOut.contains(cell)).toArray();
    return new ColumnChoice(names, named, chosen, kept, id);
  }

  /** Names of the values, in their order; empty where the file has none. */
  List<String> valueNames() {
    return named ? Arrays.stream(cells).mapToObj(names::get).toList() : List.of();
  }

  /** Where the values stand in the file. */
  ColumnPlaces places() {
    return ColumnPlaces.of(names.size(), cells);
  }

  /** How a message calls a column: "column 3" or "column 3 (weight)". */
  String called(int cell) {
    return "column " + (cell + 1) + (named ? " (" + names.get(cell) + ")" : "");
  }

  /** Finds columns by name. */
  private static final class Places {
    private final Complaint table;
    private final List<String> names;
    private final Map<String, Integer> cells;

    Places(Complaint table, List<String> names) {
      this.table = table;
      this.names = names;
      cells = HashMap.newHashMap(names.size());
      for (int cell = 0; cell < names.size(); cell++) {
        cells.merge(names.get(cell), cell, (_, _) -> NONE);
      }
    }

    int of(String name) {
      Integer cell = cells.get(name);
      if (cell == null) {
        throw table.invalid("expected a column " + name + ", found " + known());
      }
      if (cell == NONE) {
        throw table.invalid("expected one column " + name + ", found several");
      }
      return cell;
    }

    /** Columns of names that are no ranges. */
    List<Integer> ofEach(List<String> wanted) {
      return wanted.stream().map(this::of).toList();
    }

    /** Columns of names and of ranges FIRST..LAST. */
    List<Integer> ofAll(List<String> wanted) {
      List<Integer> found = new ArrayList<>();
      for (String name : wanted) {
        int dots = name.indexOf(RANGE);
        if (dots <= 0 || cells.containsKey(name)) {
          found.add(of(name));
          continue;
        }
        int first = of(name.substring(0, dots).strip());
        int last = of(name.substring(dots + RANGE.length()).strip());
        if (first > last) {
          throw table.invalid(
              "expected a range from left to right, found " + name + " in the other direction");
        }
        IntStream.rangeClosed(first, last).forEach(found::add);
      }
      return found;
    }

    private String known() {
      return names.stream().limit(MOST_SHOWN).collect(Collectors.joining(", "))
          + (names.size() > MOST_SHOWN ? ", …" : "");
    }
  }
}
