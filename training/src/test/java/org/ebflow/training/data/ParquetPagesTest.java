package org.ebflow.training.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.stream.IntStream;
import org.apache.parquet.format.ColumnChunk;
import org.apache.parquet.format.ColumnMetaData;
import org.apache.parquet.format.CompressionCodec;
import org.apache.parquet.format.DataPageHeader;
import org.apache.parquet.format.DictionaryPageHeader;
import org.apache.parquet.format.Encoding;
import org.apache.parquet.format.FieldRepetitionType;
import org.apache.parquet.format.FileMetaData;
import org.apache.parquet.format.PageHeader;
import org.apache.parquet.format.PageType;
import org.apache.parquet.format.RowGroup;
import org.apache.parquet.format.SchemaElement;
import org.apache.parquet.format.Type;
import org.ebflow.flow.InvalidInputException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import shaded.parquet.org.apache.thrift.TBase;
import shaded.parquet.org.apache.thrift.TException;
import shaded.parquet.org.apache.thrift.protocol.TCompactProtocol;
import shaded.parquet.org.apache.thrift.transport.TMemoryBuffer;

/** Files of one double whose sizes are lies. */
final class ParquetPagesTest {
  private static final byte[] MAGIC = "PAR1".getBytes(StandardCharsets.US_ASCII);

  /** 1.5, as Snappy data: the length 8, and a literal of 8 bytes. */
  private static final byte[] SNAPPY = {8, 7 << 2, 0, 0, 0, 0, 0, 0, (byte) 0xF8, 0x3F};

  /** Bytes of a length in front of Snappy data, at most. */
  private static final int LONGEST = 5;

  @TempDir private Path folder;

  /** That a dictionary in front of the page claims; none if 0. */
  private int dictionaryValues;

  private static byte[] bytes(TBase<?, ?> structure) {
    try {
      TMemoryBuffer buffer = new TMemoryBuffer(64);
      structure.write(new TCompactProtocol(buffer));
      return Arrays.copyOf(buffer.getArray(), buffer.length());
    } catch (TException e) {
      throw new IllegalStateException(e);
    }
  }

  /** A file with that page, whose footer claims so many rows and bytes of it. */
  private Path file(byte[] page, int uncompressed, long rows, long chunk) throws IOException {
    return file(page, uncompressed, rows, chunk, 1, 1);
  }

  /** Whose page and whose footer claim so many values, too. */
  private Path file(
      byte[] page, int uncompressed, long rows, long chunk, int pageValues, long chunkValues)
      throws IOException {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    out.write(MAGIC);
    if (dictionaryValues > 0) {
      PageHeader dictionary = new PageHeader(PageType.DICTIONARY_PAGE, 8, SNAPPY.length);
      dictionary.setDictionary_page_header(
          new DictionaryPageHeader(dictionaryValues, Encoding.PLAIN));
      out.write(bytes(dictionary));
      out.write(SNAPPY);
    }
    PageHeader header = new PageHeader(PageType.DATA_PAGE, uncompressed, page.length);
    header.setData_page_header(
        new DataPageHeader(pageValues, Encoding.PLAIN, Encoding.RLE, Encoding.RLE));
    out.write(bytes(header));
    out.write(page);
    long bytes = chunk < 0 ? out.size() - MAGIC.length : chunk;
    ColumnMetaData metadata =
        new ColumnMetaData(
            Type.DOUBLE,
            List.of(Encoding.PLAIN, Encoding.RLE),
            List.of("x"),
            CompressionCodec.SNAPPY,
            chunkValues,
            bytes,
            bytes,
            MAGIC.length);
    byte[] footer =
        bytes(
            new FileMetaData(
                1,
                List.of(
                    new SchemaElement("schema").setNum_children(1),
                    new SchemaElement("x")
                        .setType(Type.DOUBLE)
                        .setRepetition_type(FieldRepetitionType.REQUIRED)),
                rows,
                List.of(
                    new RowGroup(
                        List.of(new ColumnChunk(0).setMeta_data(metadata)), bytes, chunkValues))));
    out.write(footer);
    out.write(ByteBuffer.allocate(4).order(ByteOrder.LITTLE_ENDIAN).putInt(footer.length).array());
    out.write(MAGIC);
    return Files.write(folder.resolve("a.parquet"), out.toByteArray());
  }

  /** A file of a column of that name and x. */
  private Path twoColumns(String firstName, byte[] first, byte[] second) throws IOException {
    return columns(List.of(firstName, "x"), List.of(first, second), 8);
  }

  /** A file of a row, whose pages claim so many bytes. */
  private Path columns(List<String> names, List<byte[]> pages, int uncompressed)
      throws IOException {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    out.write(MAGIC);
    List<ColumnChunk> chunks = new ArrayList<>();
    List<SchemaElement> schema = new ArrayList<>();
    schema.add(new SchemaElement("schema").setNum_children(names.size()));
    for (byte[] page : pages) {
      String name = names.get(chunks.size());
      int at = out.size();
      PageHeader header = new PageHeader(PageType.DATA_PAGE, uncompressed, page.length);
      header.setData_page_header(new DataPageHeader(1, Encoding.PLAIN, Encoding.RLE, Encoding.RLE));
      out.write(bytes(header));
      out.write(page);
      long bytes = out.size() - at;
      chunks.add(
          new ColumnChunk(0)
              .setMeta_data(
                  new ColumnMetaData(
                      Type.DOUBLE,
                      List.of(Encoding.PLAIN, Encoding.RLE),
                      List.of(name),
                      CompressionCodec.SNAPPY,
                      1,
                      bytes,
                      bytes,
                      at)));
      schema.add(
          new SchemaElement(name)
              .setType(Type.DOUBLE)
              .setRepetition_type(FieldRepetitionType.REQUIRED));
    }
    long bytes = out.size() - MAGIC.length;
    byte[] footer = bytes(new FileMetaData(1, schema, 1, List.of(new RowGroup(chunks, bytes, 1))));
    out.write(footer);
    out.write(ByteBuffer.allocate(4).order(ByteOrder.LITTLE_ENDIAN).putInt(footer.length).array());
    out.write(MAGIC);
    return Files.write(folder.resolve("c.parquet"), out.toByteArray());
  }

  private static void refuses(Path file, String message) {
    assertThatThrownBy(() -> TableReader.open(file).close())
        .isInstanceOf(InvalidInputException.class)
        .hasMessageStartingWith(file + ": ")
        .hasMessageContaining(message);
  }

  @Test
  void anHonestFileIsRead() throws IOException {
    try (TableReader table = TableReader.open(file(SNAPPY, 8, 1, -1))) {
      assertThat(table.next()).isTrue();
      assertThat(table.values()).containsExactly(1.5);
      assertThat(table.next()).isFalse();
    }
  }

  @Test
  void aPageLargerThanTheMemoryIsRefused() throws IOException {
    refuses(
        file(SNAPPY, Integer.MAX_VALUE, 1, -1),
        "column x: expected pages of at most "
            + "%,d MiB in this heap, found one that claims 2,047 MiB"
                .formatted(Math.min(1L << 30, Runtime.getRuntime().maxMemory() / 8) >> 20));
    refuses(file(SNAPPY, -8, 1, -1), "column x: expected pages within the file, found corruption");
  }

  /** The library would write 127 bytes into memory for 8. */
  @Test
  void aLengthInsideThePageThatIsNotItsHeadersIsRefused() throws IOException {
    byte[] page = SNAPPY.clone();
    page[0] = 127;
    refuses(file(page, 8, 1, -1), "column x: expected as many bytes of a page as its header");
    refuses(file(new byte[0], 8, 1, -1), "column x: expected as many bytes of a page");
  }

  /** A column with a point in its name is read among all, so that all are looked at. */
  @Test
  void aColumnThatIsReadForAnotherIsLookedAt() throws IOException {
    TableOptions first = TableOptions.DEFAULT.withColumns(List.of("a.b"));
    try (TableReader table = TableReader.open(twoColumns("a.b", SNAPPY, SNAPPY), first)) {
      assertThat(table.next()).isTrue();
      assertThat(table.values()).containsExactly(1.5);
    }
    byte[] lie = SNAPPY.clone();
    lie[0] = 127;
    Path file = twoColumns("a.b", SNAPPY, lie);
    assertThatThrownBy(() -> TableReader.open(file, first).close())
        .isInstanceOf(InvalidInputException.class)
        .hasMessageContaining("column x: expected as many bytes of a page as its header");
  }

  @Test
  void namesOfSeveralColumnsAreRefused() throws IOException {
    refuses(twoColumns("x", SNAPPY, SNAPPY), "expected column names that differ, found 'x' twice");
  }

  @Test
  void rowsAndChunksThatAreNotThereAreRefused() throws IOException {
    refuses(file(SNAPPY, 8, 1_000_000_000_000L, -1), "expected 1000000000000 rows, found row");
    refuses(file(SNAPPY, 8, 1, 1L << 40), "column x: expected pages within the file");
  }

  @Test
  void aPageThatClaimsMoreValuesThanTheMemoryHoldsIsRefused() throws IOException {
    int most = Integer.MAX_VALUE;
    refuses(file(SNAPPY, 8, most, -1, most, most), "column x: expected pages of at most");
    dictionaryValues = most;
    refuses(file(SNAPPY, 8, 1, -1), "column x: expected pages of at most");
  }

  /** Each claims as much as one may. */
  @Test
  void pagesThatTogetherClaimMoreThanTheMemoryAreRefused() throws IOException {
    long heap = Runtime.getRuntime().maxMemory();
    int claimed = (int) Math.min(1 << 30, heap / 8);
    int columns = (int) (heap / claimed) + 1;
    byte[] page = new byte[LONGEST];
    for (int i = 0, rest = claimed; i < LONGEST; i++, rest >>>= 7) {
      page[i] = (byte) (rest & 0x7F | (i < LONGEST - 1 ? 0x80 : 0));
    }
    List<String> names = IntStream.range(0, columns).mapToObj(i -> "c" + i).toList();
    refuses(
        columns(names, Collections.nCopies(columns, page), claimed),
        "expected pages of " + columns + " columns of at most");
    try (TableReader table = // the schema and the columns before it are right
        TableReader.open(
            folder.resolve("c.parquet"), TableOptions.DEFAULT.withColumns(names.subList(0, 2)))) {
      assertThat(table.dimension()).isEqualTo(2);
    }
  }

  /** A list of two billion and a name of two billion bytes, in a footer of some. */
  @Test
  void aFooterThatClaimsMoreThanItsBytesIsRefused() throws IOException {
    for (byte[] footer :
        List.of(
            new byte[] {0x15, 2, 0x19, (byte) 0xFC, -1, -1, -1, -1, 7, 0},
            new byte[] {0x15, 2, 0x48, -1, -1, -1, -1, 7, 0})) {
      ByteArrayOutputStream out = new ByteArrayOutputStream();
      out.write(MAGIC);
      out.write(footer);
      out.write(
          ByteBuffer.allocate(4).order(ByteOrder.LITTLE_ENDIAN).putInt(footer.length).array());
      out.write(MAGIC);
      Path file = Files.write(folder.resolve("b.parquet"), out.toByteArray());
      refuses(file, "expected the footer of a Parquet file, found corruption");
    }
  }
}
