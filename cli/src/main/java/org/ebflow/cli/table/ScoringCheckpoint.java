package org.ebflow.cli.table;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Locale;
import java.util.zip.CRC32C;
import org.ebflow.flow.io.PartFile;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/** The file beside unfinished scores that says how far they have got, and of which call. */
final class ScoringCheckpoint {
  private static final Logger LOGGER = System.getLogger(ScoringCheckpoint.class.getName());
  private static final JsonMapper JSON = new JsonMapper();

  private final Path scores;
  private final Path file;
  private final String call;

  /**
   * @param scores what is written
   * @param call what decides the bytes of the scores: only the same call goes on with them
   */
  ScoringCheckpoint(Path scores, String call) {
    this.scores = scores;
    this.call = call;
    file = scores.resolveSibling(scores.getFileName() + ".state.json");
  }

  /**
   * The state from which this call can go on. One that it can't go on from is removed.
   *
   * @param bytes of unfinished scores that there are
   * @param rejectedBytes of unfinished rejected rows that there are
   */
  ScoringState read(long bytes, long rejectedBytes) {
    JsonNode saved;
    try {
      saved = JSON.readTree(Files.readString(file));
    } catch (NoSuchFileException _) {
      return ScoringState.START;
    } catch (IOException | JacksonException _) {
      return anew();
    }
    ScoringState state = state(saved);
    return call.equals(saved.path("call").asString(""))
            && checksum(state).equals(saved.path("crc32c").asString(""))
            && state.bytes() > 0
            && state.bytes() <= bytes
            && state.rejectedBytes() <= rejectedBytes
        ? state
        : anew();
  }

  /** Of what is saved: rows that a changed number counts would be lost, or be there twice. */
  private static String checksum(ScoringState state) {
    CRC32C crc = new CRC32C();
    crc.update(state.toString().getBytes(StandardCharsets.UTF_8));
    return String.format(Locale.ROOT, "%08x", crc.getValue());
  }

  private ScoringState anew() {
    LOGGER.log(
        Level.WARNING,
        "{0}: begins anew: what an unfinished call left is of other inputs or options, or not whole",
        scores);
    remove(); // it would count bytes that this call replaces
    return ScoringState.START;
  }

  private static ScoringState state(JsonNode saved) {
    JsonNode first = saved.path("first_impossible");
    return new ScoringState(
        saved.path("rows").asLong(0),
        saved.path("input").asInt(0),
        saved.path("rows_of_input").asLong(0),
        saved.path("bytes").asLong(0),
        saved.path("rejected_bytes").asLong(0),
        saved.path("scored").asLong(0),
        saved.path("rejected").asLong(0),
        saved.path("impossible").asLong(0),
        first.isString() ? first.asString() : null);
  }

  /** Replaces the file. What the state counts must be durable. */
  void write(ScoringState state) {
    ObjectNode saved = JSON.createObjectNode();
    saved.put("rows", state.rows());
    saved.put("input", state.input());
    saved.put("rows_of_input", state.rowsOfInput());
    saved.put("bytes", state.bytes());
    saved.put("rejected_bytes", state.rejectedBytes());
    saved.put("scored", state.scored());
    saved.put("rejected", state.rejected());
    saved.put("impossible", state.impossible());
    saved.put("first_impossible", state.firstImpossible());
    saved.put("call", call);
    saved.put("crc32c", checksum(state));
    try (PartFile part = new PartFile(file)) {
      try {
        part.stream().write(saved.toString().getBytes(StandardCharsets.UTF_8));
        part.publish();
      } catch (IOException e) {
        throw part.failure(e);
      }
    }
  }

  /** Removes the file. */
  void remove() {
    PartFile.removeLeftoversOf(file);
    try {
      Files.deleteIfExists(file);
    } catch (IOException e) {
      throw new UncheckedIOException(file + ": cannot be removed: " + e.getMessage(), e);
    }
  }
}
