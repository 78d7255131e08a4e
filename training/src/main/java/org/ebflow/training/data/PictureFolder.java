package org.ebflow.training.data;

import java.io.File;
import java.io.IOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.nio.file.FileSystemLoopException;
import java.nio.file.FileVisitOption;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.ebflow.flow.InvalidInputException;
import org.ebflow.flow.io.OneLine;
import org.ebflow.flow.layer.Shape;

/**
 * The pictures of a folder and of those below it: files named .png, .jpg or .jpeg, without hidden
 * ones, in the order of their paths. They are decoded once, into a {@link PictureCache}.
 */
final class PictureFolder {
  private static final Logger LOGGER = System.getLogger(PictureFolder.class.getName());
  private static final Set<String> ENDINGS = Set.of("png", "jpg", "jpeg");

  /** Most pictures decoded at a time, and most bytes that they and their files take. */
  private static final int BLOCK = 64;

  private static final long BLOCK_BYTES = Math.min(1 << 28, Runtime.getRuntime().maxMemory() / 4);

  private final Path folder;
  private final List<Entry> entries;
  private final long blockBytes;

  private PictureFolder(Path folder, List<Entry> entries, long blockBytes) {
    this.folder = folder;
    this.entries = entries;
    this.blockBytes = blockBytes;
  }

  /** A file; {@code path} is relative, with slashes. */
  record Entry(String path, Path file, long bytes, long modified) {
    /** What the file and its picture take, as far as the header tells. */
    long bytesDecoded() {
      return bytes + PictureFile.pixels(file) * PictureFile.PIXEL_BYTES;
    }

    Picture read() {
      try {
        return PictureFile.read(file);
      } catch (LinkageError | InternalError e) { // a Java without graphics
        throw new InvalidInputException(
            file + ": this Java can't read pictures (" + OneLine.message(e) + ")", e);
      }
    }
  }

  /** What is in a folder. */
  static PictureFolder of(Path folder) {
    return of(folder, BLOCK_BYTES);
  }

  /**
   * What is in a folder.
   *
   * @param blockBytes most that pictures decoded at a time take with their files; a larger one is
   *     decoded alone
   */
  static PictureFolder of(Path folder, long blockBytes) {
    List<Entry> entries = new ArrayList<>();
    try {
      walk(
          new FolderVisitor(folder) {
            @Override
            public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) {
              if (attributes.isSymbolicLink() && isPicture(file)) { // all others are followed
                throw new InvalidInputException(
                    file + ": expected a picture, found a link that leads to none");
              }
              if (attributes.isRegularFile() && isPicture(file)) {
                String path = folder.relativize(file).toString().replace(File.separatorChar, '/');
                entries.add(
                    new Entry(
                        path, file, attributes.size(), attributes.lastModifiedTime().toMillis()));
              }
              return FileVisitResult.CONTINUE;
            }
          });
    } catch (FileSystemLoopException e) {
      throw new InvalidInputException(
          e.getFile() + ": expected a folder of pictures, found a link to a folder above it", e);
    } catch (IOException e) {
      throw new InvalidInputException(folder + ": cannot be read: " + OneLine.message(e), e);
    }
    if (entries.isEmpty()) {
      throw new InvalidInputException(
          folder + ": expected a folder with pictures (.png, .jpg, .jpeg), found none");
    }
    entries.sort(Comparator.comparing(Entry::path));
    return new PictureFolder(folder, entries, blockBytes);
  }

  /** Pictures by their files, in that order. */
  static PictureFolder of(Path name, List<Path> files) {
    List<Entry> entries = new ArrayList<>();
    for (Path file : files) {
      try {
        entries.add(
            new Entry(
                file.toString().replace(File.separatorChar, '/'),
                file,
                Files.size(file),
                Files.getLastModifiedTime(file).toMillis()));
      } catch (IOException e) {
        throw new InvalidInputException(file + ": cannot be read: " + OneLine.message(e), e);
      }
    }
    return new PictureFolder(name, entries, BLOCK_BYTES);
  }

  /**
   * Whether there is a picture in a folder, or below in one that is not hidden. What can't be read
   * has none.
   */
  static boolean hasPictures(Path folder) {
    AtomicBoolean found = new AtomicBoolean();
    try {
      walk(
          new FolderVisitor(folder) {
            @Override
            public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) {
              found.set(isPicture(file));
              return found.get() ? FileVisitResult.TERMINATE : FileVisitResult.CONTINUE;
            }

            @Override
            public FileVisitResult visitFileFailed(Path file, IOException e) {
              return FileVisitResult.CONTINUE;
            }
          });
    } catch (IOException _) {
      // see above
    }
    return found.get();
  }

  private static void walk(FolderVisitor visitor) throws IOException {
    Files.walkFileTree(
        visitor.folder, Set.of(FileVisitOption.FOLLOW_LINKS), Integer.MAX_VALUE, visitor);
  }

  /** Visits a folder and those below that are not hidden. */
  private abstract static class FolderVisitor extends SimpleFileVisitor<Path> {
    private final Path folder;

    FolderVisitor(Path folder) {
      this.folder = folder;
    }

    @Override
    public FileVisitResult preVisitDirectory(Path below, BasicFileAttributes attributes) {
      return !below.equals(folder) && isHidden(below)
          ? FileVisitResult.SKIP_SUBTREE
          : FileVisitResult.CONTINUE;
    }
  }

  private static boolean isHidden(Path file) {
    return String.valueOf(file.getFileName()).startsWith(".");
  }

  /** Whether its name is that of a picture. */
  static boolean isPicture(Path file) {
    String name = String.valueOf(file.getFileName()).toLowerCase(Locale.ROOT);
    return !isHidden(file) && ENDINGS.contains(name.substring(name.lastIndexOf('.') + 1));
  }

  /** Number of pictures. */
  int size() {
    return entries.size();
  }

  /** What identifies a picture, from 0. */
  String path(int index) {
    return entries.get(index).path;
  }

  /** What is wrong with a picture, without its name. */
  String complaint(int index, InvalidInputException e) {
    String message = String.valueOf(e.getMessage());
    String name = entries.get(index).file + ": ";
    return message.startsWith(name) ? message.substring(name.length()) : message;
  }

  /**
   * Decodes a picture.
   *
   * @return its pixels, row after row, channels last
   * @throws InvalidInputException if it can't be read, has another size, or colour where grey is
   *     wanted
   */
  byte[] pixels(int index, PictureOptions options, Shape shape) {
    Entry entry = entries.get(index);
    Picture whole = entry.read();
    Picture picture = options.side() == 0 ? whole : whole.square(options.side());
    if (picture.height() != shape.height() || picture.width() != shape.width()) {
      throw new InvalidInputException(
          String.format(
              Locale.ROOT,
              "%s: expected a picture of %d×%d, found %d×%d",
              entry.file,
              shape.width(),
              shape.height(),
              picture.width(),
              picture.height()));
    }
    return picture.pixels(entry.file.toString(), shape.channels());
  }

  /**
   * The shape that rows will have, by the first picture alone: where channels are left open and
   * that one is grey, colour may turn up later.
   */
  Shape leastShape(PictureOptions options) {
    if (options.side() > 0 && options.channels() > 0) {
      return new Shape(options.channels(), options.side(), options.side());
    }
    Picture first = entries.getFirst().read();
    int channels =
        options.channels() > 0 ? options.channels() : first.hasColour() ? Picture.CHANNELS : 1;
    return options.side() > 0
        ? new Shape(channels, options.side(), options.side())
        : new Shape(channels, first.height(), first.width());
  }

  /**
   * Reads all pictures.
   *
   * @throws InvalidInputException naming the first that can't be used
   */
  Dataset read(PictureOptions options) {
    PictureCache cache =
        PictureCache.of(
            folder,
            "",
            options,
            entries.stream()
                .map(entry -> entry.path + "\t" + entry.bytes + "\t" + entry.modified)
                .collect(Collectors.joining("\n")));
    String name = InputFiles.title(folder);
    Dataset pictures =
        cache.openOrWrite(
            name,
            folder,
            options.channels(),
            taker -> {
              LOGGER.log(
                  Level.INFO,
                  "{0}: decoding {1} pictures, once, into {2}",
                  folder,
                  entries.size(),
                  cache.file());
              decode(options.side(), taker);
            });
    Shape shape = pictures.imageShape();
    LOGGER.log(
        Level.INFO,
        "{0}: {1} {2} pictures of {3}×{4}{5}",
        folder,
        pictures.size(),
        shape != null && shape.channels() == 1 ? "grey" : "colour",
        shape == null ? 0 : shape.width(),
        shape == null ? 0 : shape.height(),
        options.side() == 0 ? "" : ", the centre square of each, resized");
    return pictures;
  }

  /** The entries from one on that are decoded together. */
  List<Entry> block(int from) {
    List<Entry> most = entries.subList(from, Math.min(from + BLOCK, entries.size()));
    long[] bytes = most.parallelStream().mapToLong(Entry::bytesDecoded).toArray();
    int count = 1;
    long sum = bytes[0];
    while (count < bytes.length && sum + bytes[count] <= blockBytes) {
      sum += bytes[count++];
    }
    return most.subList(0, count);
  }

  /** On all cores, a block at a time. */
  private void decode(int side, PictureCache.Taker taker) throws IOException {
    for (int from = 0; from < entries.size(); ) {
      List<Entry> block = block(from);
      from += block.size();
      Picture[] pictures = new Picture[block.size()];
      InvalidInputException[] failures = new InvalidInputException[block.size()];
      IntStream.range(0, block.size())
          .parallel()
          .forEach(
              i -> {
                try {
                  Picture whole = block.get(i).read();
                  pictures[i] = side == 0 ? whole : whole.square(side);
                } catch (InvalidInputException e) {
                  failures[i] = e;
                }
              });
      for (int i = 0; i < pictures.length; i++) {
        if (failures[i] != null) {
          throw failures[i];
        }
        taker.take(block.get(i).file.toString(), pictures[i]);
      }
    }
  }
}
