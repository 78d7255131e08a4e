package org.ebflow.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDateTime;
import java.time.ZoneId;
import java.time.format.DateTimeFormatter;
import org.ebflow.training.RunFolder;
import org.jspecify.annotations.Nullable;

/**
 * The folder of a new run or study: the one that was asked for, or else runs/NAME-TIME, which is
 * made when it is first needed and removed again if nothing was written into it.
 */
final class NewRun implements AutoCloseable {
  private static final Path ALL = Path.of("runs");
  private static final DateTimeFormatter TIMESTAMP = DateTimeFormatter.ofPattern("yyyyMMdd-HHmmss");

  private final @Nullable Path asked;
  private final String name;
  private @Nullable Path claimed;

  NewRun(@Nullable Path asked, String name) {
    this.asked = asked;
    this.name = name;
  }

  /** The folder; one that was asked for need not exist. */
  Path folder() {
    if (asked != null) {
      return asked;
    }
    if (claimed == null) {
      String time = LocalDateTime.now(ZoneId.systemDefault()).format(TIMESTAMP);
      claimed = RunFolder.claim(ALL.resolve(name + "-" + time));
    }
    return claimed;
  }

  @Override
  public void close() {
    if (claimed != null && removedIfEmpty(claimed)) {
      removedIfEmpty(ALL);
    }
  }

  private static boolean removedIfEmpty(Path folder) {
    try {
      Files.delete(folder);
      return true;
    } catch (IOException _) { // there is something in it
      return false;
    }
  }
}
