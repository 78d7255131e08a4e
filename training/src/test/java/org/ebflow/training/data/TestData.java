package org.ebflow.training.data;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.zip.GZIPOutputStream;
import org.ebflow.golden.SharedFolder;

/** Real data where they are there, and small files made up. */
final class TestData {
  private TestData() {}

  /** A file of the folder of real data; the test is skipped where it is missing. */
  static Path real(String name) {
    return SharedFolder.data().file(name);
  }

  static byte[] gzip(byte[] content) throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (GZIPOutputStream out = new GZIPOutputStream(bytes)) {
      out.write(content);
    }
    return bytes.toByteArray();
  }

  /** An idx file with the given header and as many pixels 0, 1, 2, … as asked for. */
  static byte[] idx(int magic, int count, int height, int width, int pixels) {
    ByteBuffer bytes =
        ByteBuffer.allocate(16 + pixels).putInt(magic).putInt(count).putInt(height).putInt(width);
    for (int i = 0; i < pixels; i++) {
      bytes.put((byte) i);
    }
    return bytes.array();
  }

  static byte[] idx(int count, int height, int width) {
    return idx(0x803, count, height, width, count * height * width);
  }

  /** An NPY file of version 1.0 with the given header text and element bytes. */
  static byte[] npy(String header, byte[] elements) {
    byte[] text = (header + "\n").getBytes(StandardCharsets.US_ASCII);
    return ByteBuffer.allocate(10 + text.length + elements.length)
        .put(
            new byte[] {
              (byte) 0x93,
              'N',
              'U',
              'M',
              'P',
              'Y',
              1,
              0,
              (byte) text.length,
              (byte) (text.length >> 8)
            })
        .put(text)
        .put(elements)
        .array();
  }

  static Path write(Path folder, String name, String text) throws IOException {
    return Files.writeString(folder.resolve(name), text);
  }

  static Path write(Path folder, String name, byte[] bytes) throws IOException {
    return Files.write(folder.resolve(name), bytes);
  }
}
