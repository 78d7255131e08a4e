package org.ebflow.training;

import java.io.IOException;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import org.ebflow.flow.Flow;
import org.ebflow.flow.layer.LayerTypes;
import org.ebflow.training.data.Dataset;
import org.ebflow.training.data.Splits;
import org.ebflow.training.preprocessing.Preprocessing;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.SerializationFeature;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.MissingNode;

/** config.json of a run: full configuration and provenance. */
final class RunConfig {
  private static final JsonMapper JSON =
      JsonMapper.builder().enable(SerializationFeature.INDENT_OUTPUT).build();

  private static final String RUN_ID = "run_id";

  static final String TRAIN_SHA256 = "sha256";
  static final String VALIDATION_SHA256 = "validation_sha256";
  static final String TEST_SHA256 = "test_sha256";

  private RunConfig() {}

  /** Whether the file is the configuration of a run. */
  static boolean isRun(Path config) {
    return read(config).path("format").asString("").equals(RunFolder.CONFIG_FORMAT);
  }

  /** The run's own name in config.json; empty where an earlier version wrote it, or nobody. */
  static String runId(Path config) {
    return read(config).path(RUN_ID).asString("");
  }

  /**
   * SHA-256 of the file of one part of the run's data in config.json, empty for data of no file;
   * null where unknown.
   *
   * @param key {@link #TRAIN_SHA256}, {@link #VALIDATION_SHA256} or {@link #TEST_SHA256}
   */
  static @Nullable String dataSha256(Path config, String key) {
    JsonNode sha256 = read(config).path("data").path(key);
    return sha256.isString() ? sha256.asString() : null;
  }

  private static JsonNode read(Path config) {
    try {
      return JSON.readTree(Files.readString(config));
    } catch (IOException | JacksonException _) {
      return MissingNode.getInstance(); // says nothing
    }
  }

  /**
   * @param runId tells the run from every other
   */
  static String json(
      String runId,
      Trainer trainer,
      TrainingSettings settings,
      Splits data,
      Flow model,
      Preprocessing preprocessing) {
    Map<String, Object> root = new LinkedHashMap<>();
    root.put("format", RunFolder.CONFIG_FORMAT);
    root.put(RUN_ID, runId);
    root.put("recipe", trainer.recipe());
    root.put("settings", settings);
    root.put("objective", named(trainer.objective().name(), trainer.objective()));
    root.put("optimizer", named(trainer.optimizer().name(), trainer.optimizer()));
    if (trainer.replicas().size() > 1) {
      root.put("replicas", trainer.replicas().size());
      if (trainer.averageEvery() > 0) {
        root.put("average_every", trainer.averageEvery());
      }
    }
    root.put("precision", model.precision().name());
    root.put("products", trainer.bfloat16() ? "BFLOAT16" : model.precision().name());
    root.put("weights", model.parameters().count());
    root.put("layers", LayerTypes.describe(trainer.flow().layers()));
    root.put("preprocessing", LayerTypes.describe(preprocessing.layers()));
    root.put("data", describe(data));
    root.put("environment", environment(trainer));
    return JSON.writeValueAsString(root) + "\n";
  }

  private static Map<String, Object> named(String name, Object record) {
    Map<String, Object> map = new LinkedHashMap<>();
    map.put("name", name);
    map.put("values", record);
    return map;
  }

  private static Map<String, Object> describe(Splits data) {
    Dataset train = data.train();
    Map<String, Object> map = new LinkedHashMap<>();
    map.put("name", train.name());
    map.put(TRAIN_SHA256, train.sha256());
    map.put(VALIDATION_SHA256, data.validation().sha256());
    map.put(TEST_SHA256, data.test().sha256());
    map.put("columns", train.columns());
    map.put("levels", train.levels());
    map.put("train", train.size());
    map.put("validation", data.validation().size());
    map.put("test", data.test().size());
    return map;
  }

  private static Map<String, Object> environment(Trainer trainer) {
    Map<String, Object> map = new LinkedHashMap<>();
    map.put("backend", trainer.blas().name());
    map.put("backend_version", trainer.blas().version());
    map.put(
        "version",
        Objects.requireNonNullElse(
            RunConfig.class.getPackage().getImplementationVersion(), "unknown"));
    map.put("git_commit", System.getProperty("ebflow.commit", "unknown"));
    map.put("jdk", Runtime.version().toString());
    map.put("os", System.getProperty("os.name") + " " + System.getProperty("os.version"));
    map.put("arch", System.getProperty("os.arch"));
    map.put("cores", Runtime.getRuntime().availableProcessors());
    map.put("host", host());
    return map;
  }

  private static String host() {
    try {
      return InetAddress.getLocalHost().getHostName();
    } catch (UnknownHostException e) {
      return "unknown";
    }
  }
}
