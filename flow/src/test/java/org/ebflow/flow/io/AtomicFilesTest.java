package org.ebflow.flow.io;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class AtomicFilesTest {
  @TempDir Path folder;

  @Test
  void createsAndReplacesAndLeavesNothingBeside() throws IOException {
    Path file = folder.resolve("config.json");
    write(file, "first, and longer");
    write(file, "second");
    assertThat(file).hasContent("second");
    assertNothingBeside(file);
  }

  @Test
  void oldContentIsSeenUntilTheWriterIsDone() throws IOException {
    Path file = folder.resolve("file");
    write(file, "old");
    AtomicFiles.write(
        file,
        out -> {
          out.write("new".getBytes(StandardCharsets.UTF_8));
          out.flush();
          assertThat(file).hasContent("old");
        });
    assertThat(file).hasContent("new");
  }

  @Test
  void fullDiskIsOneLineAndLeavesThePreviousFile() throws IOException {
    Path file = folder.resolve("file");
    write(file, "old");
    assertThatThrownBy(
            () ->
                AtomicFiles.write(
                    file,
                    out -> {
                      out.write(new byte[1 << 20]);
                      throw new IOException("No space left\non device");
                    }))
        .isInstanceOf(UncheckedIOException.class)
        .hasMessage(file + ": cannot be written: No space left on device");
    assertThat(file).hasContent("old");
    assertNothingBeside(file);
  }

  @Test
  void aFaultOfTheWriterPassesThroughAndLeavesThePreviousFile() throws IOException {
    Path file = folder.resolve("file");
    write(file, "old");
    assertThatThrownBy(
            () ->
                AtomicFiles.write(
                    file,
                    out -> {
                      out.write(1);
                      throw new IllegalStateException("fault");
                    }))
        .isInstanceOf(IllegalStateException.class);
    assertThat(file).hasContent("old");
    assertNothingBeside(file);
  }

  @Test
  void vanishedFolderIsNamed() {
    Path file = folder.resolve("gone").resolve("file");
    assertThatThrownBy(() -> write(file, "content"))
        .isInstanceOf(UncheckedIOException.class)
        .hasMessage(
            file
                + ": cannot be written: folder "
                + file.toAbsolutePath().getParent()
                + " does not exist");
  }

  @Test
  void directoryOfThatNameIsNotReplaced() throws IOException {
    Path file = Files.createDirectory(folder.resolve("directory"));
    assertThatThrownBy(() -> write(file, "content"))
        .isInstanceOf(UncheckedIOException.class)
        .hasMessageContaining("a directory of that name exists");
    assertThat(file).isDirectory();
  }

  @Test
  void writersOfOneFileDoNotMixAndTheLastToFinishWins() throws IOException {
    Path file = folder.resolve("file");
    AtomicFiles.write(
        file,
        out -> {
          out.write("first, ".getBytes(StandardCharsets.UTF_8));
          out.flush();
          write(file, "second");
          assertThat(file).hasContent("second");
          out.write("whole".getBytes(StandardCharsets.UTF_8));
        });
    assertThat(file).hasContent("first, whole");
    assertNothingBeside(file);
  }

  @Test
  void writerMayCloseTheStream() {
    Path file = folder.resolve("file");
    AtomicFiles.write(
        file,
        out -> {
          try (out) {
            out.write('a');
          }
          out.write('b');
        });
    assertThat(file).hasContent("ab");
  }

  @Test
  void writesOnAnInterruptedThread() {
    Path file = folder.resolve("file");
    Thread.currentThread().interrupt();
    try {
      write(file, "saved");
    } finally {
      assertThat(Thread.interrupted()).isTrue();
    }
    assertThat(file).hasContent("saved");
  }

  private static void write(Path file, String content) {
    AtomicFiles.write(file, out -> out.write(content.getBytes(StandardCharsets.UTF_8)));
  }

  private void assertNothingBeside(Path file) throws IOException {
    try (var entries = Files.list(folder)) {
      assertThat(entries).containsExactly(file);
    }
  }
}
