package org.ebflow.training.data;

import java.io.IOException;
import java.io.InputStream;
import java.util.zip.GZIPInputStream;
import java.util.zip.ZipException;

/**
 * Decompresses one or several gzip members to the last byte of the file. What the JDK's stream
 * takes for the end, a further member with a damaged header or any other bytes, is corruption here.
 */
final class WholeGzip extends GZIPInputStream {
  /** Checksum and length behind the compressed data. */
  private static final int TRAILER = 8;

  WholeGzip(InputStream in, int buffer) throws IOException {
    super(in, buffer);
  }

  @Override
  public int read(byte[] bytes, int offset, int length) throws IOException {
    int count = super.read(bytes, offset, length);
    if (count < 0 && (inf.getRemaining() > TRAILER || in.read() >= 0)) {
      throw new ZipException("other data behind the end");
    }
    return count;
  }
}
