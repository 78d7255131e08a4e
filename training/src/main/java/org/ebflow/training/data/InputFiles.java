package org.ebflow.training.data;

import java.io.IOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemLoopException;
import java.nio.file.FileSystems;
import java.nio.file.FileVisitOption;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.nio.file.PathMatcher;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.regex.PatternSyntaxException;
import java.util.stream.Stream;
import org.ebflow.flow.InvalidInputException;
import org.ebflow.flow.io.OneLine;

/**
 * The files that a name stands for: a file; a folder of pictures, or of the tables that a program
 * wrote in parts; or a pattern, as {@code parts/*.parquet}. Files of a folder or pattern are in the
 * order of their paths; hidden ones, and those that begin with an underscore, are none.
 *
 * @param name as it was given, for messages
 * @param files one table or folder of pictures; or several tables, or several pictures
 */
public record InputFiles(Path name, List<Path> files) {
  private static final Logger LOGGER = System.getLogger(InputFiles.class.getName());
  private static final String WILD = "*?[{";

  /** Copies the files. */
  public InputFiles {
    files = List.copyOf(files);
  }

  /**
   * Looks for what is there.
   *
   * @throws InvalidInputException if there is nothing, or what is neither all tables nor all
   *     pictures
   */
  public static InputFiles of(Path name) {
    if (Files.isDirectory(name)) {
      if (PictureFolder.hasPictures(name)) {
        return new InputFiles(name, List.of(name));
      }
      List<Path> tables = tables(name);
      if (tables.isEmpty()) {
        throw new InvalidInputException(
            name
                + ": expected a folder with tables (.csv, .npy, .parquet) or pictures (.png, .jpg, .jpeg), found none");
      }
      return new InputFiles(name, tables);
    }
    if (Files.exists(name) || !isPattern(name)) {
      return new InputFiles(name, List.of(name));
    }
    List<Path> found = matches(name);
    if (found.isEmpty()) {
      throw new InvalidInputException(name + ": expected files of this pattern, found none");
    }
    InputFiles files = new InputFiles(name, found);
    if (found.size() > 1
        && !files.arePictures()
        && found.stream().anyMatch(file -> !hasRows(file))) {
      throw new InvalidInputException(
          name + ": expected tables alone or pictures alone, found " + mixed(found));
    }
    return files;
  }

  /** In a folder idx files are none: beside images it has files of labels. */
  private static boolean hasRows(Path file) {
    FileFormat format = FileFormat.ofInput(file);
    return format.isTable() || format == FileFormat.IDX;
  }

  private static String mixed(List<Path> found) {
    return found.stream()
        .filter(file -> !hasRows(file))
        .findFirst()
        .map(Path::toString)
        .orElse("others");
  }

  /** Names a data set: the last part of a path, the whole of a pattern. */
  static String title(Path name) {
    return Files.exists(name)
        ? String.valueOf(name.toAbsolutePath().normalize().getFileName())
        : name.toString();
  }

  /** Whether anything is there under that name. */
  public static boolean exist(String name) {
    try {
      Path path = Path.of(name);
      return Files.exists(path) || (isPattern(path) && !matches(path).isEmpty());
    } catch (InvalidPathException _) {
      return false;
    }
  }

  /** Whether it has wildcards; what is no pattern, as a[1.csv, is a name like any other. */
  private static boolean isPattern(Path name) {
    try {
      return hasWildcard(name) && matcher(name) != null;
    } catch (PatternSyntaxException _) {
      return false;
    }
  }

  private static boolean hasWildcard(Path name) {
    return name.toString().chars().anyMatch(c -> WILD.indexOf(c) >= 0);
  }

  private static PathMatcher matcher(Path pattern) {
    return FileSystems.getDefault().getPathMatcher("glob:" + pattern);
  }

  private static List<Path> tables(Path folder) {
    try (Stream<Path> entries = Files.list(folder)) {
      return entries
          .filter(file -> !isHidden(file))
          .filter(file -> FileFormat.ofInput(file).isTable() && Files.isRegularFile(file))
          .sorted()
          .toList();
    } catch (IOException e) {
      throw unreadable(folder, e);
    }
  }

  /** Files below the last folder that is there under its name, without a wildcard or with one. */
  private static List<Path> matches(Path pattern) {
    Path folder = Path.of("");
    if (pattern.isAbsolute()) {
      folder = Objects.requireNonNull(pattern.getRoot());
    }
    int literal = 0;
    while (literal < pattern.getNameCount() - 1) {
      Path next = folder.resolve(pattern.getName(literal));
      if (hasWildcard(pattern.getName(literal)) && !Files.isDirectory(next)) {
        break;
      }
      folder = next;
      literal++;
    }
    Path start = folder;
    if (!Files.isDirectory(start)) {
      return List.of();
    }
    Path rest = pattern.subpath(literal, pattern.getNameCount());
    PathMatcher matcher = matcher(rest);
    int depth = rest.toString().contains("**") ? Integer.MAX_VALUE : rest.getNameCount();
    List<Path> found = new ArrayList<>();
    try {
      Files.walkFileTree(
          start,
          Set.of(FileVisitOption.FOLLOW_LINKS),
          depth,
          new SimpleFileVisitor<>() {
            @Override
            public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) {
              if (attributes.isRegularFile()
                  && !isHidden(file)
                  && matcher.matches(start.relativize(file))) {
                found.add(file);
              }
              return FileVisitResult.CONTINUE;
            }

            @Override
            public FileVisitResult visitFileFailed(Path file, IOException e) throws IOException {
              if (e instanceof FileSystemLoopException) { // what is in there is found above
                return FileVisitResult.CONTINUE;
              }
              if (file.equals(start)) {
                throw e;
              }
              LOGGER.log(
                  Level.WARNING,
                  "{0}: left out of {1}: cannot be read: {2}",
                  file,
                  pattern,
                  reason(e));
              return FileVisitResult.CONTINUE;
            }
          });
    } catch (IOException e) {
      throw unreadable(pattern, e);
    }
    found.sort(null);
    return found;
  }

  private static boolean isHidden(Path file) {
    String name = String.valueOf(file.getFileName());
    return name.startsWith(".") || name.startsWith("_");
  }

  private static InvalidInputException unreadable(Path name, IOException e) {
    return new UnreadableInputException(name + ": cannot be read: " + reason(e), e);
  }

  private static String reason(IOException e) {
    return e instanceof AccessDeniedException ? "access denied" : OneLine.message(e);
  }

  /** Whether it is pictures, in a folder or by a pattern. */
  public boolean arePictures() {
    return Files.isDirectory(files.getFirst()) || files.stream().allMatch(PictureFolder::isPicture);
  }

  /** Whether rows are images: pictures, a file of the MNIST family, or arrays of images. */
  public boolean areImages() {
    Path first = files.getFirst();
    return arePictures()
        || FileFormat.ofInput(first) == FileFormat.IDX
        || NpyHeader.imagesOf(first) != null;
  }

  /** The pictures. */
  PictureFolder pictures() {
    return Files.isDirectory(files.getFirst())
        ? PictureFolder.of(files.getFirst())
        : PictureFolder.of(name, files);
  }

  /** Each table alone; pictures stay together. */
  public List<InputFiles> each() {
    return files.size() == 1 || arePictures()
        ? List.of(this)
        : files.stream().map(file -> new InputFiles(file, List.of(file))).toList();
  }
}
