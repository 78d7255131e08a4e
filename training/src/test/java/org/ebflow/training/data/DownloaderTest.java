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
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.stream.Stream;
import org.ebflow.flow.InvalidInputException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class DownloaderTest {
  private static final byte[] CONTENT = "some published data".getBytes(StandardCharsets.UTF_8);

  @TempDir Path folder;
  private HttpServer server;
  private byte[] served = CONTENT;
  private volatile int status = 200;

  /** Content-Length that is sent: 0 for none, in chunks; negative for the right one. */
  private long announced = -1;

  private volatile int requests;
  private volatile int redirects;
  private final ExecutorService executor = Executors.newCachedThreadPool();

  /** What the server waits for before it ends an answer. */
  private CountDownLatch goOn = new CountDownLatch(0);

  @BeforeEach
  void start() throws IOException {
    server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    server.createContext(
        "/set/",
        exchange -> {
          requests++;
          exchange.sendResponseHeaders(status, announced < 0 ? served.length : announced);
          try (OutputStream body = exchange.getResponseBody()) {
            body.write(served);
            if (goOn.getCount() > 0) {
              body.flush();
              goOn.await();
            }
          } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
          }
        });
    server.createContext(
        "/moved/",
        exchange -> {
          redirects++;
          exchange.getResponseHeaders().set("Location", file().uri().toString());
          int code = status;
          status = 200; // before the answer, which the client may follow at once
          exchange.sendResponseHeaders(code, -1);
          exchange.close();
        });
    server.setExecutor(executor);
    server.start();
  }

  @AfterEach
  void stop() {
    goOn.countDown();
    server.stop(0);
    executor.shutdownNow();
  }

  private DataFile file() {
    String base =
        "http://"
            + server.getAddress().getHostString()
            + ":"
            + server.getAddress().getPort()
            + "/set/";
    return at(base + "a.gz");
  }

  private static DataFile at(String uri) {
    MessageDigest digest = Sha256.digest();
    digest.update(CONTENT);
    return new DataFile("set", "a.gz", URI.create(uri), CONTENT.length, Sha256.of(digest));
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
  void aTruncatedBodyIsRefused() throws IOException {
    served = new byte[3];
    announced = CONTENT.length;
    refuses("IOException");
    announced = 0; // in chunks, the end of which looks like any other
    refuses("3 bytes instead of 19");
  }

  @Test
  void contentInChunksIsTaken() {
    announced = 0;
    assertThat(cache().require(file())).hasBinaryContent(CONTENT);
    assertThat(requests).isEqualTo(1);
  }

  @ParameterizedTest
  @ValueSource(ints = {301, 302, 307, 308})
  void followsARedirect(int code) {
    status = code;
    DataFile moved = at(file().uri().resolve("/moved/a.gz").toString());
    assertThat(cache().require(moved)).hasBinaryContent(CONTENT);
    assertThat(redirects).isEqualTo(1);
    assertThat(requests).isEqualTo(1);
  }

  @Test
  void aServerThatFallsSilentIsGivenUp() throws IOException {
    goOn = new CountDownLatch(1);
    served = new byte[] {1, 2, 3};
    announced = CONTENT.length;
    Path target = folder.resolve("a.gz");
    assertThatThrownBy(() -> Downloader.fetch(file(), target, Duration.ofSeconds(1)))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageStartingWith(target + ": expected to download " + file().uri())
        .hasMessageContaining("found IOException: nothing for 1 s. Or put");
    assertThat(folder).isEmptyDirectory();
  }

  @Test
  void asksTheProxyOfTheSystemProperties() {
    System.setProperty("http.proxyHost", server.getAddress().getHostString());
    System.setProperty("http.proxyPort", Integer.toString(server.getAddress().getPort()));
    try {
      DataFile far = at("http://published.invalid/set/a.gz");
      assertThat(cache().require(far)).hasBinaryContent(CONTENT);
      assertThat(requests).isEqualTo(1);
    } finally {
      System.clearProperty("http.proxyHost");
      System.clearProperty("http.proxyPort");
    }
  }

  @Test
  void saysThatThereIsNoSuchHost() {
    assertThatThrownBy(() -> cache().require(at("http://published.invalid/set/a.gz")))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageContaining("found no address for that host. Or put the file as set/a.gz");
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
