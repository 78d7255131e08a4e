package org.ebflow.golden;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.opentest4j.TestAbortedException;

class SharedFolderTest {
  private static final String PROPERTY = "ebflow.golden.dir";

  private final @Nullable String before = System.getProperty(PROPERTY);

  @TempDir Path folder;

  @AfterEach
  void restoreProperty() {
    name(before == null ? "" : before);
  }

  private static void name(String value) {
    if (value.isEmpty()) {
      System.clearProperty(PROPERTY);
    } else {
      System.setProperty(PROPERTY, value);
    }
  }

  @Test
  void aFolderThatWasNamedMustExist() {
    name(folder.resolve("nowhere").toString());

    assertThatThrownBy(() -> GoldenCase.open("optim"))
        .isInstanceOf(AssertionError.class)
        .hasMessageContaining(PROPERTY)
        .hasMessageContaining("nowhere");
  }

  @Test
  void aFileMissingFromItIsASkip() {
    name(folder.toString());

    assertThatThrownBy(() -> GoldenCase.open("optim"))
        .isInstanceOf(TestAbortedException.class)
        .hasMessageContaining(folder.resolve("optim").toString())
        .hasMessageContaining(PROPERTY);
  }

  @Test
  void aMissingDefaultIsASkip() {
    name("");

    assertThatThrownBy(() -> SharedFolder.golden().file("no such case"))
        .isInstanceOf(TestAbortedException.class)
        .hasMessageContaining("shared")
        .hasMessageContaining(PROPERTY);
  }

  @Test
  void aFileOfTheNamedFolderIsFound() throws IOException {
    name(folder.toString());
    Path file = Files.createFile(folder.resolve("a"));

    assertThat(SharedFolder.golden().file("a")).isEqualTo(file);
  }
}
