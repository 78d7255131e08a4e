package org.ebflow.training.data;

import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.ConnectException;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.net.http.HttpResponse.BodySubscribers;
import java.nio.channels.UnresolvedAddressException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.time.Duration;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Consumer;
import org.ebflow.flow.InvalidInputException;
import org.ebflow.flow.io.OneLine;
import org.ebflow.flow.io.PartFile;

/**
 * Fetches a published file: to a {@link PartFile} beside its place, checked, then renamed, so that
 * no reader ever sees half of it. Redirects are followed, but never from HTTPS to HTTP; proxies are
 * those of the system properties.
 */
final class Downloader {
  private static final Duration CONNECT = Duration.ofSeconds(20);
  private static final Duration STALL = Duration.ofSeconds(30);
  private static final int OK = 200;

  private Downloader() {}

  /**
   * Downloads {@code file} to {@code target}, replacing what is there.
   *
   * @throws InvalidInputException without network, or if length or SHA-256 are not the published
   *     ones
   */
  static void fetch(DataFile file, Path target) {
    fetch(file, target, STALL);
  }

  /** As above, given up when nothing comes for that long. */
  static void fetch(DataFile file, Path target, Duration stall) {
    try {
      Files.createDirectories(Objects.requireNonNull(target.toAbsolutePath().getParent()));
      try (PartFile part = new PartFile(target)) {
        String sha256 = copy(file, part, stall);
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
      }
    } catch (IOException e) {
      throw new InvalidInputException(
          target
              + ": expected to download "
              + file.uri()
              + ", found "
              + reason(e)
              + ". "
              + remedy(file),
          e);
    }
  }

  /** What happened; the client's own exceptions for a failed connection have no message. */
  private static String reason(IOException e) {
    for (Throwable cause = e; cause != null; cause = cause.getCause()) {
      if (cause instanceof UnresolvedAddressException) {
        return "no address for that host";
      }
    }
    String kind =
        (e instanceof ConnectException ? ConnectException.class : e.getClass()).getSimpleName();
    return kind + (e.getMessage() == null ? "" : ": " + OneLine.message(e));
  }

  private static String remedy(DataFile file) {
    return "Or put the file as "
        + file.folder()
        + "/"
        + file.name()
        + " into a folder and name that folder by --data-dir or EBFLOW_DATA";
  }

  /** Writes the part and gives its SHA-256. */
  private static String copy(DataFile file, PartFile part, Duration stall) throws IOException {
    Body body = new Body(part.stream(), file.bytes());
    try (HttpClient client =
        HttpClient.newBuilder()
            .connectTimeout(CONNECT)
            .followRedirects(HttpClient.Redirect.NORMAL)
            .build()) {
      CompletableFuture<HttpResponse<Void>> response =
          client.sendAsync(
              HttpRequest.newBuilder(file.uri()).build(),
              head ->
                  head.statusCode() == OK
                      ? BodyHandlers.ofByteArrayConsumer(body).apply(head)
                      : BodySubscribers.discarding());
      try {
        int status = await(response, body, stall).statusCode();
        if (status != OK) {
          throw new IOException("HTTP status " + status);
        }
      } finally {
        response.cancel(true);
        client.shutdownNow();
      }
    }
    return body.sha256();
  }

  private static HttpResponse<Void> await(
      CompletableFuture<HttpResponse<Void>> response, Body body, Duration stall)
      throws IOException {
    while (true) {
      long quiet = System.nanoTime() - body.lastNanos;
      try {
        return response.get(Math.max(0, stall.toNanos() - quiet), TimeUnit.NANOSECONDS);
      } catch (TimeoutException e) {
        if (System.nanoTime() - body.lastNanos >= stall.toNanos()) {
          throw new IOException("nothing for " + stall.toSeconds() + " s", e);
        }
      } catch (ExecutionException e) {
        throw switch (e.getCause()) {
          case IOException failure -> failure;
          case UncheckedIOException failure -> Objects.requireNonNull(failure.getCause());
          case null, default -> new IOException(e.getCause());
        };
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new IOException("interrupted", e);
      }
    }
  }

  /** Takes the bytes as they come, on the client's thread. */
  private static final class Body implements Consumer<Optional<byte[]>> {
    private final OutputStream out;
    private final long expected;
    private final MessageDigest digest = Sha256.digest();
    private long bytes;

    /** When the last of them came. */
    private volatile long lastNanos = System.nanoTime();

    Body(OutputStream out, long expected) {
      this.out = out;
      this.expected = expected;
    }

    @Override
    public void accept(Optional<byte[]> chunk) {
      lastNanos = System.nanoTime();
      try {
        if (chunk.isPresent()) {
          append(chunk.get());
        }
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }

    private void append(byte[] chunk) throws IOException {
      bytes += chunk.length;
      if (bytes > expected) {
        throw new IOException("more than " + expected + " bytes");
      }
      digest.update(chunk);
      out.write(chunk);
    }

    /** SHA-256 of all bytes, none of which may be missing. */
    String sha256() throws IOException {
      if (bytes < expected) {
        throw new IOException(bytes + " bytes instead of " + expected + " bytes");
      }
      return Sha256.of(digest);
    }
  }
}
