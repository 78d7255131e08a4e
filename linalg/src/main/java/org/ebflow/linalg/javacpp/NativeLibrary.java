package org.ebflow.linalg.javacpp;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.invoke.MethodHandle;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Map;
import org.bytedeco.javacpp.Loader;
import org.ebflow.linalg.CacheFolder;

/**
 * A library that JavaCPP unpacks to the user's cache ({@link CacheFolder}, unless the property
 * org.bytedeco.javacpp.cachedir names another) and whose functions are looked up in that file:
 * docs/decisions/0005.
 */
public final class NativeLibrary {
  private static final String CACHE = "org.bytedeco.javacpp.cachedir";

  static {
    if (System.getProperty(CACHE) == null) {
      System.setProperty(CACHE, CacheFolder.writable("native").toString());
    }
  }

  private final Path file;
  private final SymbolLookup symbols;

  @SuppressWarnings("restricted") // native calls are this package's purpose
  private NativeLibrary(Path file) {
    this.file = file;
    symbols = SymbolLookup.libraryLookup(file, Arena.global());
  }

  /**
   * The library whose name begins with {@code name} among those that JavaCPP loads for a preset.
   *
   * @throws LinkageError if it can't be loaded
   */
  public static NativeLibrary ofPreset(Class<?> preset, String name) {
    Loader.load(preset);
    for (Map.Entry<String, String> library : Loader.getLoadedLibraries().entrySet()) {
      if (library.getKey().startsWith(name)) {
        return new NativeLibrary(Path.of(library.getValue()));
      }
    }
    throw new UnsatisfiedLinkError(
        "JavaCPP loaded no " + name + ", only " + Loader.getLoadedLibraries());
  }

  /**
   * The library in the last of these files of {@code folder/PLATFORM/} on the class path; the
   * others are what it depends on, where that platform has them, and are unpacked beside it. For
   * libraries whose Java preset needs more than the library does.
   *
   * @throws LinkageError if the last file is missing
   */
  public static NativeLibrary ofResources(String folder, String... files) {
    return new NativeLibrary(unpackAll(folder, files));
  }

  /**
   * The same from a copy in which the library's own name (SONAME) is replaced by one of equal
   * length. Under its own name it would be handed to every library loaded later that needs another
   * version: Debian's libblas.so.3 needs a libopenblas.so.0, and crashes with ours.
   */
  public static NativeLibrary ofResourcesRenamed(
      String ownName, String newName, String folder, String... files) {
    Path original = unpackAll(folder, files);
    Path renamed = original.resolveSibling(newName);
    try {
      if (!Files.exists(renamed)) {
        writeRenamed(original, ownName, newName, renamed);
      }
    } catch (IOException e) {
      throw new UncheckedIOException("can't write " + renamed, e);
    }
    return new NativeLibrary(renamed);
  }

  private static void writeRenamed(Path original, String ownName, String newName, Path renamed)
      throws IOException {
    String content = Files.readString(original, ISO_8859_1); // a character a byte
    String from = ownName + '\0';
    if (newName.length() != ownName.length() || !content.contains(from)) {
      throw new UnsatisfiedLinkError(original + " can't be renamed to " + newName);
    }
    Path beside = Files.createTempFile(renamed.getParent(), newName, null);
    Files.writeString(beside, content.replace(from, newName + '\0'), ISO_8859_1);
    Files.move(beside, renamed, StandardCopyOption.ATOMIC_MOVE); // others may do the same just now
  }

  private static Path unpackAll(String folder, String... files) {
    String resources = folder + Loader.getPlatform() + "/";
    for (int i = 0; i < files.length - 1; i++) {
      if (NativeLibrary.class.getResource(resources + files[i]) != null) {
        unpack(resources + files[i]);
      }
    }
    return unpack(resources + files[files.length - 1]);
  }

  private static Path unpack(String resource) {
    try {
      File file = Loader.cacheResource(NativeLibrary.class, resource);
      if (file == null) {
        throw new UnsatisfiedLinkError("no " + resource + " on the class path");
      }
      return file.toPath();
    } catch (IOException e) {
      throw new UncheckedIOException("can't unpack " + resource, e);
    }
  }

  /** Handle of a C function of the library, or of one that it depends on. */
  @SuppressWarnings("restricted")
  public MethodHandle function(
      String name, FunctionDescriptor descriptor, Linker.Option... options) {
    MemorySegment address =
        symbols
            .find(name)
            .orElseThrow(() -> new UnsatisfiedLinkError(file + " has no symbol " + name));
    return Linker.nativeLinker().downcallHandle(address, descriptor, options);
  }
}
