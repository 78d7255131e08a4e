package org.ebflow.training.data;

import java.io.CharArrayReader;
import java.io.Closeable;
import java.io.IOException;
import java.io.Reader;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Deque;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.jspecify.annotations.Nullable;

/**
 * The lines of a CSV text in chunks that are parsed on all cores, up to the first chunk that can't
 * be parsed apart from the others. From there on {@link #rest} has the text.
 *
 * <p>Threading: not thread-safe.
 */
final class CsvChunks implements Closeable {
  /** Characters of a chunk. */
  static final int CHARACTERS = 1 << 18;

  /** One thread reads the text for all of them, and does not keep more busy. */
  private static final int MOST_PARSERS = 8;

  private final InputFile file;
  private final TableOptions options;
  private final CsvColumns columns;
  private final CsvEncoding encoding;
  private final Reader text;
  private final int characters;
  private final ExecutorService parsers;
  private final int ahead;
  private final Deque<Parse> parses = new ArrayDeque<>();

  /** What was read behind the last line break. */
  private char[] rest = new char[0];

  private final long known;
  private boolean begun;
  private boolean complete;

  /** Why no more can be read, to be told behind what was read before. */
  private @Nullable IOException failure;

  private @Nullable CsvChunk current;
  private long linesBefore;

  private record Parse(CsvChunk chunk, Future<?> done) {}

  /**
   * @param known records at the start that are not wanted
   * @param characters of a chunk
   */
  CsvChunks(InputFile file, TableOptions options, CsvColumns columns, long known, int characters)
      throws IOException {
    this.file = file;
    this.options = options;
    this.columns = columns;
    encoding = CsvEncoding.of(file, options.encoding());
    text = encoding.open(file);
    this.known = known;
    this.characters = characters;
    int threads = Math.min(MOST_PARSERS, Runtime.getRuntime().availableProcessors());
    ahead = 2 * threads;
    parsers =
        Executors.newFixedThreadPool(
            threads, Thread.ofPlatform().daemon().name("ebflow-csv-", 0).factory());
  }

  /** The next chunk, parsed; null where {@link #rest} goes on. */
  @Nullable CsvChunk next() {
    if (current != null) {
      linesBefore += current.lines();
      current = null;
    }
    while (!complete && parses.size() < ahead) {
      submit();
    }
    Parse oldest = parses.peek();
    if (oldest == null) {
      return null;
    }
    await(oldest);
    if (oldest.chunk.alone()) {
      current = oldest.chunk;
      parses.remove();
    }
    return current;
  }

  /** Lines of the chunks before the current one. */
  long linesBefore() {
    return linesBefore;
  }

  private void submit() {
    char[] chunk = Arrays.copyOf(rest, Math.max(characters, rest.length));
    int length = rest.length;
    try {
      for (int read = 0; read >= 0 && length < chunk.length; length += Math.max(0, read)) {
        read = text.read(chunk, length, chunk.length - length);
        complete = read < 0;
      }
    } catch (IOException e) {
      failure = e;
      complete = true;
    }
    int end = length;
    if (failure != null || !complete) {
      while (end > 0 && chunk[end - 1] != '\n') {
        end--;
      }
    }
    rest = Arrays.copyOfRange(chunk, end, length);
    if (end == 0) { // no line ends here, or there is no more
      complete = true;
      return;
    }
    CsvChunk lines = new CsvChunk(chunk, end, columns.choice().places().places().size());
    long skipped = begun ? 0 : known;
    begun = true;
    parses.add(
        new Parse(
            lines, parsers.submit(() -> lines.parse(file, options, columns, encoding, skipped))));
  }

  private static void await(Parse parse) {
    try {
      parse.done.get();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("interrupted while reading", e);
    } catch (ExecutionException e) {
      throw new IllegalStateException(e.getCause());
    }
  }

  /** The records from the first chunk on that was not given out; to be asked once. */
  CsvRecords<CsvRow> rest(CsvRow row) {
    parses.forEach(CsvChunks::await);
    CsvRecords<CsvRow> records =
        new CsvRecords<>(file, options, row, encoding, new Rest(), linesBefore);
    if (linesBefore == 0) {
      for (long record = 0; record < known && records.next(); record++) {}
    }
    return records;
  }

  /** The chunks read, what was read behind them, and the text that was not read yet. */
  private final class Rest extends Reader {
    private Reader now = Reader.nullReader();
    private boolean behindChunks;
    private boolean last;

    @Override
    public int read(char[] target, int offset, int length) throws IOException {
      int read = now.read(target, offset, length);
      while (read < 0 && !last) {
        now = following();
        read = now.read(target, offset, length);
      }
      return read;
    }

    private Reader following() throws IOException {
      Parse next = parses.poll();
      if (next != null) {
        return next.chunk.text();
      }
      if (!behindChunks) {
        behindChunks = true;
        return new CharArrayReader(rest);
      }
      if (failure != null) {
        throw failure;
      }
      last = true;
      return text;
    }

    @Override
    public void close() {}
  }

  @Override
  public void close() throws IOException {
    parsers.shutdownNow();
    text.close();
  }
}
