package org.ebflow.training.data;

import java.io.EOFException;
import java.io.IOException;
import java.io.OutputStream;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.apache.parquet.format.ColumnChunk;
import org.apache.parquet.format.ColumnMetaData;
import org.apache.parquet.format.CompressionCodec;
import org.apache.parquet.format.ConvertedType;
import org.apache.parquet.format.DataPageHeader;
import org.apache.parquet.format.Encoding;
import org.apache.parquet.format.FieldRepetitionType;
import org.apache.parquet.format.FileMetaData;
import org.apache.parquet.format.LogicalType;
import org.apache.parquet.format.PageHeader;
import org.apache.parquet.format.PageType;
import org.apache.parquet.format.RowGroup;
import org.apache.parquet.format.SchemaElement;
import org.apache.parquet.format.StringType;
import org.apache.parquet.format.Type;
import shaded.parquet.org.apache.thrift.TBase;
import shaded.parquet.org.apache.thrift.TException;
import shaded.parquet.org.apache.thrift.protocol.TCompactProtocol;
import shaded.parquet.org.apache.thrift.transport.TMemoryBuffer;

/**
 * Writes a Parquet file of columns without nulls, plain and uncompressed, a row group at a time.
 * Each column of a group is one page, so that the groups of an unfinished file can be found again
 * ({@link #resume}).
 *
 * <p>The bytes are a function of the groups alone. Threading: not thread-safe.
 */
public final class ParquetWriter {
  private static final byte[] MAGIC = "PAR1".getBytes(StandardCharsets.US_ASCII);

  /** Longest header of a page that this class writes. */
  private static final int MOST_HEADER = 128;

  private final OutputStream out;
  private final List<Column> columns;
  private final List<RowGroup> groups = new ArrayList<>();
  private long length;
  private long rows;

  /** What a column holds. */
  public enum Kind {
    /** float64. */
    REAL(Type.DOUBLE),
    /** Whole numbers of 64 bits. */
    WHOLE(Type.INT64),
    /** Text. */
    TEXT(Type.BYTE_ARRAY);

    private final Type type;

    Kind(Type type) {
      this.type = type;
    }
  }

  /** A column of the file. */
  public record Column(String name, Kind kind) {}

  /** The values of a column in a row group, as they lie in a page. */
  public static final class Values {
    private ByteBuffer bytes = ByteBuffer.allocate(1 << 12).order(ByteOrder.LITTLE_ENDIAN);
    private int count;

    /** Appends a value of a column of {@link Kind#REAL}. */
    public void add(double value) {
      room(Double.BYTES).putDouble(value);
      count++;
    }

    /** Appends a value of a column of {@link Kind#WHOLE}. */
    public void add(long value) {
      room(Long.BYTES).putLong(value);
      count++;
    }

    /** Appends a value of a column of {@link Kind#TEXT}. */
    public void add(String value) {
      byte[] text = value.getBytes(StandardCharsets.UTF_8);
      room(Integer.BYTES + text.length).putInt(text.length).put(text);
      count++;
    }

    private ByteBuffer room(int more) {
      if (bytes.remaining() < more) {
        int wanted = Math.max(Math.addExact(bytes.position(), more), 2 * bytes.capacity());
        bytes = ByteBuffer.allocate(wanted).order(ByteOrder.LITTLE_ENDIAN).put(bytes.flip());
      }
      return bytes;
    }

    /** Number of values. */
    public int count() {
      return count;
    }

    /** Forgets all values. */
    public void clear() {
      bytes.clear();
      count = 0;
    }
  }

  /**
   * A file of these columns, to {@link #begin}.
   *
   * @param out stays open
   */
  public ParquetWriter(OutputStream out, List<Column> columns) {
    this(out, columns, 0);
  }

  private ParquetWriter(OutputStream out, List<Column> columns, long length) {
    this.out = out;
    this.columns = List.copyOf(columns);
    this.length = length;
  }

  /**
   * Goes on with an unfinished file that ends behind a row group. Moves the position of {@code
   * file} to its end.
   *
   * @param file what was written so far
   * @param out appends to it
   */
  public static ParquetWriter resume(RandomAccessFile file, OutputStream out, List<Column> columns)
      throws IOException {
    ParquetWriter writer = new ParquetWriter(out, columns, MAGIC.length);
    long end = file.length();
    while (writer.length < end) {
      List<ColumnChunk> chunks = new ArrayList<>();
      int count = 0;
      long start = writer.length;
      for (Column column : columns) {
        if (writer.length >= end) {
          throw new EOFException("the unfinished file is truncated");
        }
        byte[] bytes = new byte[(int) Math.min(MOST_HEADER, end - writer.length)];
        file.seek(writer.length);
        file.readFully(bytes);
        TMemoryBuffer header = buffer();
        header.write(bytes, 0, bytes.length);
        PageHeader page = new PageHeader();
        try {
          page.read(new TCompactProtocol(header));
        } catch (TException e) {
          throw new IOException("a page of the unfinished file is damaged", e);
        }
        DataPageHeader data = page.getData_page_header();
        if (data == null) {
          throw new IOException("a page of the unfinished file is damaged");
        }
        count = data.getNum_values();
        int headerBytes = bytes(page).length();
        chunks.add(writer.chunk(column, count, headerBytes + page.getCompressed_page_size()));
      }
      if (writer.length > end) {
        throw new EOFException("the unfinished file is truncated");
      }
      writer.end(chunks, count, start);
    }
    file.seek(end);
    return writer;
  }

  /** Begins the file. */
  public void begin() throws IOException {
    write(MAGIC, MAGIC.length);
  }

  /**
   * Writes a row group.
   *
   * @param values of each column, as many of each; none is no group
   */
  public void write(List<Values> values) throws IOException {
    int count = values.getFirst().count;
    if (count == 0) {
      return;
    }
    long start = length;
    List<ColumnChunk> chunks = new ArrayList<>();
    for (int c = 0; c < columns.size(); c++) {
      Values of = values.get(c);
      if (of.count != count) {
        throw new IllegalArgumentException(
            "column " + c + " has " + of.count + " values, expected " + count);
      }
      int bytes = of.bytes.position();
      PageHeader page = new PageHeader(PageType.DATA_PAGE, bytes, bytes);
      page.setData_page_header(
          new DataPageHeader(count, Encoding.PLAIN, Encoding.RLE, Encoding.RLE));
      TMemoryBuffer header = bytes(page);
      out.write(header.getArray(), 0, header.length());
      out.write(of.bytes.array(), 0, bytes);
      chunks.add(chunk(columns.get(c), count, header.length() + bytes));
    }
    end(chunks, count, start);
  }

  /** Notes a page behind the others. */
  private ColumnChunk chunk(Column column, int count, long bytes) {
    ColumnMetaData metadata =
        new ColumnMetaData(
            column.kind.type,
            List.of(Encoding.PLAIN, Encoding.RLE),
            List.of(column.name),
            CompressionCodec.UNCOMPRESSED,
            count,
            bytes,
            bytes,
            length);
    length += bytes;
    return new ColumnChunk(0).setMeta_data(metadata);
  }

  private void end(List<ColumnChunk> chunks, int count, long start) {
    groups.add(
        new RowGroup(chunks, length - start, count)
            .setFile_offset(start)
            .setTotal_compressed_size(length - start)
            .setOrdinal((short) Math.min(groups.size(), Short.MAX_VALUE)));
    rows += count;
  }

  /** Writes what makes it a complete file. */
  public void finish() throws IOException {
    List<SchemaElement> schema = new ArrayList<>();
    schema.add(new SchemaElement("schema").setNum_children(columns.size()));
    for (Column column : columns) {
      SchemaElement element =
          new SchemaElement(column.name)
              .setType(column.kind.type)
              .setRepetition_type(FieldRepetitionType.REQUIRED);
      if (column.kind == Kind.TEXT) {
        element.setConverted_type(ConvertedType.UTF8);
        element.setLogicalType(LogicalType.STRING(new StringType()));
      }
      schema.add(element);
    }
    TMemoryBuffer footer = bytes(new FileMetaData(1, schema, rows, groups).setCreated_by("ebflow"));
    write(footer.getArray(), footer.length());
    byte[] end =
        ByteBuffer.allocate(Integer.BYTES)
            .order(ByteOrder.LITTLE_ENDIAN)
            .putInt(footer.length())
            .array();
    write(end, end.length);
    write(MAGIC, MAGIC.length);
  }

  private void write(byte[] bytes, int count) throws IOException {
    out.write(bytes, 0, count);
    length += count;
  }

  private static TMemoryBuffer bytes(TBase<?, ?> structure) {
    try {
      TMemoryBuffer bytes = buffer();
      structure.write(new TCompactProtocol(bytes));
      return bytes;
    } catch (TException e) {
      throw new IllegalStateException(e); // in memory
    }
  }

  private static TMemoryBuffer buffer() {
    try {
      return new TMemoryBuffer(MOST_HEADER);
    } catch (TException e) {
      throw new IllegalStateException(e); // in memory
    }
  }
}
