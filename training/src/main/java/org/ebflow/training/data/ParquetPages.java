package org.ebflow.training.data;

import dev.hardwood.metadata.ColumnChunk;
import dev.hardwood.metadata.ColumnMetaData;
import dev.hardwood.metadata.CompressionCodec;
import dev.hardwood.metadata.FileMetaData;
import dev.hardwood.metadata.PhysicalType;
import dev.hardwood.metadata.RowGroup;
import dev.hardwood.schema.ColumnSchema;
import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.stream.LongStream;
import org.apache.parquet.format.DataPageHeader;
import org.apache.parquet.format.DataPageHeaderV2;
import org.apache.parquet.format.DictionaryPageHeader;
import org.apache.parquet.format.OffsetIndex;
import org.apache.parquet.format.PageHeader;
import org.apache.parquet.format.PageLocation;
import org.apache.parquet.format.PageType;
import org.ebflow.flow.InvalidInputException;
import shaded.parquet.org.apache.thrift.TBase;
import shaded.parquet.org.apache.thrift.TConfiguration;
import shaded.parquet.org.apache.thrift.TException;
import shaded.parquet.org.apache.thrift.protocol.TCompactProtocol;
import shaded.parquet.org.apache.thrift.transport.TTransport;
import shaded.parquet.org.apache.thrift.transport.TTransportException;

/**
 * What a Parquet file claims of its sizes, compared with the file and with the memory, before
 * anything is decoded.
 */
final class ParquetPages {
  private static final String MAGIC = "PAR1";
  private static final String ENCRYPTED = "PARE";

  /** Length of the footer, and the magic. */
  private static final int END = 8;

  /** A page may take no more than one part in so many of the Java heap. */
  private static final int SHARE = 8;

  /** Nor more bytes than this. */
  private static final long MOST_BYTES = 1L << 30;

  /** Bytes of the length that Snappy data begin with, at most. */
  private static final int LONGEST_LENGTH = 5;

  /** Bytes read for a page's header at first; more where it is longer. */
  private static final int HEADER = 512;

  private ParquetPages() {}

  /** Refuses what has not the frame and the footer of a Parquet file. */
  static void requireParquet(InputFile file) throws IOException {
    if (file.compressed()) {
      throw file.invalid("expected Parquet, found gzip (Parquet is compressed inside)");
    }
    try (FileChannel channel = FileChannel.open(file.path(), StandardOpenOption.READ)) {
      long length = channel.size();
      if (!MAGIC.equals(text(channel, 0)) && !ENCRYPTED.equals(text(channel, 0))) {
        throw file.invalid("expected a Parquet file, found no " + MAGIC + " at its start");
      }
      String end = text(channel, length - MAGIC.length());
      if (ENCRYPTED.equals(end)) {
        throw file.invalid("expected a Parquet file that is not encrypted, found an encrypted one");
      }
      if (length < MAGIC.length() + END || !MAGIC.equals(end)) {
        throw file.invalid(
            "expected " + MAGIC + " at the end of a Parquet file, found a truncated file");
      }
      long footer = Integer.toUnsignedLong(number(channel, length - END));
      long start = length - END - footer;
      if (start < MAGIC.length()) {
        throw file.invalid(
            "expected a footer within " + length + " bytes, found one that claims " + footer);
      }
      // The engine takes memory for what a length claims before it looks for the bytes.
      try {
        new org.apache.parquet.format.FileMetaData()
            .read(new TCompactProtocol(new ThriftInput(channel, start, length - END)));
      } catch (TException | RuntimeException e) {
        throw new InvalidInputException(
            file.path() + ": expected the footer of a Parquet file, found corruption", e);
      }
    }
  }

  private static String text(FileChannel channel, long at) throws IOException {
    return new String(bytes(channel, at), StandardCharsets.US_ASCII);
  }

  private static int number(FileChannel channel, long at) throws IOException {
    byte[] bytes = bytes(channel, at);
    return ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).getInt();
  }

  private static byte[] bytes(FileChannel channel, long at) throws IOException {
    ByteBuffer four = ByteBuffer.allocate(Integer.BYTES);
    while (at >= 0 && four.hasRemaining() && channel.read(four, at + four.position()) >= 0) {}
    return four.array();
  }

  /**
   * Refuses a file whose chunks do not lie in it, or with a page that claims more than the memory
   * allows.
   *
   * @param read the columns that will be read
   */
  static void check(InputFile file, FileMetaData metadata, List<ColumnSchema> read)
      throws IOException {
    long most = Math.min(MOST_BYTES, Runtime.getRuntime().maxMemory() / SHARE);
    long rows = 0;
    long[] largest = new long[read.size()];
    try (FileChannel channel = FileChannel.open(file.path(), StandardOpenOption.READ)) {
      for (RowGroup group : metadata.rowGroups()) {
        rows += group.numRows();
        for (int i = 0; i < largest.length; i++) {
          ColumnSchema column = read.get(i);
          if (group.numRows() < 0 || column.columnIndex() >= group.columns().size()) {
            throw file.invalid("expected row groups of all columns, found corruption");
          }
          if (group.numRows() > 0) {
            ColumnChunk chunk = group.columns().get(column.columnIndex());
            largest[i] = Math.max(largest[i], check(file, channel, chunk, column.name(), most));
          }
        }
      }
    }
    // At least one page of every column is in memory at a time.
    long together = LongStream.of(largest).sum();
    long heap = Runtime.getRuntime().maxMemory();
    if (together > heap) {
      throw file.invalid(
          String.format(
              Locale.ROOT,
              "expected pages of %d columns of at most %,d MiB together in this heap, found such as claim %,d MiB",
              largest.length,
              heap >> 20,
              together >> 20));
    }
    if (rows != metadata.numRows()) {
      throw file.invalid("expected " + metadata.numRows() + " rows, found row groups of " + rows);
    }
  }

  /** Bytes of the chunk's largest page. */
  private static long check(
      InputFile file, FileChannel channel, ColumnChunk chunk, String column, long most)
      throws IOException {
    ColumnMetaData metadata = chunk.metaData();
    long at = chunk.chunkStartOffset();
    long length = channel.size();
    if (at < 0
        || metadata.totalCompressedSize() < 0
        || metadata.totalCompressedSize() > length - at) {
      throw file.invalid("column " + column + ": expected pages within the file, found corruption");
    }
    long end = at + metadata.totalCompressedSize();
    long largest = 0;
    List<Long> places = new ArrayList<>();
    for (long values = 0; values < metadata.numValues() && at < end; ) {
      Header header = new Header(file, channel, column, at, end);
      PageHeader page = header.page;
      long bytes = page.getUncompressed_page_size();
      long compressed = page.getCompressed_page_size();
      if (bytes < 0 || compressed < 0 || compressed > end - header.end || header.taken() < 0) {
        throw corrupt(file, column, "pages within the file", at);
      }
      requireAtMost(most, bytes, file, column);
      // Few bytes may stand for any number of equal values.
      requireAtMost(most, Double.BYTES * (long) header.taken(), file, column);
      largest = Math.max(largest, Math.max(bytes, (long) header.taken() * width(metadata.type())));
      if (metadata.codec() == CompressionCodec.SNAPPY) {
        requireSnappyLength(file, channel, column, header);
      }
      if (page.getType() != PageType.DICTIONARY_PAGE) {
        places.add(at);
      }
      values += header.values();
      at = header.end + compressed;
    }
    requireIndexOf(places, file, channel, chunk, column);
    return largest;
  }

  /** Bytes of a decoded value, at least. */
  private static int width(PhysicalType type) {
    return switch (type) {
      case BOOLEAN -> 1;
      case FLOAT, INT32, BYTE_ARRAY, FIXED_LEN_BYTE_ARRAY -> Integer.BYTES;
      case INT64, INT96, DOUBLE -> Double.BYTES;
    };
  }

  private static void requireAtMost(long most, long bytes, InputFile file, String column) {
    if (bytes > most) {
      throw file.invalid(
          String.format(
              Locale.ROOT,
              "column %s: expected pages of at most %,d MiB in this heap, found one that claims %,d MiB",
              column,
              most >> 20,
              bytes >> 20));
    }
  }

  private static InvalidInputException corrupt(
      InputFile file, String column, String expected, long at) {
    return file.invalid(
        "column " + column + ": expected " + expected + ", found corruption at offset " + at);
  }

  /**
   * The native library trusts the length that compressed data begin with, and would write beyond
   * the memory that the page's header asks for.
   */
  private static void requireSnappyLength(
      InputFile file, FileChannel channel, String column, Header header) throws IOException {
    PageHeader page = header.page;
    long levels = 0;
    DataPageHeaderV2 second = page.getData_page_header_v2();
    if (second != null) {
      levels =
          (long) second.getDefinition_levels_byte_length()
              + second.getRepetition_levels_byte_length();
      if (!second.isIs_compressed() || page.getCompressed_page_size() == levels) {
        return;
      }
    }
    ByteBuffer bytes = ByteBuffer.allocate(LONGEST_LENGTH);
    long claimed = 0;
    int count = 0;
    long at = header.end + levels;
    if (levels >= 0 && levels < page.getCompressed_page_size()) {
      while (bytes.hasRemaining() && channel.read(bytes, at + bytes.position()) >= 0) {}
      boolean more = true;
      while (more && count < bytes.position()) {
        byte next = bytes.get(count);
        claimed |= (next & 0x7FL) << (7 * count++);
        more = next < 0;
      }
    }
    if (count == 0 || claimed != page.getUncompressed_page_size() - levels) {
      throw corrupt(file, column, "as many bytes of a page as its header claims", at);
    }
  }

  /** An index of pages, where there is one, must name those that were looked at. */
  private static void requireIndexOf(
      List<Long> places, InputFile file, FileChannel channel, ColumnChunk chunk, String column)
      throws IOException {
    Long at = chunk.offsetIndexOffset();
    Integer bytes = chunk.offsetIndexLength();
    if (at == null || bytes == null) {
      return;
    }
    OffsetIndex index = new OffsetIndex();
    if (at >= 0 && bytes >= 0 && bytes <= channel.size() - at) {
      read(file, column, at, index, new ThriftInput(channel, at, at + bytes));
    }
    if (index.getPage_locations() == null
        || !index.getPage_locations().stream()
            .map(PageLocation::getOffset)
            .toList()
            .equals(places)) {
      throw corrupt(file, column, "an index of its pages", at);
    }
  }

  private static void read(
      InputFile file, String column, long at, TBase<?, ?> target, ThriftInput in) {
    try {
      target.read(new TCompactProtocol(in));
    } catch (TException | RuntimeException e) {
      InvalidInputException corrupt = corrupt(file, column, "what describes its pages", at);
      corrupt.initCause(e);
      throw corrupt;
    }
  }

  /** The header of a page, and where it ends. */
  private static final class Header {
    final PageHeader page = new PageHeader();
    final long end;

    Header(InputFile file, FileChannel channel, String column, long at, long chunkEnd)
        throws IOException {
      ThriftInput in = new ThriftInput(channel, at, chunkEnd);
      read(file, column, at, page, in);
      end = at + in.count();
    }

    int values() {
      DataPageHeader first = page.getData_page_header();
      DataPageHeaderV2 second = page.getData_page_header_v2();
      return first != null ? first.getNum_values() : second != null ? second.getNum_values() : 0;
    }

    /** Values that memory is taken for: of the column, or of its dictionary. */
    int taken() {
      DictionaryPageHeader dictionary = page.getDictionary_page_header();
      return dictionary != null ? dictionary.getNum_values() : values();
    }
  }

  /** The bytes from a place on up to the end of a chunk, and how many of them were taken. */
  private static final class ThriftInput extends TTransport {
    private final InputStream in;
    private final long available;
    private long count;

    ThriftInput(FileChannel channel, long at, long end) throws IOException {
      channel.position(at);
      in = new BufferedInputStream(Channels.newInputStream(channel), HEADER);
      available = end - at;
    }

    long count() {
      return count;
    }

    @Override
    public int read(byte[] bytes, int offset, int length) throws TTransportException {
      checkReadBytesAvailable(length);
      try {
        int read = in.read(bytes, offset, length);
        if (read < 0) {
          throw new TTransportException(TTransportException.END_OF_FILE);
        }
        count += read;
        return read;
      } catch (IOException e) {
        throw new TTransportException(e);
      }
    }

    @Override
    public void checkReadBytesAvailable(long bytes) throws TTransportException {
      if (bytes > available - count) {
        throw new TTransportException(TTransportException.END_OF_FILE);
      }
    }

    @Override
    public void updateKnownMessageSize(long size) {
      // known from the start
    }

    @Override
    public TConfiguration getConfiguration() {
      return TConfiguration.DEFAULT;
    }

    @Override
    public boolean isOpen() {
      return true;
    }

    @Override
    public void open() {
      // it is
    }

    @Override
    public void close() {
      // the channel is another's
    }

    @Override
    public void write(byte[] bytes, int offset, int length) {
      throw new UnsupportedOperationException();
    }
  }
}
