package org.ebflow.cli;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.ebflow.training.data.TableOptions;
import picocli.CommandLine.Option;
import tools.jackson.databind.json.JsonMapper;

/** Which columns of a table are read. */
final class ColumnOptions {
  private static final JsonMapper JSON = new JsonMapper();

  @Option(
      names = "--columns",
      paramLabel = "NAME,…",
      description =
          "Columns to read, by name or range FIRST..LAST, numbers from 1 where a table has no names; a name with a comma in double quotes. "
              + "Default: the model's by name, in training all.")
  private List<String> columns = List.of();

  @Option(
      names = "--drop",
      paramLabel = "NAME,…",
      description = "Columns to leave out, as --columns names them.")
  private List<String> drop = List.of();

  /** Whether any were given. */
  boolean given() {
    return !columns.isEmpty() || !drop.isEmpty();
  }

  /** The same table with those columns. */
  TableOptions of(TableOptions table) {
    return table.withColumns(names(columns)).withDrop(names(drop));
  }

  /** Those that were given, as values of a recipe by dotted key. */
  Map<String, String> recipe() {
    Map<String, String> changes = new LinkedHashMap<>();
    if (!columns.isEmpty()) {
      changes.put("data.columns", JSON.writeValueAsString(names(columns)));
    }
    if (!drop.isEmpty()) {
      changes.put("data.drop", JSON.writeValueAsString(names(drop)));
    }
    return changes;
  }

  private static List<String> names(List<String> lists) {
    return lists.stream().flatMap(list -> TableOptions.names(list).stream()).toList();
  }
}
