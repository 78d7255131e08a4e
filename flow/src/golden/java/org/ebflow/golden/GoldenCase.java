package org.ebflow.golden;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.ebflow.linalg.Matrix;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.ObjectMapper;

/** One folder of reference values: a manifest and NPY arrays (version 1.0, C order). Where it is missing: {@link SharedFolder#file}. */
public final class GoldenCase {
  private static final String MANIFEST = "manifest.json";

  private final Path folder;
  private final JsonNode manifest;

  private GoldenCase(Path manifest) {
    this.folder = manifest.resolveSibling("");
    this.manifest = new ObjectMapper().readTree(manifest.toFile());
  }

  public static GoldenCase open(String name) {
    return new GoldenCase(SharedFolder.golden().file(name + "/" + MANIFEST));
  }

  /** A number of the hyper-parameters. */
  public double hyper(String key) {
    return manifest.path("hyper").path(key).asDouble();
  }

  /** All hyper-parameters, where they are more than a number each. */
  public JsonNode hyper() {
    return manifest.path("hyper");
  }

  /** Whether the activation adds its input. */
  public boolean residual() {
    return manifest.path("hyper").path("residual").asBoolean();
  }

  /** One length of the hyper-parameter {@code data_shape}, (channels, height, width). */
  public int dataShape(int axis) {
    return manifest.path("hyper").path("data_shape").path(axis).asInt();
  }

  /** An attribute of a loss: value, eps, std, lambda, slices. */
  public double loss(String loss, String key) {
    return manifest.path("losses").path(loss).path(key).asDouble();
  }

  public double scalar(String name) {
    return manifest.path("scalars").path(name).path("value").asDouble();
  }

  public boolean has(String array) {
    return manifest.path("arrays").has(array);
  }

  /** An array as a float64 matrix: its first axis are the rows; one of one axis is a single row. */
  public Matrix matrix(String name) {
    JsonNode shape = manifest.path("arrays").path(name).path("shape");
    double[] values = values(name);
    int rows = shape.size() < 2 ? 1 : shape.path(0).asInt();
    return Matrix.of(values, rows, values.length / rows);
  }

  /** All numbers of an array in C order. */
  public double[] values(String name) {
    try {
      return decode(Files.readAllBytes(folder.resolve(manifest.path("arrays").path(name).path("file").asString())));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static double[] decode(byte[] bytes) {
    ByteBuffer buffer = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
    int start = 10 + buffer.getShort(8);
    String header = new String(bytes, 10, start - 10, StandardCharsets.US_ASCII);
    buffer.position(start);
    int width = header.contains("'<f8'") ? 8 : header.contains("'<f4'") ? 4 : 1;
    if (header.contains("'fortran_order': True") || width == 1 && !header.contains("'|u1'")) {
      throw new IllegalStateException("unexpected NPY header " + header);
    }
    double[] values = new double[buffer.remaining() / width];
    for (int i = 0; i < values.length; i++) {
      values[i] = width == 8 ? buffer.getDouble() : width == 4 ? buffer.getFloat() : buffer.get() & 0xFF;
    }
    return values;
  }
}
