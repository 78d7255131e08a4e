package org.ebflow.training.data;

import java.io.IOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.stream.IntStream;
import org.ebflow.flow.InvalidInputException;
import org.ebflow.flow.MemoryNeed;

/**
 * A whole table: in memory, or mapped where it would take a large part of it. A plain NPY file is
 * mapped where it lies, any other table is written to a {@link ScratchFile} as it is read.
 *
 * @param dataset its rows, without those dropped
 * @param droppedRows rows left out because of missing values, NaN or ±Inf
 */
public record InMemoryTable(Dataset dataset, long droppedRows) {
  /** A table is large if it takes more than one part in so many of the Java heap. */
  private static final int LARGE = 4;

  /** Times that the number of every row is held while the order is split. */
  private static final int ORDERS = 3;

  private static final Logger LOGGER = System.getLogger(InMemoryTable.class.getName());

  /**
   * Reads all rows of a table in a format of {@link TableReader}.
   *
   * @param options among them whether rows with NaN, ±Inf or a missing value are left out and
   *     counted; otherwise they are errors
   * @throws InvalidInputException naming the first bad row
   */
  public static InMemoryTable read(Path file, TableOptions options) {
    return read(file, options, Runtime.getRuntime().maxMemory() / LARGE);
  }

  /**
   * Reads all rows of some tables of the same columns, one after the other.
   *
   * @throws InvalidInputException as {@link #read(Path, TableOptions)}, or if a table has other
   *     columns than the first
   */
  public static InMemoryTable read(InputFiles files, TableOptions options) {
    return read(files, options, Runtime.getRuntime().maxMemory() / LARGE);
  }

  /**
   * @param most bytes of values, as doubles, up to which a table is held in memory
   */
  static InMemoryTable read(Path file, TableOptions options, long most) {
    return read(new InputFiles(file, List.of(file)), options, most);
  }

  static InMemoryTable read(InputFiles files, TableOptions options, long most) {
    Path file = files.name();
    try (TableReader table = TableReader.open(files, options);
        RealsBuilder rows =
            new RealsBuilder(table.dimension(), file.toString(), most, table.rows())) {
      if (table.note() != null) {
        LOGGER.log(Level.WARNING, "{0}: {1}", file, table.note());
      }
      requireDistinct(table.columns(), file);
      MappedRows mapped = table.mapped(most);
      requireMemory(file, table.rows());
      if (mapped == null) {
        rows.requireSpace();
      }
      List<String> fileSha256 = fileSha256(files);
      IntStream.Builder kept = IntStream.builder();
      long dropped = 0;
      int good = 0;
      while (table.next()) {
        String problem = table.problem();
        if (problem == null) {
          if (good == Integer.MAX_VALUE) {
            throw new InvalidInputException(
                file + ": expected at most " + Integer.MAX_VALUE + " rows, found more");
          }
          good++;
          if (mapped == null) {
            rows.add(table.values());
          } else if (options.dropNonFinite()) {
            kept.add((int) table.row() - 1);
          }
        } else if (options.dropNonFinite() && table.nonFinite()) {
          rows.skip();
          dropped++;
        } else {
          throw new InvalidInputException(file + ": " + table.place() + ": " + problem);
        }
      }
      if (good == 0) {
        throw new InvalidInputException(
            file
                + ": expected rows of numbers, found "
                + (dropped == 0 ? "none" : "none that is finite"));
      }
      if (dropped > 0) {
        LOGGER.log(
            Level.WARNING,
            "{0}: dropped {1} of {2} rows because of missing values, NaN or Inf",
            file,
            dropped,
            dropped + good);
      }
      String name = InputFiles.title(file);
      Dataset all =
          mapped == null
              ? Dataset.ofTable(name, rows, table, fileSha256)
              : Dataset.ofMappedTable(
                  name, mapped, dropped == 0 ? null : kept.build().toArray(), table, fileSha256);
      return new InMemoryTable(table.image() == null ? all : all.asImages(table.image()), dropped);
    } catch (IOException e) {
      throw new InvalidInputException(file + ": cannot be read: " + e.getMessage(), e);
    }
  }

  /** Refuses rows whose order alone, as it is drawn and split, is more than memory holds. */
  private static void requireMemory(Path file, long rows) {
    new MemoryNeed(ORDERS * Integer.BYTES * Math.max(0, rows), 0)
        .requireFits(String.format(Locale.ROOT, "%s: %,d rows in a random order", file, rows));
  }

  private static List<String> fileSha256(InputFiles files) {
    return files.files().stream().map(file -> Sha256.of(InputFile.of(file))).toList();
  }

  private static void requireDistinct(List<String> columns, Path file) {
    Set<String> seen = new HashSet<>();
    for (String column : columns) {
      if (!seen.add(column)) {
        throw new InvalidInputException(
            file + ": expected column names that differ, found '" + column + "' twice");
      }
    }
  }
}
