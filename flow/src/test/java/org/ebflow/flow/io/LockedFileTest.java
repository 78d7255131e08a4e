package org.ebflow.flow.io;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LockedFileTest {
  @TempDir Path folder;
  private Path file;

  @BeforeEach
  void name() {
    file = folder.resolve("lock");
  }

  /** Says whether the file is free, and holds it until its input ends. */
  static final class OtherProcess {
    private OtherProcess() {}

    public static void main(String[] arguments) throws IOException {
      try (LockedFile locked = LockedFile.open(Path.of(arguments[0]))) {
        System.out.println(locked == null ? "taken" : "free");
        System.in.read();
      }
    }
  }

  private Process otherProcess() throws IOException {
    return new ProcessBuilder(
            Path.of(System.getProperty("java.home"), "bin", "java").toString(),
            "-cp",
            System.getProperty("java.class.path"),
            OtherProcess.class.getName(),
            file.toString())
        .redirectError(ProcessBuilder.Redirect.INHERIT)
        .start();
  }

  @Test
  void aFileHasOneWriterInAProcessUnderWhateverName() throws IOException {
    Path alias =
        Files.createSymbolicLink(Files.createDirectory(folder.resolve("a")).resolve("b"), folder);
    LockedFile first = LockedFile.open(file);
    assertThat(first).isNotNull();
    assertThat(LockedFile.open(file)).isNull();
    assertThat(LockedFile.open(alias.resolve("lock"))).isNull();
    assertThat(LockedFile.open(folder.resolve("a/../lock"))).isNull();
    first.close();
    try (LockedFile next = LockedFile.open(alias.resolve("lock"))) {
      assertThat(next).isNotNull();
    }
  }

  @Test
  void aRefusedWriterDoesNotTakeTheLockOfTheFirst() throws Exception {
    LockedFile before = LockedFile.open(file);
    assertThat(before).isNotNull();
    before.close();
    try (LockedFile first = LockedFile.open(file)) {
      assertThat(first).isNotNull();
      before.close(); // once more
      assertThat(LockedFile.open(file)).isNull();
      Process other = otherProcess();
      try {
        assertThat(other.inputReader().readLine()).isEqualTo("taken");
      } finally {
        other.destroyForcibly();
      }
    }
  }

  @Test
  void whatAnotherProcessHeldIsFreeWhenItEnds() throws Exception {
    Process other = otherProcess();
    try {
      assertThat(other.inputReader().readLine()).isEqualTo("free");
      assertThat(LockedFile.open(file)).isNull();
    } finally {
      other.destroyForcibly(); // as kill -9
    }
    assertThat(other.waitFor(10, TimeUnit.MINUTES)).isTrue();
    try (LockedFile next = LockedFile.open(file)) {
      assertThat(next).isNotNull();
    }
  }

  @Test
  void whatCouldNotBeOpenedIsNotHeld() throws IOException {
    Files.createDirectory(file);
    assertThatThrownBy(() -> LockedFile.open(file)).isInstanceOf(IOException.class);
    Files.delete(file);
    try (LockedFile next = LockedFile.open(file)) {
      assertThat(next).isNotNull();
    }
  }

  @Test
  void aSystemThatLocksNothingKeepsNobodyOut() throws IOException {
    FileChannel closed =
        FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
    closed.close(); // locking it is an IOException, as where the system has no locks
    assertThat(LockedFile.lock(closed, file)).isTrue();
  }
}
