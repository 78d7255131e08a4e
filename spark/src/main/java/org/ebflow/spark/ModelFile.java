package org.ebflow.spark;

import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.Serial;
import java.io.Serializable;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.ebflow.flow.InvalidInputException;
import org.ebflow.flow.io.OneLine;
import org.ebflow.training.data.Sha256;
import org.ebflow.training.scoring.TrainedFlow;

/**
 * A model's file as it travels: its bytes, and where they came from.
 *
 * @param source its path, for messages
 * @param sha256 of the bytes
 */
record ModelFile(String source, byte[] bytes, String sha256) implements Serializable {
  @Serial private static final long serialVersionUID = 1;

  /**
   * The model file of a run folder, or what is none, in any file system that Hadoop knows.
   *
   * @throws InvalidInputException if there is none
   */
  static ModelFile read(String runOrFile, Configuration configuration) {
    try {
      Path path = new Path(runOrFile);
      FileSystem files = path.getFileSystem(configuration);
      Path file =
          files.getFileStatus(path).isDirectory() ? new Path(path, TrainedFlow.MODEL_FILE) : path;
      try (InputStream in = files.open(file)) {
        byte[] bytes = in.readAllBytes();
        return new ModelFile(file.toString(), bytes, Sha256.of(bytes));
      }
    } catch (FileNotFoundException e) {
      throw new InvalidInputException(
          runOrFile + ": expected a run folder or a model file, found nothing", e);
    } catch (IOException | IllegalArgumentException e) {
      throw new InvalidInputException(runOrFile + ": cannot be read: " + OneLine.message(e), e);
    }
  }

  /** Writes the bytes to a new file. */
  void write(String file, Configuration configuration) throws IOException {
    Path path = new Path(file);
    try (OutputStream out = path.getFileSystem(configuration).create(path, false)) {
      out.write(bytes);
    }
  }

  /**
   * The model that they are.
   *
   * @throws InvalidInputException if they are none
   */
  TrainedFlow load() {
    try {
      java.nio.file.Path copy = Files.createTempFile("ebflow", ".safetensors");
      try {
        Files.write(copy, bytes);
        return TrainedFlow.load(copy);
      } catch (InvalidInputException e) {
        throw new InvalidInputException(
            String.valueOf(e.getMessage()).replace(copy.toString(), source), e);
      } finally {
        Files.delete(copy);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(
          source + ": cannot be copied to a temporary file: " + OneLine.message(e), e);
    }
  }
}
