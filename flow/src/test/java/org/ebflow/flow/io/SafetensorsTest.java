package org.ebflow.flow.io;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.fail;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.stream.Stream;
import org.ebflow.flow.InvalidInputException;
import org.ebflow.linalg.Matrix;
import org.ebflow.linalg.Precision;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

class SafetensorsTest {
  @TempDir Path folder;

  @Test
  void tinyFileIsByteForByteThePublishedFormat() throws IOException {
    Path file = folder.resolve("tiny.safetensors");
    Map<String, Matrix> tensors = new LinkedHashMap<>();
    tensors.put("0.weight", Matrix.of(new float[] {1, -2}, 1, 2));
    tensors.put("0.bias", Matrix.of(new double[] {0.5}, 1, 1));
    Safetensors.write(file, tensors, Map.of("seed", "7"));

    String json =
        "{\"__metadata__\":{\"crc32c\":\"63ab3762\",\"seed\":\"7\"},"
            + "\"0.weight\":{\"dtype\":\"F32\",\"shape\":[1,2],\"data_offsets\":[8,16]},"
            + "\"0.bias\":{\"dtype\":\"F64\",\"shape\":[1,1],\"data_offsets\":[0,8]}}";
    String padded = json + " ".repeat((8 - json.length() % 8) % 8);
    ByteBuffer expected =
        ByteBuffer.allocate(8 + padded.length() + 16).order(ByteOrder.LITTLE_ENDIAN);
    expected.putLong(padded.length()).put(padded.getBytes(StandardCharsets.US_ASCII));
    expected.putLong(0x3FE0000000000000L).putInt(0x3F800000).putInt(0xC0000000);
    assertThat(Files.readAllBytes(file)).isEqualTo(expected.array());
  }

  @Test
  void readsWhatItWroteBitForBit() {
    Path file = folder.resolve("weights.safetensors");
    Matrix floats = random(Precision.FLOAT32, 37, 5);
    Matrix doubles = random(Precision.FLOAT64, 3, 70_001); // longer than the buffer
    Matrix extremes =
        Matrix.of(new float[] {Float.NaN, -0f, Float.MIN_VALUE, Float.NEGATIVE_INFINITY}, 1, 4);
    Matrix view = random(Precision.FLOAT64, 9, 8).columns(2, 5).rows(1, 8);
    Map<String, Matrix> tensors = new LinkedHashMap<>();
    tensors.put("z \"quoted\" \u00fc\n", floats);
    tensors.put("doubles", doubles);
    tensors.put("extremes", extremes);
    tensors.put("view", view);
    tensors.put("empty", Matrix.allocate(Precision.FLOAT32, 0, 4));
    Map<String, String> metadata = new LinkedHashMap<>();
    metadata.put("config", "{\"crc32c\":\"no\"}");
    metadata.put("a", "");
    Safetensors.write(file, tensors, metadata);

    try (Safetensors read = Safetensors.read(file)) {
      assertThat(read.names()).containsExactlyElementsOf(tensors.keySet());
      assertThat(read.metadata()).containsExactlyEntriesOf(metadata);
      tensors.forEach((name, matrix) -> assertSameBits(load(read, name), matrix));
    }
  }

  @Test
  void convertsThePrecisionAsCopyFromDoes() {
    Path file = folder.resolve("weights.safetensors");
    Matrix floats = random(Precision.FLOAT32, 4, 3);
    Matrix doubles = random(Precision.FLOAT64, 4, 3);
    Safetensors.write(file, Map.of("floats", floats, "doubles", doubles), Map.of());
    try (Safetensors read = Safetensors.read(file)) {
      Matrix wide = Matrix.allocate(Precision.FLOAT64, 6, 5).rows(1, 5).columns(1, 4);
      read.copyTo("floats", wide);
      assertSameBits(wide, floats.copy(Precision.FLOAT64));
      Matrix narrow = Matrix.allocate(Precision.FLOAT32, 4, 3);
      read.copyTo("doubles", narrow);
      assertSameBits(narrow, doubles.copy(Precision.FLOAT32));
    }
  }

  @Test
  void anOpenFileSurvivesItsReplacement() {
    Path file = folder.resolve("weights.safetensors");
    Matrix old = random(Precision.FLOAT32, 2, 2);
    Safetensors.write(file, Map.of("w", old), Map.of());
    try (Safetensors read = Safetensors.read(file)) {
      Safetensors.write(
          file, Map.of("w", Matrix.allocate(Precision.FLOAT64, 2, 2)), Map.of("new", "yes"));
      assertSameBits(load(read, "w"), old);
    }
  }

  @Test
  void readsFilesOfOtherProgramsWithoutAChecksum() throws IOException {
    Path file =
        foreign(
            "{\"w\":{\"shape\":[1,1],\"data_offsets\":[0,4],\"dtype\":\"F32\"}}",
            new byte[] {0, 0, (byte) 0x80, 0x3F});
    try (Safetensors read = Safetensors.read(file)) {
      assertThat(load(read, "w").get(0, 0)).isEqualTo(1);
      assertThat(read.metadata()).isEmpty();
    }
  }

  static Stream<Arguments> malformedHeaders() {
    String tensor = "\"dtype\":\"F32\",\"shape\":[1,2],\"data_offsets\":";
    return Stream.of(
        Arguments.of("not JSON at all", "expected a JSON object as header, found"),
        Arguments.of("[]", "expected a JSON object as header, found other JSON"),
        Arguments.of("", "expected a JSON object as header"),
        Arguments.of("{} {}", "expected a JSON object as header, found"),
        Arguments.of("{\"w\":{" + tensor + "[0,8]},\"w\":{" + tensor + "[0,8]}}", "uplicate"),
        Arguments.of("{\"w\":{\"dtype\":\"F32\"," + tensor + "[0,8]}}", "uplicate"),
        Arguments.of(
            "{\"w\":{\"dtype\":\"I64\",\"shape\":[1,1],\"data_offsets\":[0,8]}}",
            "expected dtype F32 or F64, found \"I64\""),
        Arguments.of(
            "{\"w\":{\"dtype\":3,\"shape\":[1,1],\"data_offsets\":[0,8]}}",
            "expected dtype F32 or F64, found 3"),
        Arguments.of(
            "{\"w\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}",
            "expected two whole numbers as shape, found [2]"),
        Arguments.of(
            "{\"w\":{\"dtype\":\"F32\",\"shape\":[-1,-2],\"data_offsets\":[0,8]}}",
            "as shape, found [-1,-2]"),
        Arguments.of(
            "{\"w\":{\"dtype\":\"F32\",\"shape\":[1.0,2],\"data_offsets\":[0,8]}}",
            "as shape, found [1.0,2]"),
        Arguments.of(
            "{\"w\":{\"dtype\":\"F32\",\"shape\":[1,99999999999999999999],\"data_offsets\":[0,8]}}",
            "as shape"),
        Arguments.of(
            "{\"w\":{\"dtype\":\"F32\",\"shape\":[4294967296,4294967296],\"data_offsets\":[0,8]}}",
            "expected a shape that fits"),
        Arguments.of(
            "{\"w\":{\"dtype\":\"F32\",\"shape\":[1,3],\"data_offsets\":[0,8]}}",
            "expected data_offsets with 3 elements of 4 bytes"),
        Arguments.of("{\"w\":{" + tensor + "[8,0]}}", "expected data_offsets with 2 elements"),
        Arguments.of("{\"w\":{" + tensor + "[0,7]}}", "expected data_offsets with 2 elements"),
        Arguments.of(
            "{\"w\":{" + tensor + "[2,10]}}", "expected data_offsets at a multiple of 4, found 2"),
        Arguments.of(
            "{\"w\":{" + tensor + "[4,12]}}",
            "expected data_offsets from 0 on, without gap or overlap, found [4,12]"),
        Arguments.of(
            "{\"w\":{" + tensor + "[0,8]},\"v\":{" + tensor + "[0,8]}}",
            "expected data_offsets from 8 on, without gap or overlap"),
        Arguments.of(
            "{\"w\":{" + tensor + "[0,8]},\"v\":{" + tensor + "[8,16]}}",
            "expected 16 bytes of data after the header, found 8"),
        Arguments.of("{}", "expected 0 bytes of data after the header, found 8"),
        Arguments.of(
            "{\"w\":{\"dtype\":\"F32\",\"shape\":[1,2]}}",
            "expected dtype, shape and data_offsets"),
        Arguments.of("{\"w\":[]}", "expected dtype, shape and data_offsets"),
        Arguments.of(
            "{\"__metadata__\":{\"a\":1},\"w\":{" + tensor + "[0,8]}}",
            "expected a string as __metadata__ \"a\", found 1"),
        Arguments.of(
            "{\"__metadata__\":\"a\",\"w\":{" + tensor + "[0,8]}}",
            "expected an object of strings as __metadata__"),
        Arguments.of(
            "{\"__metadata__\":{\"crc32c\":\"00000000\"},\"w\":{" + tensor + "[0,8]}}",
            "expected content with checksum crc32c 00000000"),
        Arguments.of(
            "{\"__metadata__\":{\"crc32c\": \"00000000\"},\"w\":{" + tensor + "[0,8]}}",
            "in another form"));
  }

  @ParameterizedTest
  @MethodSource("malformedHeaders")
  void refusesAMalformedHeaderInOneLine(String header, String complaint) throws IOException {
    assertRefused(foreign(header, new byte[8]), complaint);
  }

  @Test
  void refusesDeepNesting() throws IOException {
    assertRefused(
        foreign("{\"w\":" + "[".repeat(500_000), new byte[8]), "expected a JSON object as header");
  }

  @Test
  void refusesAHeaderThatIsNotUtf8() throws IOException {
    byte[] bytes = {3, 0, 0, 0, 0, 0, 0, 0, '{', (byte) 0xFF, '}'};
    assertRefused(Files.write(folder.resolve("bytes"), bytes), "found bytes that are not UTF-8");
  }

  @Test
  void refusesHeaderLengthsBeyondTheFileBeforeAllocating() throws IOException {
    for (long length : new long[] {9, Integer.MAX_VALUE, Long.MAX_VALUE, -1, Long.MIN_VALUE}) {
      ByteBuffer bytes =
          ByteBuffer.allocate(16)
              .order(ByteOrder.LITTLE_ENDIAN)
              .putLong(length)
              .put("{}      ".getBytes(StandardCharsets.US_ASCII));
      Path file = Files.write(folder.resolve("length"), bytes.array());
      assertRefused(
          file,
          "expected a header length of at most 8 bytes, found " + Long.toUnsignedString(length));
    }
  }

  @Test
  void refusesEveryTruncation() throws IOException {
    Path file = folder.resolve("whole");
    Safetensors.write(file, Map.of("w", random(Precision.FLOAT32, 2, 3)), Map.of("seed", "1"));
    byte[] bytes = Files.readAllBytes(file);
    for (int length = 0; length < bytes.length; length++) {
      assertRefused(Files.write(folder.resolve("cut"), Arrays.copyOf(bytes, length)), "expected");
    }
    assertRefused(
        Files.write(folder.resolve("longer"), Arrays.copyOf(bytes, bytes.length + 1)),
        "bytes of data after the header");
  }

  @Test
  void refusesDirectoriesEmptyAndMissingFiles() throws IOException {
    assertRefused(folder, "expected a safetensors file, found a directory");
    assertRefused(
        Files.createFile(folder.resolve("empty")),
        "expected a safetensors file, found an empty file");
    assertRefused(folder.resolve("missing"), "expected a safetensors file, found none");
  }

  @Test
  void refusesMissingTensorsAndOtherShapes() {
    Path file = folder.resolve("file");
    Safetensors.write(file, Map.of("w", Matrix.allocate(Precision.FLOAT32, 2, 3)), Map.of());
    try (Safetensors read = Safetensors.read(file)) {
      assertThatThrownBy(() -> read.copyTo("v", Matrix.allocate(Precision.FLOAT32, 2, 3)))
          .isInstanceOf(InvalidInputException.class)
          .hasMessage(file + ": expected a tensor \"v\", found w");
      assertThatThrownBy(() -> read.copyTo("w", Matrix.allocate(Precision.FLOAT32, 3, 2)))
          .isInstanceOf(InvalidInputException.class)
          .hasMessage(file + ": expected tensor \"w\" of shape [3,2], found [2,3]");
    }
  }

  @Test
  void refusesReservedNames() {
    Matrix w = Matrix.allocate(Precision.FLOAT32, 1, 1);
    Path file = folder.resolve("file");
    assertThatThrownBy(() -> Safetensors.write(file, Map.of("__metadata__", w), Map.of()))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> Safetensors.write(file, Map.of("w", w), Map.of("crc32c", "")))
        .isInstanceOf(IllegalArgumentException.class);
    assertThat(file).doesNotExist();
  }

  @Test
  void aFailedWriteLeavesThePreviousFile() throws IOException {
    Path file = folder.resolve("f".repeat(250)); // so long that no part beside it can be written
    Matrix old = random(Precision.FLOAT32, 2, 2);
    Safetensors.write(folder.resolve("file"), Map.of("w", old), Map.of());
    Files.move(folder.resolve("file"), file);
    assertThatThrownBy(
            () -> Safetensors.write(file, Map.of("w", random(Precision.FLOAT32, 3, 3)), Map.of()))
        .isInstanceOf(UncheckedIOException.class)
        .hasMessageStartingWith(file + ": cannot be written: ");
    try (Safetensors read = Safetensors.read(file)) {
      assertSameBits(load(read, "w"), old);
    }
  }

  static Matrix random(Precision precision, int rows, int columns) {
    SplittableRandom random = new SplittableRandom(31L * rows + columns);
    Matrix result = Matrix.allocate(precision, rows, columns);
    for (int r = 0; r < rows; r++) {
      for (int c = 0; c < columns; c++) {
        result.set(r, c, random.nextDouble(-1, 1));
      }
    }
    return result;
  }

  static Matrix load(Safetensors file, String name) {
    Matrix result = Matrix.allocate(file.precision(name), file.rows(name), file.columns(name));
    file.copyTo(name, result);
    return result;
  }

  static void assertSameBits(Matrix actual, Matrix expected) {
    assertThat(actual).hasToString(expected.toString());
    for (int r = 0; r < expected.rows(); r++) {
      for (int c = 0; c < expected.columns(); c++) {
        if (Double.doubleToRawLongBits(actual.get(r, c))
            != Double.doubleToRawLongBits(expected.get(r, c))) {
          fail("(%d,%d) is %s, expected %s", r, c, actual.get(r, c), expected.get(r, c));
        }
      }
    }
  }

  private static void assertRefused(Path file, String complaint) {
    assertThatThrownBy(() -> Safetensors.read(file).close())
        .isInstanceOf(InvalidInputException.class)
        .hasMessageStartingWith(file + ": ")
        .hasMessageContaining(complaint)
        .hasMessageNotContaining("\n");
  }

  private Path foreign(String header, byte[] data) throws IOException {
    byte[] json = header.getBytes(StandardCharsets.UTF_8);
    ByteBuffer bytes =
        ByteBuffer.allocate(8 + json.length + data.length).order(ByteOrder.LITTLE_ENDIAN);
    bytes.putLong(json.length).put(json).put(data);
    return Files.write(folder.resolve("foreign"), bytes.array());
  }
}
