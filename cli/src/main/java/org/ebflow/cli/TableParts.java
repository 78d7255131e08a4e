package org.ebflow.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.ebflow.flow.InvalidInputException;
import org.ebflow.training.data.FileFormat;
import org.jspecify.annotations.Nullable;

/**
 * The files of a table that lies in parts, named NAME-train, NAME-test and NAME-anomalies.
 *
 * @param anomalies null where there are none
 */
record TableParts(Path train, Path test, @Nullable Path anomalies) {
  private static final Pattern PART = Pattern.compile("(.+)-(train|test|anomalies)\\..+");

  /**
   * The tables of a folder by name. One without a training or a test part is none.
   *
   * @param names which of them, all where it is empty
   * @throws InvalidInputException if one of them is not there, none is, or a part has two files
   */
  static SortedMap<String, TableParts> in(Path folder, List<String> names) {
    SortedMap<String, Map<String, Path>> files = new TreeMap<>();
    try (Stream<Path> listed = Files.list(folder)) {
      listed
          .sorted()
          .filter(file -> FileFormat.ofInput(file).isTable())
          .forEach(
              file -> {
                Matcher name = PART.matcher(file.getFileName().toString());
                if (name.matches()) {
                  Path other =
                      files
                          .computeIfAbsent(name.group(1), _ -> new TreeMap<>())
                          .putIfAbsent(name.group(2), file);
                  if (other != null) {
                    throw new InvalidInputException(
                        file + ": expected one file of this part, found " + other.getFileName());
                  }
                }
              });
    } catch (IOException e) {
      throw new InvalidInputException(
          folder
              + ": expected a folder of tables, found "
              + (Files.exists(folder) ? "a file" : "nothing"),
          e);
    }
    files.values().removeIf(of -> !of.containsKey("train") || !of.containsKey("test"));
    if (!names.isEmpty()) {
      for (String name : names) {
        if (!files.containsKey(name)) {
          throw new InvalidInputException(
              folder
                  + ": expected "
                  + name
                  + "-train and "
                  + name
                  + "-test, found "
                  + (files.isEmpty() ? "no such pair" : String.join(", ", files.keySet())));
        }
      }
      files.keySet().retainAll(names);
    }
    if (files.isEmpty()) {
      throw new InvalidInputException(
          folder + ": expected NAME-train.csv and NAME-test.csv, or .npy, found no such pair");
    }
    SortedMap<String, TableParts> parts = new TreeMap<>();
    files.forEach(
        (name, of) ->
            parts.put(
                name,
                new TableParts(
                    Objects.requireNonNull(of.get("train")),
                    Objects.requireNonNull(of.get("test")),
                    of.get("anomalies"))));
    return parts;
  }
}
