package org.ebflow.training.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.Map;
import java.util.stream.Stream;
import org.ebflow.flow.InvalidInputException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DownloaderTest {
  private static final byte[] CONTENT = "some published data".getBytes(StandardCharsets.UTF_8);

  @TempDir Path folder;
  private HttpServer server;
  private byte[] served = CONTENT;
  private int status = 200;
  private int requests;

  @BeforeEach
  void start() throws IOException {
    server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    server.createContext(
        "/set/",
        exchange -> {
          requests++;
          exchange.sendResponseHeaders(status, served.length);
          try (OutputStream body = exchange.getResponseBody()) {
            body.write(served);
          }
        });
    server.start();
  }

  @AfterEach
  void stop() {
    server.stop(0);
  }

  private DataFile file() {
    String base =
        "http://"
            + server.getAddress().getHostString()
            + ":"
            + server.getAddress().getPort()
            + "/set/";
    MessageDigest digest = Sha256.digest();
    digest.update(CONTENT);
    return new DataFile(
        "set", "a.gz", URI.create(base + "a.gz"), CONTENT.length, Sha256.of(digest));
  }

  private DataFolder cache() {
    return DataFolder.choose(null, Map.of(), () -> folder.resolve("data"));
  }

  private void refuses(String... parts) throws IOException {
    assertThatThrownBy(() -> cache().require(file()))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageContainingAll(parts)
        .hasMessageContainingAll(file().uri().toString(), "set/a.gz", "--data-dir")
        .hasMessageNotContaining("\n");
    try (Stream<Path> left = Files.list(folder.resolve("data/set"))) {
      assertThat(left).isEmpty();
    }
  }

  @Test
  void downloadsOnceAndKeepsTheFile() throws IOException {
    Path file = cache().require(file());
    assertThat(file).isEqualTo(folder.resolve("data/set/a.gz")).hasBinaryContent(CONTENT);
    assertThat(cache().require(file())).isEqualTo(file);
    assertThat(requests).isEqualTo(1);
    try (Stream<Path> files = Files.list(file.getParent())) {
      assertThat(files).containsExactly(file);
    }
  }

  @Test
  void downloadsAgainWhereTheCachedFileIsDamaged() throws IOException {
    Path file = cache().require(file());
    Files.writeString(file, "some published DATA");
    assertThat(cache().require(file())).hasBinaryContent(CONTENT);
    assertThat(requests).isEqualTo(2);
  }

  @Test
  void refusesOtherContent() throws IOException {
    served = "some punished, data".getBytes(StandardCharsets.UTF_8);
    refuses("expected SHA-256 " + file().sha256());
    served = new byte[1000];
    refuses("more than 19 bytes");
    served = new byte[3];
    refuses("3 bytes instead of 19");
  }

  @Test
  void saysWhatToDoWithoutTheFileOrTheNetwork() throws IOException {
    status = 404;
    refuses("HTTP status 404");
    DataFile file = file();
    server.stop(0);
    assertThatThrownBy(() -> cache().require(file))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageContainingAll("ConnectException", file.uri().toString(), "--data-dir");
  }

  @Test
  void namedFolderIsFilledOnlyByFetch() throws IOException {
    Path named = Files.createDirectory(folder.resolve("named"));
    DataFolder data = DataFolder.choose(named, Map.of(), () -> folder);
    assertThatThrownBy(() -> data.require(file()))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageStartingWith(named.resolve("set/a.gz") + ": expected");
    assertThat(requests).isZero();
    assertThat(data.fetch(file())).isEqualTo(named.resolve("set/a.gz"));
    assertThat(data.require(file())).hasBinaryContent(CONTENT);
    data.fetch(file());
    assertThat(requests).isEqualTo(1);
  }

  @Test
  void choosesTheFolderByArgumentThenEnvironmentThenCache() throws IOException {
    Path cache = folder.resolve("cache");
    Path data = Files.createDirectory(folder.resolve("d"));
    Map<String, String> variable = Map.of("EBFLOW_DATA", data.toString());
    assertThat(DataFolder.choose(folder, variable, () -> cache).root()).isEqualTo(folder);
    assertThat(DataFolder.choose(null, variable, () -> cache).root()).isEqualTo(data);
    assertThat(DataFolder.choose(null, Map.of("EBFLOW_DATA", ""), () -> cache).root())
        .isEqualTo(cache);
    assertThatThrownBy(() -> DataFolder.choose(folder.resolve("none"), Map.of(), () -> cache))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageContaining("expected a data folder, found nothing");
  }
}
