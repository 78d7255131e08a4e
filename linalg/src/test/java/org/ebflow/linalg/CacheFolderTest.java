package org.ebflow.linalg;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class CacheFolderTest {
  @TempDir private Path folder;

  @ParameterizedTest
  @CsvSource(
      nullValues = "none",
      value = {
        "/own, /shared,  /home/me, /own",
        "'',   /shared,  /home/me, /shared/ebflow",
        "'',   '',       /home/me, /home/me/.cache/ebflow",
        "'',   relative, /home/me, /home/me/.cache/ebflow",
        "'',   /shared,  ?,        /shared/ebflow",
        "/own, '',       ?,        /own",
        "'',   '',       ?,        none",
        "'',   relative, ?,        none",
      })
  void theUsualPlaceFollowsTheRulesOfXdg(String own, String shared, String home, Path expected) {
    assertThat(CacheFolder.usual(Map.of("EBFLOW_CACHE", own, "XDG_CACHE_HOME", shared), home))
        .isEqualTo(expected);
  }

  @Test
  void aRelativeCacheOfOnesOwnIsBelowTheCurrentFolder() {
    assertThat(CacheFolder.usual(Map.of("EBFLOW_CACHE", "mine"), "?"))
        .isEqualTo(Path.of("mine").toAbsolutePath());
  }

  @Test
  void theUsualPlaceIsMadeAndTakenWhereItCanBeWritten() {
    Path home = folder.resolve("home/me");
    assertThat(CacheFolder.choose(Map.of(), home.toString(), folder))
        .isEqualTo(home.resolve(".cache/ebflow"))
        .isDirectory();
  }

  @Test
  void withoutAHomeTheCacheIsTheUsersOwnInTheTemporaryFolder() throws IOException {
    Path temporary = Files.createDirectory(folder.resolve("tmp"));
    Path cache = CacheFolder.choose(Map.of(), "?", temporary);
    assertThat(cache)
        .hasParent(temporary)
        .hasFileName("ebflow-" + Files.getOwner(temporary).getName())
        .isEqualTo(CacheFolder.choose(Map.of(), "?", temporary));
    assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(cache)))
        .isEqualTo("rwx------");
    assertThat(temporary).isDirectoryNotContaining(entry -> !entry.equals(cache));
  }

  /** A file where a folder is wanted: what even root can't write. */
  @Test
  void aHomeThatCanNotBeWrittenGivesWayToTmpdirAndThatToJavas() throws IOException {
    Path file = Files.createFile(folder.resolve("file"));
    Path first = Files.createDirectory(folder.resolve("first"));
    Path second = Files.createDirectory(folder.resolve("second"));
    String home = file.resolve("me").toString();

    assertThat(CacheFolder.choose(Map.of("TMPDIR", first.toString()), home, second))
        .hasParent(first);
    assertThat(CacheFolder.choose(Map.of("TMPDIR", home), home, second)).hasParent(second);
    assertThat(CacheFolder.choose(Map.of("EBFLOW_CACHE", home), folder.toString(), second))
        .hasParent(second);
    assertThatThrownBy(() -> CacheFolder.choose(Map.of("TMPDIR", home), home, file))
        .isInstanceOf(UncheckedIOException.class)
        .hasMessageContaining(home + "/.cache/ebflow can't be written")
        .hasMessageContaining(file.toString())
        .hasMessageContaining("EBFLOW_CACHE names another");
  }

  @Test
  void aFolderThatOthersMayWriteIsNoCache() throws IOException {
    Path cache = CacheFolder.ownedBelow(folder);
    Files.setPosixFilePermissions(cache, PosixFilePermissions.fromString("rwxrwxrwx"));
    assertThatThrownBy(() -> CacheFolder.ownedBelow(folder))
        .isInstanceOf(IOException.class)
        .hasMessageContaining(cache.toString());
  }

  @Test
  void aLinkIsNoCache() throws IOException {
    Path elsewhere = Files.createDirectory(folder.resolve("elsewhere"));
    Path cache = CacheFolder.ownedBelow(folder);
    Files.delete(cache);
    Files.createSymbolicLink(cache, elsewhere);
    assertThatThrownBy(() -> CacheFolder.ownedBelow(folder)).isInstanceOf(IOException.class);
  }
}
