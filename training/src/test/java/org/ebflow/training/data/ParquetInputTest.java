package org.ebflow.training.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class ParquetInputTest {
  @TempDir private Path folder;

  @Test
  void whatEndsBeforeAnOffsetIsUnmapped() throws IOException {
    Path file = Files.write(folder.resolve("bytes"), new byte[] {1, 2, 3, 4, 5, 6});
    ByteBuffer last;
    try (ParquetInput input = new ParquetInput(file)) {
      input.open();
      ByteBuffer first = input.readRange(0, 3);
      last = input.readRange(2, 4);
      ByteBuffer none = input.readRange(6, 0);
      assertThat(none.remaining()).isZero();
      assertThat(first.get(2)).isEqualTo((byte) 3);
      input.release(5);
      assertThatThrownBy(() -> first.get(2)).isInstanceOf(IllegalStateException.class);
      assertThat(last.get(0)).isEqualTo((byte) 3);
      assertThat(last.get(3)).isEqualTo((byte) 6);
      assertThatThrownBy(() -> input.readRange(4, 3)).isInstanceOf(IndexOutOfBoundsException.class);
    }
    assertThatThrownBy(() -> last.get(0)).isInstanceOf(IllegalStateException.class);
  }
}
