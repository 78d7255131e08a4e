package org.ebflow.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class NewRunTest {
  @Test
  void aFolderThatStaysEmptyIsRemoved() {
    Path folder;
    try (NewRun run = new NewRun(null, "new-run-test")) {
      folder = run.folder();
      assertThat(folder).isEmptyDirectory().isEqualTo(run.folder());
      assertThat(folder.getParent()).isEqualTo(Path.of("runs"));
    }
    assertThat(folder).doesNotExist();
  }

  @Test
  void aFolderWithARunStays() throws IOException {
    Path folder;
    Path file;
    try (NewRun run = new NewRun(null, "new-run-test")) {
      folder = run.folder();
      file = Files.writeString(folder.resolve("config.json"), "{}");
    }
    assertThat(file).exists();
    Files.delete(file);
    Files.delete(folder);
    try (NewRun last = new NewRun(null, "new-run-test")) { // removes runs/ too, if it is empty
      assertThat(last.folder()).exists();
    }
  }

  @Test
  void aFolderThatWasAskedForIsNeitherMadeNorRemoved(@TempDir Path empty) {
    Path none = empty.resolve("none");
    try (NewRun there = new NewRun(empty, "x");
        NewRun absent = new NewRun(none, "x")) {
      assertThat(there.folder()).isEqualTo(empty);
      assertThat(absent.folder()).isEqualTo(none).doesNotExist();
    }
    assertThat(empty).exists();
  }
}
