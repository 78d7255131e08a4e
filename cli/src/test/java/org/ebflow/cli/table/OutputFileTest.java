package org.ebflow.cli.table;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class OutputFileTest {
  @TempDir private Path folder;

  private static void write(OutputFile file, String text) {
    file.write(text.getBytes(StandardCharsets.UTF_8));
  }

  @Test
  void writersOfOneNameDoNotMixAndTheLastToPublishWins() {
    Path name = folder.resolve("scores.csv");
    try (OutputFile first = new OutputFile(name);
        OutputFile second = new OutputFile(name);
        OutputFile third = new OutputFile(name)) {
      write(first, "first");
      write(second, "second, which is longer");
      write(third, "never published");
      second.publish();
      assertThat(name).hasContent("second, which is longer");
      first.publish();
    }
    assertThat(name).hasContent("first");
    assertThat(folder).isDirectoryNotContaining("glob:**.part");
  }
}
