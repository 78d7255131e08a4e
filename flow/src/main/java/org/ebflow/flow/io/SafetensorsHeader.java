package org.ebflow.flow.io;

import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.ebflow.linalg.Precision;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/**
 * The JSON header of a safetensors file: names, formats, shapes and places of the tensors, and
 * strings about the whole.
 *
 * @param tensors by name, in the header's order
 * @param metadata strings under {@code __metadata__}
 */
record SafetensorsHeader(Map<String, TensorInfo> tensors, Map<String, String> metadata) {
  static final String METADATA = "__metadata__";

  private static final Set<String> KEYS = Set.of("dtype", "shape", "data_offsets");
  private static final JsonMapper JSON =
      JsonMapper.builder()
          .enable(DeserializationFeature.FAIL_ON_READING_DUP_TREE_KEY)
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
          .build();

  /** What is wrong with a header: "expected …, found …". */
  static final class Malformed extends Exception {
    private static final long serialVersionUID = 1;

    Malformed(String complaint) {
      super(complaint);
    }
  }

  /** The header as UTF-8, padded with spaces so that the data begin at a multiple of 8 bytes. */
  byte[] encode() {
    ObjectNode root = JsonNodeFactory.instance.objectNode();
    ObjectNode strings = root.putObject(METADATA);
    metadata.forEach(strings::put);
    tensors.forEach(
        (name, info) -> {
          ObjectNode entry = root.putObject(name);
          entry.put("dtype", TensorInfo.dtype(info.precision()));
          entry.putArray("shape").add(info.rows()).add(info.columns());
          entry.putArray("data_offsets").add(info.begin()).add(info.end());
        });
    String json = JSON.writeValueAsString(root);
    int bytes = json.getBytes(StandardCharsets.UTF_8).length;
    return (json + " ".repeat(-bytes & 7)).getBytes(StandardCharsets.UTF_8);
  }

  /** Parses a header and checks that its tensors fill {@code dataBytes} without gap or overlap. */
  static SafetensorsHeader decode(byte[] header, long dataBytes) throws Malformed {
    ObjectNode root = object(header);
    Map<String, TensorInfo> tensors = new LinkedHashMap<>();
    Map<String, String> metadata = new LinkedHashMap<>();
    for (Map.Entry<String, JsonNode> entry : root.properties()) {
      if (entry.getKey().equals(METADATA)) {
        readMetadata(entry.getValue(), metadata);
      } else {
        tensors.put(entry.getKey(), tensor(entry.getKey(), entry.getValue()));
      }
    }
    checkPlaces(tensors, dataBytes);
    return new SafetensorsHeader(tensors, metadata);
  }

  private static ObjectNode object(byte[] header) throws Malformed {
    try {
      String text = StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(header)).toString();
      if (JSON.readTree(text) instanceof ObjectNode object) {
        return object;
      }
      throw new Malformed("expected a JSON object as header, found other JSON");
    } catch (CharacterCodingException _) {
      throw new Malformed("expected a JSON object as header, found bytes that are not UTF-8");
    } catch (JacksonException e) {
      throw new Malformed("expected a JSON object as header, found: " + e.getOriginalMessage());
    }
  }

  private static void readMetadata(JsonNode node, Map<String, String> metadata) throws Malformed {
    if (!node.isObject()) {
      throw new Malformed("expected an object of strings as " + METADATA + ", found " + node);
    }
    for (Map.Entry<String, JsonNode> entry : node.properties()) {
      if (!entry.getValue().isString()) {
        throw new Malformed(
            "expected a string as "
                + METADATA
                + " \""
                + entry.getKey()
                + "\", found "
                + entry.getValue());
      }
      metadata.put(entry.getKey(), entry.getValue().stringValue());
    }
  }

  private static TensorInfo tensor(String name, JsonNode node) throws Malformed {
    if (!node.isObject() || node.size() != KEYS.size() || !KEYS.stream().allMatch(node::has)) {
      throw new Malformed(
          "expected dtype, shape and data_offsets of tensor \"" + name + "\", found " + node);
    }
    Precision precision = precision(name, node.get("dtype"));
    long[] shape = pair(name, "shape", node.get("shape"));
    long[] offsets = pair(name, "data_offsets", node.get("data_offsets"));
    if (shape[0] > Integer.MAX_VALUE || shape[1] > Integer.MAX_VALUE) {
      throw new Malformed(
          "expected a shape that fits Java arrays, found "
              + node.get("shape")
              + " of tensor \""
              + name
              + "\"");
    }
    long elements = shape[0] * shape[1]; // below 2^62
    long bytes = offsets[1] - offsets[0];
    if (bytes < 0 || bytes % precision.bytes() != 0 || bytes / precision.bytes() != elements) {
      throw new Malformed(
          "expected data_offsets with "
              + elements
              + " elements of "
              + precision.bytes()
              + " bytes, found "
              + node.get("data_offsets")
              + " of tensor \""
              + name
              + "\"");
    }
    if (offsets[0] % precision.bytes() != 0) {
      throw new Malformed(
          "expected data_offsets at a multiple of "
              + precision.bytes()
              + ", found "
              + offsets[0]
              + " of tensor \""
              + name
              + "\"");
    }
    return new TensorInfo(precision, (int) shape[0], (int) shape[1], offsets[0], offsets[1]);
  }

  private static Precision precision(String name, JsonNode dtype) throws Malformed {
    for (Precision precision : Precision.values()) {
      if (dtype.isString() && dtype.stringValue().equals(TensorInfo.dtype(precision))) {
        return precision;
      }
    }
    throw new Malformed(
        "expected dtype F32 or F64, found " + dtype + " of tensor \"" + name + "\"");
  }

  /** Two whole numbers, 0 to 2^63 - 1. */
  private static long[] pair(String name, String key, JsonNode node) throws Malformed {
    if (node instanceof ArrayNode array && array.size() == 2) {
      JsonNode first = array.get(0);
      JsonNode second = array.get(1);
      if (whole(first) && whole(second)) {
        return new long[] {first.longValue(), second.longValue()};
      }
    }
    throw new Malformed(
        "expected two whole numbers as " + key + ", found " + node + " of tensor \"" + name + "\"");
  }

  private static boolean whole(JsonNode node) {
    return node.isIntegralNumber() && node.canConvertToLong() && node.longValue() >= 0;
  }

  private static void checkPlaces(Map<String, TensorInfo> tensors, long dataBytes)
      throws Malformed {
    List<Map.Entry<String, TensorInfo>> byPlace = new ArrayList<>(tensors.entrySet());
    byPlace.sort(
        Comparator.comparingLong((Map.Entry<String, TensorInfo> entry) -> entry.getValue().begin())
            .thenComparingLong(entry -> entry.getValue().end()));
    long end = 0;
    for (Map.Entry<String, TensorInfo> entry : byPlace) {
      TensorInfo info = entry.getValue();
      if (info.begin() != end) {
        throw new Malformed(
            "expected data_offsets from "
                + end
                + " on, without gap or overlap, found ["
                + info.begin()
                + ","
                + info.end()
                + "] of tensor \""
                + entry.getKey()
                + "\"");
      }
      end = info.end();
    }
    if (end != dataBytes) {
      throw new Malformed(
          "expected " + end + " bytes of data after the header, found " + dataBytes);
    }
  }
}
