package org.ebflow.training.data;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.HttpURLConnection;
import java.net.URLConnection;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;
import java.util.Objects;
import org.ebflow.flow.InvalidInputException;
import org.ebflow.flow.io.PartFile;

/**
 * Fetches a published file: to a {@link PartFile} beside its place, checked, then renamed, so that
 * no reader ever sees half of it.
 */
final class Downloader {
  private static final int CONNECT_MILLIS = 20_000;
  private static final int STALL_MILLIS = 30_000;

  private Downloader() {}

  /**
   * Downloads {@code file} to {@code target}, replacing what is there.
   *
   * @throws InvalidInputException without network, or if length or SHA-256 are not the published
   *     ones
   */
  static void fetch(DataFile file, Path target) {
    try (PartFile part = new PartFile(target)) {
      Files.createDirectories(Objects.requireNonNull(part.path().getParent()));
      String sha256 = copy(file, part.path());
      if (!sha256.equals(file.sha256())) {
        throw new InvalidInputException(
            target
                + ": expected SHA-256 "
                + file.sha256()
                + " from "
                + file.uri()
                + ", found "
                + sha256
                + ". "
                + remedy(file));
      }
      part.publish();
    } catch (IOException e) {
      String why =
          e.getClass().getSimpleName()
              + (e.getMessage() == null ? "" : ": " + e.getMessage().replaceAll("\\s+", " "));
      throw new InvalidInputException(
          target + ": expected to download " + file.uri() + ", found " + why + ". " + remedy(file),
          e);
    }
  }

  private static String remedy(DataFile file) {
    return "Or put the file as "
        + file.folder()
        + "/"
        + file.name()
        + " into a folder and name that folder by --data-dir or EBFLOW_DATA";
  }

  private static String copy(DataFile file, Path part) throws IOException {
    URLConnection connection = file.uri().toURL().openConnection();
    connection.setConnectTimeout(CONNECT_MILLIS);
    connection.setReadTimeout(STALL_MILLIS);
    if (connection instanceof HttpURLConnection http
        && http.getResponseCode() != HttpURLConnection.HTTP_OK) {
      throw new IOException("HTTP status " + http.getResponseCode());
    }
    MessageDigest digest = Sha256.digest();
    long bytes = 0;
    try (InputStream in = connection.getInputStream();
        OutputStream out = Files.newOutputStream(part)) {
      byte[] buffer = new byte[1 << 16];
      for (int n = in.read(buffer); n >= 0; n = in.read(buffer)) {
        bytes += n;
        if (bytes > file.bytes()) {
          break;
        }
        digest.update(buffer, 0, n);
        out.write(buffer, 0, n);
      }
    }
    if (bytes != file.bytes()) {
      throw new IOException(
          (bytes > file.bytes() ? "more than " : bytes + " bytes instead of ")
              + file.bytes()
              + " bytes");
    }
    try (FileChannel channel = FileChannel.open(part, StandardOpenOption.WRITE)) {
      channel.force(true);
    }
    return Sha256.of(digest);
  }
}
