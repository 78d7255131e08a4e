package org.ebflow.linalg;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.System.Logger.Level;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Where downloaded data and unpacked native libraries are kept between runs: EBFLOW_CACHE, or
 * ebflow below XDG_CACHE_HOME or ~/.cache. A user without a home that can be written gets
 * ebflow-USER in the temporary folder, TMPDIR or java.io.tmpdir, and a line in the log says so.
 */
public final class CacheFolder {
  private static @Nullable Path chosen;

  private CacheFolder() {}

  /**
   * The usual place, whether or not it is there.
   *
   * @param environment as {@link System#getenv()}
   * @param home the user's home; Java says "?" where the system knows none
   * @return null without a home
   */
  static @Nullable Path usual(Map<String, String> environment, String home) {
    String own = environment.getOrDefault("EBFLOW_CACHE", "");
    if (!own.isBlank()) {
      return Path.of(own).toAbsolutePath();
    }
    Path shared = Path.of(environment.getOrDefault("XDG_CACHE_HOME", ""));
    Path base = shared.isAbsolute() ? shared : Path.of(home).resolve(".cache");
    return base.isAbsolute() ? base.resolve("ebflow") : null;
  }

  /**
   * A folder below the user's cache, made where needed; in the usual place also where it is there
   * but can't be written.
   *
   * @throws UncheckedIOException if there is no place for it
   */
  public static Path existing(String name) {
    Path usual = usual(System.getenv(), System.getProperty("user.home"));
    return usual != null && Files.isReadable(usual.resolve(name))
        ? usual.resolve(name)
        : writable(name);
  }

  /**
   * A folder below the user's cache that can be written, made where needed.
   *
   * @throws UncheckedIOException if there is no place for it
   */
  public static synchronized Path writable(String name) {
    if (chosen == null) {
      chosen =
          choose(
              System.getenv(),
              System.getProperty("user.home"),
              Path.of(System.getProperty("java.io.tmpdir")));
    }
    Path folder = chosen.resolve(name);
    try {
      return Files.createDirectories(folder);
    } catch (IOException e) {
      throw new UncheckedIOException(
          "can't create the folder " + folder + ": " + e.getMessage(), e);
    }
  }

  /** The usual place if it can be written, else one in the temporary folder, which is logged. */
  static Path choose(Map<String, String> environment, String home, Path temporary) {
    Path usual = usual(environment, home);
    if (usual != null && canBeWritten(usual)) {
      return usual;
    }
    String why = usual == null ? "this user has no home" : usual + " can't be written";
    Path own = Path.of(environment.getOrDefault("TMPDIR", ""));
    List<Path> candidates = own.isAbsolute() ? List.of(own, temporary) : List.of(temporary);
    for (Path candidate : candidates) {
      try {
        Path cache = ownedBelow(candidate);
        System.getLogger(CacheFolder.class.getName())
            .log(Level.INFO, "{0}: the cache is {1}; EBFLOW_CACHE names another", why, cache);
        return cache;
      } catch (IOException e) {
        why += ", " + e.getMessage();
      }
    }
    String message = "no folder for the cache: " + why + "; EBFLOW_CACHE names another";
    throw new UncheckedIOException(message, new IOException(message));
  }

  private static boolean canBeWritten(Path folder) {
    try {
      return Files.isWritable(Files.createDirectories(folder.toAbsolutePath()));
    } catch (IOException _) {
      return false;
    }
  }

  /**
   * The folder ebflow-USER, which nobody else may write: libraries are loaded from it.
   *
   * @throws IOException if it can't be made, or is another user's
   */
  static Path ownedBelow(Path temporary) throws IOException {
    if (!Files.isWritable(temporary)) {
      throw new IOException(temporary + " can't be written");
    }
    Path probe = Files.createTempFile(temporary, "ebflow-", null);
    String user = Files.getOwner(probe).getName();
    Files.delete(probe);
    Path folder = temporary.resolve("ebflow-" + user.replaceAll("[^A-Za-z0-9]", "-"));
    boolean posix = Files.getFileStore(temporary).supportsFileAttributeView("posix");
    try {
      if (posix) {
        Files.createDirectory(
            folder,
            PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
      } else {
        Files.createDirectory(folder);
      }
    } catch (FileAlreadyExistsException _) {
      requireOwn(folder, user, posix);
    }
    return folder;
  }

  private static void requireOwn(Path folder, String user, boolean posix) throws IOException {
    boolean own =
        Files.isDirectory(folder, LinkOption.NOFOLLOW_LINKS)
            && Files.getOwner(folder, LinkOption.NOFOLLOW_LINKS).getName().equals(user)
            && !(posix
                && PosixFilePermissions.toString(Files.getPosixFilePermissions(folder))
                    .substring(3)
                    .contains("w"));
    if (!own) {
      throw new IOException(folder + " is another user's");
    }
  }
}
