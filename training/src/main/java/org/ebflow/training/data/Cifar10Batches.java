package org.ebflow.training.data;

import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.ebflow.flow.InvalidInputException;
import org.ebflow.flow.layer.Shape;
import org.jspecify.annotations.Nullable;

/**
 * The six files of CIFAR-10's binary form, read one by one in any order.
 *
 * <p>A file has up to 10,000 records of 3073 bytes: the label, then the planes of red, green and
 * blue, each row by row. Here the channels of a pixel lie side by side (docs/decisions/0011) and
 * labels are left out. One byte a value: 184 MB for all.
 */
final class Cifar10Batches {
  static final Shape SHAPE = new Shape(3, 32, 32);

  /** Their names: five of training images in their order, one of test images. */
  static final List<String> FILES =
      List.of(
          "data_batch_1.bin",
          "data_batch_2.bin",
          "data_batch_3.bin",
          "data_batch_4.bin",
          "data_batch_5.bin",
          "test_batch.bin");

  private static final List<String> PUBLISHED =
      List.of(
          "cee916563c9f80d84e3cc88e17fdc0941787f1244f00a67874d45b261883ada5",
          "a591ca11fa1708a91ee40f54b3da4784ccd871ecf2137de63f51ada8b3fa57ed",
          "bbe8596564c0f86427f876058170b84dac6670ddf06d79402899d93ceea26f67",
          "014e562d6e23c72197cc727519169a60359f5eccd8945ad5a09d710285ff4e48",
          "755304fc0b379caeae8c14f0dac912fbc7d6cd469eb67a1029a08a39453a9add",
          "8e2eb146ae340b09e24670f29cabc6326dba54da8789dab6768acf480273f65b");

  private static final int TRAINING_FILES = 5;
  private static final int TEST_FILE = 5;
  private static final int MOST_IMAGES = 10_000;
  private static final int LABELS = 10;
  private static final int PLANE = SHAPE.height() * SHAPE.width();
  private static final int RECORD = 1 + SHAPE.size();

  /** Of every file, empty until it is read. */
  private final String[] sha256 = new String[FILES.size()];

  private byte @Nullable [] train;
  private byte @Nullable [] test;

  /** No file is read yet. */
  Cifar10Batches() {
    Arrays.fill(sha256, "");
  }

  /**
   * Reads one file.
   *
   * @param name one of {@link #FILES}
   * @param source what messages begin with
   * @param in read up to the end of the file
   * @param bytes length of the file
   * @throws InvalidInputException if it is no such file, was read before, or has not as many images
   *     as the training files before it
   */
  void read(String name, String source, InputStream in, long bytes) throws IOException {
    int file = FILES.indexOf(name);
    if (!sha256[file].isEmpty()) {
      throw new InvalidInputException(source + ": expected one file of this name, found two");
    }
    if (bytes < RECORD || bytes % RECORD != 0 || bytes / RECORD > MOST_IMAGES) {
      throw new InvalidInputException(
          source
              + ": expected 1 to "
              + MOST_IMAGES
              + " images of "
              + RECORD
              + " bytes, found "
              + bytes
              + " bytes");
    }
    int images = (int) (bytes / RECORD);
    MessageDigest digest = Sha256.digest();
    byte[] record = new byte[RECORD];
    byte[] pixels = memory(file, source, images);
    int at = file == TEST_FILE ? 0 : file * images * SHAPE.size();
    for (int i = 0; i < images; i++) {
      if (in.readNBytes(record, 0, RECORD) < RECORD) {
        throw new EOFException(source);
      }
      if (record[0] < 0 || record[0] >= LABELS) {
        throw new InvalidInputException(
            source
                + ": expected a label from 0 to 9 at offset "
                + (long) i * RECORD
                + ", found "
                + (record[0] & 0xFF));
      }
      digest.update(record);
      toChannelsLast(record, pixels, at + i * SHAPE.size());
    }
    sha256[file] = Sha256.of(digest);
  }

  /** The array that takes the file's images. */
  private byte[] memory(int file, String source, int images) {
    int length = images * SHAPE.size();
    if (file == TEST_FILE) {
      test = new byte[length];
      return test;
    }
    if (train == null) {
      train = new byte[TRAINING_FILES * length];
    }
    if (train.length != TRAINING_FILES * length) {
      throw new InvalidInputException(
          source
              + ": expected "
              + train.length / SHAPE.size() / TRAINING_FILES
              + " images as in the other training files, found "
              + images);
    }
    return train;
  }

  /**
   * @param record label and planes, read
   * @param pixels overwritten from {@code at} on
   */
  private static void toChannelsLast(byte[] record, byte[] pixels, int at) {
    for (int channel = 0; channel < SHAPE.channels(); channel++) {
      int plane = 1 + channel * PLANE;
      for (int pixel = 0; pixel < PLANE; pixel++) {
        pixels[at + pixel * SHAPE.channels() + channel] = record[plane + pixel];
      }
    }
  }

  /** Names of the files that were not read. */
  List<String> missing() {
    return IntStream.range(0, FILES.size())
        .filter(file -> sha256[file].isEmpty())
        .mapToObj(FILES::get)
        .toList();
  }

  /** Names of the files that are not the published ones. */
  List<String> unpublished() {
    return IntStream.range(0, FILES.size())
        .filter(file -> !PUBLISHED.get(file).equals(sha256[file]))
        .mapToObj(FILES::get)
        .toList();
  }

  /**
   * The first four training files, the fifth, which validates, and the test file; none of them may
   * be missing. The SHA-256 of the training images is that of what {@code sha256sum
   * data_batch_?.bin} prints.
   */
  Splits splits(String name) {
    if (train == null || test == null || !missing().isEmpty()) {
      throw new IllegalStateException("Cifar10Batches.splits: not all files were read");
    }
    StringBuilder sums = new StringBuilder();
    for (int file = 0; file < TRAINING_FILES; file++) {
      sums.append(sha256[file]).append("  ").append(FILES.get(file)).append('\n');
    }
    MessageDigest digest = Sha256.digest();
    digest.update(sums.toString().getBytes(StandardCharsets.UTF_8));
    Dataset training = dataset(name, train, Sha256.of(digest));
    int validation = training.size() / TRAINING_FILES;
    int last = training.size() - validation;
    return new Splits(
        training.select(0, last),
        training.select(last, training.size()),
        dataset(name, test, sha256[TEST_FILE]));
  }

  private static Dataset dataset(String name, byte[] pixels, String sha256) {
    return Dataset.ofPixels(name, pixels, SHAPE.size(), SHAPE, 256).withSha256(sha256);
  }
}
