package org.ebflow.flow.io;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PartFileTest {
  @TempDir Path folder;

  private List<Path> files() throws IOException {
    try (Stream<Path> files = Files.list(folder)) {
      return files.toList();
    }
  }

  private Path file(String name) throws IOException {
    return Files.writeString(folder.resolve(name), name);
  }

  private static void write(PartFile part, String text) throws IOException {
    part.stream().write(text.getBytes(StandardCharsets.UTF_8));
  }

  @Test
  void aPartIsSeenUnderTheNameOnlyWhenPublished() throws IOException {
    Path file = file("file");
    try (PartFile part = new PartFile(file)) {
      write(part, "0000");
      write(part, " and");
      part.overwriteStart(new byte[] {'1', '2'});
      part.stream().write('.');
      assertThat(file).hasContent("file");
      part.publish();
    }
    assertThat(file).hasContent("1200 and.");
    assertThat(files()).containsExactly(file);
  }

  @Test
  void aPartThatIsNotPublishedLeavesNothing() throws IOException {
    Path file = file("file");
    try (PartFile part = new PartFile(file)) {
      write(part, "never published");
    }
    assertThat(file).hasContent("file");
    assertThat(files()).containsExactly(file);
  }

  @Test
  void theNextPartRemovesWhatKilledProcessesLeftOfItsFileOnly() throws IOException {
    file("a.csv.0123456789abcdef.part");
    file("a.csv.fedcba9876543210.part");
    Path[] others = {
      file("a.csv"),
      file("a.csv.part"),
      file("a.csv.0123456789ABCDEF.part"),
      file("a.csv.x.0123456789abcdef.part"),
      file("b.a.csv.0123456789abcdef.part"),
      file("axcsv.0123456789abcdef.part"),
    };
    try (PartFile part = new PartFile(folder.resolve("a.csv"))) {
      assertThat(files()).hasSize(1 + others.length).contains(others).contains(part.path());
    }
    assertThat(files()).containsExactlyInAnyOrder(others);
  }

  @Test
  void leftoversOfAFolderAreThoseOfAllItsFiles() throws IOException {
    file("a.csv.0123456789abcdef.part");
    file("b\nc.0123456789abcdef.part");
    Path other = file("mine.part");
    try (PartFile written = new PartFile(folder.resolve("file"))) {
      PartFile.removeLeftovers(folder.resolve("none"));
      PartFile.removeLeftovers(folder);
      assertThat(files()).containsExactlyInAnyOrder(other, written.path());
    }
  }

  /** Writes a part until it is killed. */
  static final class Writer {
    private Writer() {}

    public static void main(String[] arguments) throws Exception {
      try (PartFile part = new PartFile(Path.of(arguments[0]))) {
        write(part, "half of");
        System.out.println("writing");
        Thread.sleep(Long.MAX_VALUE);
      }
    }
  }

  @Test
  void aPartOfAnotherProcessStaysUntilThatIsKilled() throws Exception {
    Path file = folder.resolve("file");
    Process process =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-cp",
                System.getProperty("java.class.path"),
                Writer.class.getName(),
                file.toString())
            .redirectError(ProcessBuilder.Redirect.INHERIT)
            .start();
    try {
      assertThat(process.inputReader().readLine()).isEqualTo("writing");
      AtomicFiles.write(file, out -> out.write('a'));
      PartFile.removeLeftovers(folder);
      assertThat(files()).hasSize(2).contains(file);
    } finally {
      process.destroyForcibly(); // as kill -9
    }
    assertThat(process.waitFor(10, TimeUnit.MINUTES)).isTrue();
    assertThat(files()).hasSize(2);
    AtomicFiles.write(file, out -> out.write('b'));
    assertThat(files()).containsExactly(file);
    assertThat(file).hasContent("b");
  }

  @Test
  void whatCannotBeWrittenIsOneLine() throws IOException {
    Path gone = folder.resolve("gone").resolve("file");
    assertThatThrownBy(() -> new PartFile(gone))
        .isInstanceOf(UncheckedIOException.class)
        .hasMessage(gone + ": cannot be written: folder " + gone.getParent() + " does not exist");
    Path directory = Files.createDirectory(folder.resolve("directory"));
    assertThatThrownBy(() -> new PartFile(directory))
        .isInstanceOf(UncheckedIOException.class)
        .hasMessage(directory + ": cannot be written: a directory of that name exists");
    assertThat(files()).containsExactly(directory);
  }
}
