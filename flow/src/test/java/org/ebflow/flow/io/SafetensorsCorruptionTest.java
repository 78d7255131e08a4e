package org.ebflow.flow.io;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.SplittableRandom;
import org.ebflow.flow.InvalidInputException;
import org.ebflow.linalg.Matrix;
import org.ebflow.linalg.Precision;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Random corruptions of a valid file: nothing but {@link InvalidInputException} or the right data
 * may come out. Where a corruption destroys the name of the checksum's entry, the file is another
 * program's and only its form can be checked.
 */
class SafetensorsCorruptionTest {
  private static final long SEED = 20;
  private static final int TRIALS = 600;

  private static final String CHECKSUM_KEY = "\"crc32c\":";

  @TempDir Path folder;

  @Test
  void corruptionIsRefusedOrHarmless() throws IOException {
    Map<String, Matrix> tensors = new LinkedHashMap<>();
    tensors.put("0.weight", SafetensorsTest.random(Precision.FLOAT32, 3, 3));
    tensors.put("0.bias", SafetensorsTest.random(Precision.FLOAT32, 1, 3));
    tensors.put("moments", SafetensorsTest.random(Precision.FLOAT64, 2, 3));
    Path file = folder.resolve("file");
    Safetensors.write(file, tensors, Map.of("seed", "7", "step", "1000"));
    byte[] valid = Files.readAllBytes(file);

    SplittableRandom random = new SplittableRandom(SEED);
    int refused = 0;
    for (int trial = 0; trial < TRIALS; trial++) {
      byte[] corrupt = corrupt(valid, random);
      if (!Arrays.equals(corrupt, valid)
          && refuses(Files.write(file, corrupt), tensors, "seed " + SEED + ", trial " + trial)) {
        refused++;
      }
    }
    assertThat(refused).as("refused of %d, seed %d", TRIALS, SEED).isGreaterThan(TRIALS * 9 / 10);
  }

  @Test
  void everyFlippedBitIsRefused() throws IOException {
    Map<String, Matrix> tensors = Map.of("w", SafetensorsTest.random(Precision.FLOAT32, 2, 2));
    Path file = folder.resolve("file");
    Safetensors.write(file, tensors, Map.of("seed", "7"));
    byte[] valid = Files.readAllBytes(file);
    for (int bit = 0; bit < 8 * valid.length; bit++) {
      byte[] corrupt = valid.clone();
      corrupt[bit / 8] ^= (byte) (1 << bit % 8);
      boolean refused = refuses(Files.write(file, corrupt), tensors, "bit " + bit);
      assertThat(refused || !contains(corrupt, CHECKSUM_KEY)).as("bit %d refused", bit).isTrue();
    }
  }

  private static byte[] corrupt(byte[] valid, SplittableRandom random) {
    byte[] result = valid.clone();
    int at = random.nextInt(result.length);
    switch (random.nextInt(5)) {
      case 0 -> {
        for (int flips = random.nextInt(1, 9); flips > 0; flips--) {
          result[random.nextInt(result.length)] ^= (byte) (1 << random.nextInt(8));
        }
      }
      case 1 -> result[at] = (byte) random.nextInt(256);
      case 2 -> { // a range is lost
        int count = random.nextInt(1, Math.min(32, result.length - at) + 1);
        System.arraycopy(valid, at + count, result, at, result.length - at - count);
        result = Arrays.copyOf(result, result.length - count);
      }
      case 3 -> { // a range is doubled
        int count = random.nextInt(1, Math.min(32, result.length - at) + 1);
        result = Arrays.copyOf(result, result.length + count);
        System.arraycopy(valid, at, result, at + count, valid.length - at);
      }
      default -> { // digits of the header change: lengths, shapes and offsets of the right form
        for (int i = 0; i < result.length; i++) {
          if (result[i] >= '0' && result[i] <= '9' && random.nextInt(12) == 0) {
            result[i] = (byte) ('0' + random.nextInt(10));
          }
        }
      }
    }
    return result;
  }

  /**
   * Whether the file is refused; if not, it must hold the right data. Any other exception fails the
   * test.
   */
  private static boolean refuses(Path file, Map<String, Matrix> tensors, String which)
      throws IOException {
    try (Safetensors read = Safetensors.read(file)) {
      if (contains(Files.readAllBytes(file), CHECKSUM_KEY)) {
        assertThat(read.names()).as(which).containsExactlyElementsOf(tensors.keySet());
        tensors.forEach(
            (name, matrix) ->
                SafetensorsTest.assertSameBits(SafetensorsTest.load(read, name), matrix));
      } else {
        read.names().forEach(name -> SafetensorsTest.load(read, name));
      }
      return false;
    } catch (InvalidInputException e) {
      assertThat(e.getMessage()).as(which).startsWith(file + ": ").doesNotContain("\n");
      return true;
    }
  }

  private static boolean contains(byte[] bytes, String text) {
    return new String(bytes, StandardCharsets.ISO_8859_1).contains(text);
  }
}
