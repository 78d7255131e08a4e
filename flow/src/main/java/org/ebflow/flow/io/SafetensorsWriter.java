package org.ebflow.flow.io;

import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.ebflow.flow.io.SafetensorsHeader.Malformed;
import org.ebflow.linalg.Matrix;
import org.ebflow.linalg.Precision;

/** Lays out and writes one safetensors file. */
final class SafetensorsWriter {
  /**
   * Order of the data: with the wider format first, every element lies at a multiple of its size.
   */
  private static final List<Precision> DATA_ORDER = List.of(Precision.FLOAT64, Precision.FLOAT32);

  private SafetensorsWriter() {}

  static void write(Path file, Map<String, Matrix> tensors, Map<String, String> metadata) {
    if (tensors.containsKey(SafetensorsHeader.METADATA) || metadata.containsKey(FileChecksum.KEY)) {
      throw new IllegalArgumentException(
          "Safetensors.write: no tensor may be called "
              + SafetensorsHeader.METADATA
              + " and no metadata entry "
              + FileChecksum.KEY);
    }
    Map<String, String> strings = new LinkedHashMap<>();
    strings.put(FileChecksum.KEY, FileChecksum.ZEROS);
    strings.putAll(metadata);
    byte[] header = new SafetensorsHeader(places(tensors), strings).encode();
    try {
      FileChecksum checksum = new FileChecksum(header);
      writeData(tensors, new ChecksumStream(checksum));
      checksum.insertInto(header);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (Malformed e) {
      throw new IllegalStateException(e);
    }
    AtomicFiles.write(
        file,
        out -> {
          ByteBuffer length =
              ByteBuffer.allocate(Safetensors.LENGTH_BYTES).order(ByteOrder.LITTLE_ENDIAN);
          out.write(length.putLong(header.length).array());
          out.write(header);
          writeData(tensors, out);
        });
  }

  /** Entries in the order of the map. */
  private static Map<String, TensorInfo> places(Map<String, Matrix> tensors) {
    Map<Precision, Long> next = new EnumMap<>(Precision.class);
    long start = 0;
    for (Precision precision : DATA_ORDER) {
      next.put(precision, start);
      start +=
          tensors.values().stream()
              .filter(m -> m.precision() == precision)
              .mapToLong(SafetensorsWriter::bytes)
              .sum();
    }
    Map<String, TensorInfo> result = new LinkedHashMap<>();
    tensors.forEach(
        (name, matrix) -> {
          long end = next.merge(matrix.precision(), bytes(matrix), Long::sum);
          result.put(
              name,
              new TensorInfo(
                  matrix.precision(), matrix.rows(), matrix.columns(), end - bytes(matrix), end));
        });
    return result;
  }

  private static long bytes(Matrix matrix) {
    return (long) matrix.rows() * matrix.columns() * matrix.precision().bytes();
  }

  private static void writeData(Map<String, Matrix> tensors, OutputStream out) throws IOException {
    for (Precision precision : DATA_ORDER) {
      for (Matrix matrix : tensors.values()) {
        if (matrix.precision() == precision) {
          MatrixBytes.write(matrix, out);
        }
      }
    }
  }

  /** Keeps nothing of what is written but its checksum. */
  private static final class ChecksumStream extends OutputStream {
    private final FileChecksum checksum;

    ChecksumStream(FileChecksum checksum) {
      this.checksum = checksum;
    }

    @Override
    public void write(int value) {
      checksum.update(ByteBuffer.wrap(new byte[] {(byte) value}));
    }

    @Override
    public void write(byte[] bytes, int from, int count) {
      checksum.update(ByteBuffer.wrap(bytes, from, count));
    }
  }
}
