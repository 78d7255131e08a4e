package org.ebflow.training.data;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.Locale;

/**
 * What a file is by the end of its name, in upper or lower case: the one place that decides it, for
 * inputs and outputs.
 */
public enum FileFormat {
  /** Comma-separated text. */
  CSV(".csv"),
  /** An array of numpy. */
  NPY(".npy"),
  /** Images of the MNIST family. */
  IDX("-ubyte"),
  /** A columnar table. */
  PARQUET(".parquet"),
  /** A picture. */
  PNG(".png"),
  /** A recipe. */
  JSON(".json"),
  /** Any other name; the last, as every name has its ending. */
  OTHER("");

  private static final String COMPRESSED = ".gz";

  private final String ending;

  FileFormat(String ending) {
    this.ending = ending;
  }

  /** The format of a file to be read, which may be compressed: NAME.CSV.GZ is CSV. */
  public static FileFormat ofInput(Path file) {
    String name = name(file);
    return of(
        name.endsWith(COMPRESSED) ? name.substring(0, name.length() - COMPRESSED.length()) : name);
  }

  /** The format of a file to be written, which is never compressed: NAME.CSV.GZ is none. */
  public static FileFormat ofOutput(Path file) {
    return of(name(file));
  }

  /** Whether such a file is a table. */
  public boolean isTable() {
    return this == CSV || this == NPY || this == PARQUET;
  }

  private static String name(Path file) {
    return String.valueOf(file.getFileName()).toLowerCase(Locale.ROOT);
  }

  private static FileFormat of(String name) {
    return Arrays.stream(values())
        .filter(format -> name.endsWith(format.ending))
        .findFirst()
        .orElseThrow();
  }
}
