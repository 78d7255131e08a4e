package org.ebflow.training.data;

import dev.hardwood.metadata.LogicalType;
import dev.hardwood.metadata.PhysicalType;
import dev.hardwood.metadata.RepetitionType;
import dev.hardwood.reader.ColumnReader;
import dev.hardwood.reader.Validity;
import dev.hardwood.schema.ColumnSchema;
import dev.hardwood.schema.SchemaNode;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.time.LocalDate;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** A column of a Parquet file as numbers, or as the texts that identify rows. */
final class ParquetColumn {
  /** Powers of ten that are exact in float64. */
  private static final double[] POWERS_OF_TEN = new double[23];

  /** Whole numbers up to here are exact in float64. */
  private static final long MOST_WHOLE = 1L << 53;

  static {
    for (int i = 0; i < POWERS_OF_TEN.length; i++) {
      POWERS_OF_TEN[i] = Double.parseDouble("1e" + i);
    }
  }

  private final ColumnSchema schema;
  private final @Nullable Decoder decoder;
  private final Text text;
  private @Nullable ColumnReader batch;

  /** Decodes some rows of a batch; what is null is anything. */
  @FunctionalInterface
  private interface Decoder {
    /** Row {@code from + r} goes to {@code target[offset + r * stride]}. */
    void decode(ColumnReader batch, int from, int rows, double[] target, int offset, int stride);
  }

  /** The text of a row that is not null. */
  @FunctionalInterface
  private interface Text {
    String of(ColumnReader batch, int row);
  }

  private ParquetColumn(ColumnSchema schema, @Nullable Decoder decoder, Text text) {
    this.schema = schema;
    this.decoder = decoder;
    this.text = text;
  }

  /**
   * A column of numbers.
   *
   * @param called what messages call it
   * @param columns all of the file
   */
  static ParquetColumn ofNumbers(
      InputFile file, String called, SchemaNode field, List<ColumnSchema> columns) {
    ColumnSchema column = flat(file, called, "numbers", field, columns);
    Decoder decoder = decoder(column);
    if (decoder == null) {
      throw file.invalid(unsupported(called, "numbers", type(column)));
    }
    return new ParquetColumn(column, decoder, (_, _) -> "");
  }

  /** A column of texts that identify rows. */
  static ParquetColumn ofIds(
      InputFile file, String called, SchemaNode field, List<ColumnSchema> columns) {
    ColumnSchema column = flat(file, called, "ids", field, columns);
    Text text = text(column);
    if (text == null) {
      throw file.invalid(unsupported(called, "ids", type(column)));
    }
    return new ParquetColumn(column, null, text);
  }

  private static ColumnSchema flat(
      InputFile file, String called, String what, SchemaNode field, List<ColumnSchema> columns) {
    if (field instanceof SchemaNode.PrimitiveNode primitive
        && primitive.repetitionType() != RepetitionType.REPEATED) {
      return columns.get(primitive.columnIndex());
    }
    throw file.invalid(
        unsupported(
            called,
            what,
            switch (field) {
              case SchemaNode.GroupNode group when group.isMap() -> "maps";
              case SchemaNode.GroupNode group when !group.isList() -> "structs";
              default -> "lists";
            }));
  }

  private static String unsupported(String called, String what, String found) {
    return called
        + ": expected "
        + what
        + ", found "
        + found
        + " (--columns chooses others, --drop leaves it out)";
  }

  private static String type(ColumnSchema column) {
    LogicalType logical = column.logicalType();
    return "the type " + (logical == null ? column.type() : logical);
  }

  private static @Nullable Decoder decoder(ColumnSchema column) {
    return switch (column.logicalType()) {
      case null -> plain(column.type());
      case LogicalType.NullType _ -> plain(column.type());
      case LogicalType.IntType whole -> whole.isSigned() ? plain(column.type()) : unsigned(column);
      case LogicalType.DecimalType decimal -> decimal(column, decimal.scale());
      case LogicalType.Float16Type _ ->
          (batch, from, rows, target, offset, stride) -> {
            byte[] bytes = batch.getBinaryValues();
            int[] offsets = batch.getBinaryOffsets();
            for (int r = 0; r < rows; r++) {
              int at = offsets[from + r];
              target[offset + r * stride] =
                  offsets[from + r + 1] - at < Short.BYTES
                      ? Double.NaN
                      : Float.float16ToFloat(
                          (short) ((bytes[at] & 0xFF) | (bytes[at + 1] << Byte.SIZE)));
            }
          };
      default -> null;
    };
  }

  private static @Nullable Decoder plain(PhysicalType type) {
    return switch (type) {
      case BOOLEAN ->
          (batch, from, rows, target, offset, stride) -> {
            boolean[] values = batch.getBooleans();
            for (int r = 0; r < rows; r++) {
              target[offset + r * stride] = values[from + r] ? 1 : 0;
            }
          };
      case INT32 ->
          (batch, from, rows, target, offset, stride) -> {
            int[] values = batch.getInts();
            for (int r = 0; r < rows; r++) {
              target[offset + r * stride] = values[from + r];
            }
          };
      case INT64 ->
          (batch, from, rows, target, offset, stride) -> {
            long[] values = batch.getLongs();
            for (int r = 0; r < rows; r++) {
              target[offset + r * stride] = values[from + r];
            }
          };
      case FLOAT ->
          (batch, from, rows, target, offset, stride) -> {
            float[] values = batch.getFloats();
            for (int r = 0; r < rows; r++) {
              target[offset + r * stride] = values[from + r];
            }
          };
      case DOUBLE ->
          (batch, from, rows, target, offset, stride) -> {
            double[] values = batch.getDoubles();
            for (int r = 0; r < rows; r++) {
              target[offset + r * stride] = values[from + r];
            }
          };
      case INT96, BYTE_ARRAY, FIXED_LEN_BYTE_ARRAY -> null;
    };
  }

  private static @Nullable Decoder unsigned(ColumnSchema column) {
    return switch (column.type()) {
      case INT32 ->
          (batch, from, rows, target, offset, stride) -> {
            int[] values = batch.getInts();
            for (int r = 0; r < rows; r++) {
              target[offset + r * stride] = Integer.toUnsignedLong(values[from + r]);
            }
          };
      case INT64 ->
          (batch, from, rows, target, offset, stride) -> {
            long[] values = batch.getLongs();
            for (int r = 0; r < rows; r++) {
              long value = values[from + r];
              target[offset + r * stride] =
                  value >= 0 ? value : 2.0 * ((value >>> 1) | (value & 1)); // rounded to odd, once
            }
          };
      default -> null;
    };
  }

  private static @Nullable Decoder decimal(ColumnSchema column, int scale) {
    return switch (column.type()) {
      case INT32 ->
          (batch, from, rows, target, offset, stride) -> {
            int[] values = batch.getInts();
            for (int r = 0; r < rows; r++) {
              target[offset + r * stride] = decimal(values[from + r], scale);
            }
          };
      case INT64 ->
          (batch, from, rows, target, offset, stride) -> {
            long[] values = batch.getLongs();
            for (int r = 0; r < rows; r++) {
              target[offset + r * stride] = decimal(values[from + r], scale);
            }
          };
      case BYTE_ARRAY, FIXED_LEN_BYTE_ARRAY ->
          (batch, from, rows, target, offset, stride) -> {
            byte[] bytes = batch.getBinaryValues();
            int[] offsets = batch.getBinaryOffsets();
            for (int r = 0; r < rows; r++) {
              target[offset + r * stride] =
                  decimal(bytes, offsets[from + r], offsets[from + r + 1], scale);
            }
          };
      default -> null;
    };
  }

  /** The number nearest to unscaled / 10^scale. */
  private static double decimal(long unscaled, int scale) {
    return scale >= 0 && scale < POWERS_OF_TEN.length && Math.abs(unscaled) <= MOST_WHOLE
        ? unscaled / POWERS_OF_TEN[scale]
        : BigDecimal.valueOf(unscaled, scale).doubleValue();
  }

  private static double decimal(byte[] bytes, int from, int to, int scale) {
    if (to <= from) {
      return Double.NaN;
    }
    if (to - from > Long.BYTES) {
      return new BigDecimal(new BigInteger(bytes, from, to - from), scale).doubleValue();
    }
    long unscaled = bytes[from]; // with its sign
    for (int i = from + 1; i < to; i++) {
      unscaled = unscaled << Byte.SIZE | (bytes[i] & 0xFF);
    }
    return decimal(unscaled, scale);
  }

  private static @Nullable Text text(ColumnSchema column) {
    return switch (column.logicalType()) {
      case null -> plainText(column.type());
      case LogicalType.NullType _ -> plainText(column.type());
      case LogicalType.StringType _, LogicalType.EnumType _, LogicalType.JsonType _ ->
          plainText(PhysicalType.BYTE_ARRAY);
      case LogicalType.IntType whole
          when !whole.isSigned() && column.type() == PhysicalType.INT32 ->
          (batch, row) -> Integer.toUnsignedString(batch.getInts()[row]);
      case LogicalType.IntType whole when !whole.isSigned() ->
          (batch, row) -> Long.toUnsignedString(batch.getLongs()[row]);
      case LogicalType.IntType _ -> plainText(column.type());
      case LogicalType.DateType _ ->
          (batch, row) -> LocalDate.ofEpochDay(batch.getInts()[row]).toString();
      case LogicalType.DecimalType decimal -> decimalText(column.type(), decimal.scale());
      default -> null;
    };
  }

  private static @Nullable Text plainText(PhysicalType type) {
    return switch (type) {
      case BOOLEAN -> (batch, row) -> Boolean.toString(batch.getBooleans()[row]);
      case INT32 -> (batch, row) -> Integer.toString(batch.getInts()[row]);
      case INT64 -> (batch, row) -> Long.toString(batch.getLongs()[row]);
      case FLOAT -> (batch, row) -> Float.toString(batch.getFloats()[row]);
      case DOUBLE -> (batch, row) -> Double.toString(batch.getDoubles()[row]);
      case BYTE_ARRAY ->
          (batch, row) -> {
            int[] offsets = batch.getBinaryOffsets();
            return new String(
                batch.getBinaryValues(),
                offsets[row],
                offsets[row + 1] - offsets[row],
                StandardCharsets.UTF_8);
          };
      case INT96, FIXED_LEN_BYTE_ARRAY -> null;
    };
  }

  private static @Nullable Text decimalText(PhysicalType type, int scale) {
    return switch (type) {
      case INT32 -> (batch, row) -> plain(BigInteger.valueOf(batch.getInts()[row]), scale);
      case INT64 -> (batch, row) -> plain(BigInteger.valueOf(batch.getLongs()[row]), scale);
      case BYTE_ARRAY, FIXED_LEN_BYTE_ARRAY ->
          (batch, row) -> {
            int[] offsets = batch.getBinaryOffsets();
            int length = offsets[row + 1] - offsets[row];
            return plain(new BigInteger(batch.getBinaryValues(), offsets[row], length), scale);
          };
      default -> null;
    };
  }

  private static String plain(BigInteger unscaled, int scale) {
    return new BigDecimal(unscaled, scale).toPlainString();
  }

  /** What the file says of it. */
  ColumnSchema schema() {
    return schema;
  }

  /** Whether its numbers are float32 or less. */
  boolean isFloat() {
    return schema.type() == PhysicalType.FLOAT
        || schema.logicalType() instanceof LogicalType.Float16Type;
  }

  /** From now on its rows are those of the batches of this reader. */
  void readFrom(ColumnReader reader) {
    batch = reader;
  }

  /**
   * Decodes rows of the current batch: row {@code from + r} goes to {@code target[offset + r *
   * stride]}, a null as NaN.
   */
  void decode(int from, int rows, double[] target, int offset, int stride) {
    ColumnReader current = Objects.requireNonNull(batch);
    Objects.requireNonNull(decoder).decode(current, from, rows, target, offset, stride);
    Validity validity = current.getLeafValidity();
    if (validity.hasNulls()) {
      for (int r = validity.nextNull(from, from + rows);
          r >= 0 && r < from + rows;
          r = validity.nextNull(r + 1, from + rows)) {
        target[offset + (r - from) * stride] = Double.NaN;
      }
    }
  }

  /** Which rows of the current batch are null. */
  Validity validity() {
    return Objects.requireNonNull(batch).getLeafValidity();
  }

  /** The text of a row of the current batch; nothing where it is null. */
  String text(int row) {
    ColumnReader current = Objects.requireNonNull(batch);
    Validity validity = current.getLeafValidity();
    return validity.hasNulls() && validity.isNull(row) ? "" : text.of(current, row);
  }
}
