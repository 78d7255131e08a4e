package org.ebflow.flow.io;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class FileLocksTest {
  @TempDir Path folder;

  @Test
  void aFileIsLockedUntilItsChannelIsClosed() throws IOException {
    Path file = Files.createFile(folder.resolve("lock"));
    try (FileChannel second = FileChannel.open(file, StandardOpenOption.WRITE)) {
      try (FileChannel first = FileChannel.open(file, StandardOpenOption.WRITE)) {
        assertThat(FileLocks.tryLock(first, file)).isTrue();
        assertThat(FileLocks.tryLock(second, file)).isFalse();
      }
      assertThat(FileLocks.tryLock(second, file)).isTrue();
    }
  }

  @Test
  void aFileHasOneWriterInAProcessUnderWhateverName() throws IOException {
    Path file = folder.resolve("lock");
    Path alias =
        Files.createSymbolicLink(Files.createDirectory(folder.resolve("a")).resolve("b"), folder);
    Runnable claim = FileLocks.claim(file);
    assertThat(claim).isNotNull();
    assertThat(FileLocks.claim(file)).isNull();
    assertThat(FileLocks.claim(alias.resolve("lock"))).isNull();
    assertThat(FileLocks.claim(folder.resolve("a/../lock"))).isNull();
    claim.run();
    Runnable next = FileLocks.claim(alias.resolve("lock"));
    assertThat(next).isNotNull();
    next.run();
  }

  @Test
  void aSystemThatLocksNothingKeepsNobodyOut() throws IOException {
    Path file = Files.createFile(folder.resolve("lock"));
    FileChannel closed = FileChannel.open(file, StandardOpenOption.WRITE);
    closed.close(); // locking it is an IOException, as where the system has no locks
    assertThat(FileLocks.tryLock(closed, file)).isTrue();
  }
}
