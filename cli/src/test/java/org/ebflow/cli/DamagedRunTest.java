package org.ebflow.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.ebflow.cli.Program.Result;
import org.ebflow.flow.io.Safetensors;
import org.ebflow.linalg.Matrix;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Run folders whose files were lost, cut or changed. */
final class DamagedRunTest {
  private static final String MODEL = "model.safetensors";
  private static final String STATE = "last/state.safetensors";

  @TempDir static Path runs;
  private static Path good;

  @TempDir Path folder;
  private Path run;

  @BeforeAll
  static void train() throws IOException {
    Path data = TestRuns.csv(runs.resolve("data.csv"), "a,b,c", TestRuns.rows(200, 3, 1));
    good = runs.resolve("good");
    assertThat(
            Program.run("train", "--model", "fc", "--data", data, "--epochs", 1, "--out", good)
                .exit())
        .isZero();
  }

  private void copy() throws IOException {
    run = folder.resolve("run");
    Files.createDirectories(run.resolve("last"));
    for (String name : List.of(MODEL, STATE, "config.json", "metrics.csv", "run.log")) {
      Files.copy(good.resolve(name), run.resolve(name));
    }
  }

  /** The file's tensors, to be changed and written again with a checksum that fits. */
  private static Map<String, Matrix> tensors(Safetensors file) {
    Map<String, Matrix> tensors = new LinkedHashMap<>();
    for (String name : file.names()) {
      Matrix tensor = Matrix.allocate(file.precision(name), file.rows(name), file.columns(name));
      file.copyTo(name, tensor);
      tensors.put(name, tensor);
    }
    return tensors;
  }

  private void setMetadata(String name, String key, String value) {
    try (Safetensors file = Safetensors.read(run.resolve(name))) {
      Map<String, String> metadata = new LinkedHashMap<>(file.metadata());
      metadata.put(key, value);
      Safetensors.write(run.resolve(name), tensors(file), metadata);
    }
  }

  private void setWeights(float... values) {
    try (Safetensors file = Safetensors.read(run.resolve(MODEL))) {
      Map<String, Matrix> tensors = tensors(file);
      System.arraycopy(values, 0, tensors.get("0.weight").floats(), 0, values.length);
      Safetensors.write(run.resolve(MODEL), tensors, file.metadata());
    }
  }

  private static void assertOneLine(Result result, String... parts) {
    assertThat(result.exit()).as(result.err()).isEqualTo(2);
    assertThat(result.out()).isEmpty();
    assertThat(result.err().lines().filter(line -> line.startsWith("ebflow: ")))
        .filteredOn(line -> !line.startsWith("ebflow: BLAS"))
        .singleElement()
        .asString()
        .contains(parts);
    assertThat(result.err()).doesNotContain("\tat ");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "format               | ebflow-9     | expected a model of this program",
        "dimension            | -1           | dimension is -1, expected at least 1",
        "dimension            | 2            | expected 12 weights for its layers, found 24",
        "dimension            | 2000000000   | weights for its layers, found 24",
        "precision            | BF16         | BF16",
        "layers               | null         | layers is null",
        "layers               | []           | expected 0 weights for its layers, found 24",
        "layers               | [1]          | layer 0 is 1, expected a layer of this library",
        "layers | [{\"type\":\"masked_affine_coupling\",\"mask\":[0,1,0],\"width\":2e9,\"hidden\":2e9,\"activation\":\"tanh\"}] | expected a layer of this library",
        "preprocessing        | null         | preprocessing is null",
        "preprocessing        | [{\"type\":\"fixed_affine\",\"scale\":[1],\"shift\":[0]}] | FixedAffine(1): a row has 3 numbers, expected 1",
        "preprocessing        | [{\"type\":\"marginal_gaussianization\",\"form\":\"quantiles\",\"width\":65534}] | expected 196602 weights for its preprocessing, found 0",
        "preprocessing        | [{\"type\":\"marginal_gaussianization\",\"form\":\"quantiles\",\"width\":9}] | no width of 9",
        "preprocessing        | [{\"type\":\"marginal_gaussianization\",\"form\":\"squares\",\"width\":8}] | form is squares, expected histogram or quantiles",
        "preprocessing_whole_columns | [0,3] | preprocessing_whole_columns is [0,3], expected columns from 0",
        "preprocessing_levels | -4           | preprocessing_levels is -4",
        "data                 | {}           | data lack name, columns or quantiles",
        "data                 | null         | data lack name, columns or quantiles",
        "data | {\"name\":\"t\",\"columns\":[],\"quantiles\":[2,1]} | quantiles: expected ascending values",
        "data | {\"name\":\"t\",\"columns\":[],\"quantiles\":{\"rows\":2}} | quantiles",
        "data | {\"name\":\"t\",\"columns\":[],\"quantiles\":{\"rows\":2,\"values\":[1],\"first\":[0],\"last\":[9]}} | ranks up to 2, found 1.0 at ranks 0 to 9",
        "seed                 | x            | \"x\""
      })
  void aModelWithImpossibleMetadataIsRefused(String key, String value, String message)
      throws IOException {
    copy();
    setMetadata(MODEL, key, value);

    assertOneLine(Program.run("eval", run), run.resolve(MODEL).toString(), message);
  }

  @ParameterizedTest
  @ValueSource(strings = {"eval", "info", "gradcheck"})
  void aTruncatedModelIsRefused(String command) throws IOException {
    copy();
    cut(MODEL, Files.size(run.resolve(MODEL)) - 7);

    assertOneLine(
        Program.run(command, run), run.resolve(MODEL).toString(), "bytes of data after the header");
  }

  private void cut(String name, long bytes) throws IOException {
    try (FileChannel file = FileChannel.open(run.resolve(name), StandardOpenOption.WRITE)) {
      file.truncate(bytes);
    }
  }

  @Test
  void weightsThatAreNotFiniteAreRefused() throws IOException {
    copy();
    setWeights(1, 2, 3, 4, Float.NaN);

    assertOneLine(
        Program.run("eval", run), MODEL, "expected finite weights, found NaN in row 1 of 0.weight");
  }

  @Test
  void aNearSingularLayerIsAWarningWithItsConditionNumber() throws IOException {
    copy();
    setWeights(1, 2, 3, 1, 2, 3.000001f);
    Result result = Program.run("eval", run);

    assertThat(result.exit()).isZero();
    assertThat(result.err())
        .containsPattern(
            "warning: layer 0 \\(Dense\\(3\\)\\) is near singular: condition number \\d\\.\\d+e\\+");
  }

  @ParameterizedTest
  @CsvSource({
    "step, -5",
    "step, x",
    "updates, -3",
    "metrics_bytes, -1",
    "threads, 0",
    "format, other",
  })
  void aStateWithImpossibleNumbersIsRefused(String key, String value) throws IOException {
    copy();
    setMetadata(STATE, key, value);

    assertOneLine(
        Program.run("train", "--resume", run, "--epochs", 2), run.resolve(STATE).toString(), value);
  }

  @Test
  void aStateThatIsCutOrGoneIsRefused() throws IOException {
    copy();
    cut(STATE, Files.size(run.resolve(STATE)) / 2);
    assertOneLine(
        Program.run("train", "--resume", run, "--epochs", 2), run.resolve(STATE).toString());

    Files.delete(run.resolve(STATE));
    assertOneLine(
        Program.run("train", "--resume", run, "--epochs", 2),
        run.resolve(STATE).toString(),
        "expected the last checkpoint of the run, found none");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "\"ebflow-run-1\"  | \"ebflow-run-9\"    | expected a run's configuration of format ebflow-run-1, found ebflow-run-9",
        "\"layers\" : 2    | \"layers\" : 3      | expected the state of 36 weights, as the model has, found that of 24",
        "\"layers\" : 2    | \"layesr\" : 2, \"layers\" : 2 | no key model.layesr, the nearest is model.layers",
        "\"epochs\"        | \"epochs\" : 1 2    | expected JSON, found something else (line",
        "\"name\" : \"rmsprop\" | \"name\" : \"sgd\" | no kind sgd, expected one of adam, adamw, rmsprop",
        "data.csv          | gone.csv            | gone.csv: expected a file or one of mnist"
      })
  void aChangedConfigurationIsRefused(String found, String replacement, String message)
      throws IOException {
    copy();
    Path config = run.resolve("config.json");
    String text = Files.readString(config);
    assertThat(text).contains(found);
    Files.writeString(config, text.replace(found, replacement));

    assertOneLine(Program.run("train", "--resume", run, "--epochs", 2), message);
  }

  /** {@code --resume} takes no other precision: none is proposed. */
  @Test
  void aRunInBfloat16GoesOnWhereThereAreSuchProducts() throws IOException {
    copy();
    Path config = run.resolve("config.json");
    String text = Files.readString(config);
    assertThat(text).contains("\"precision\" : \"f32\"");
    Files.writeString(config, text.replace("\"precision\" : \"f32\"", "\"precision\" : \"bf16\""));

    Result result = Program.run("train", "--resume", run, "--epochs", 2);

    if (result.exit() != 0) {
      assertOneLine(result, "this processor has no such products", "a run goes on in its own");
      assertThat(result.err()).doesNotContain("--precision f32");
    }
  }

  @Test
  void appendedFilesThatVanishedAreBegunAgain() throws IOException {
    copy();
    Files.delete(run.resolve("metrics.csv"));
    Files.delete(run.resolve("run.log"));

    assertThat(Program.run("train", "--resume", run, "--epochs", 2).exit()).isZero();
    assertThat(Files.readAllLines(run.resolve("metrics.csv")).getFirst()).startsWith("step,epoch");
  }

  @Test
  void aStateOfAnotherRunIsRefused() throws IOException {
    Path other = folder.resolve("other");
    Path data = TestRuns.csv(folder.resolve("data.csv"), "a,b,c", TestRuns.rows(200, 3, 2));
    assertThat(
            Program.run("train", "--model", "fc", "--data", data, "--epochs", 1, "--out", other)
                .exit())
        .isZero();
    copy();
    Files.copy(other.resolve(STATE), run.resolve(STATE), StandardCopyOption.REPLACE_EXISTING);

    assertOneLine(
        Program.run("train", "--resume", run, "--epochs", 2),
        run.resolve(STATE).toString(),
        "expected the state of run ",
        ", found that of run ");
  }

  /** Neither names its run in what versions wrote that knew no names. */
  @ParameterizedTest
  @CsvSource({"true, true", "true, false", "false, true"})
  void aRunOfAnEarlierVersionGoesOn(boolean oldConfig, boolean oldState) throws IOException {
    copy();
    Path config = run.resolve("config.json");
    if (oldConfig) {
      Files.writeString(
          config, Files.readString(config).replaceFirst("\"run_id\" : \"[^\"]*\",", ""));
      assertThat(config).content().doesNotContain("run_id");
    }
    if (oldState) {
      setMetadata(STATE, "run_id", "");
    }
    assertThat(Program.run("train", "--resume", run, "--epochs", 2).exit()).isZero();
    assertThat(config).content().containsPattern("\"run_id\" : \"[^\"]+\"");
    assertThat(Program.run("train", "--resume", run, "--epochs", 3).exit()).isZero();
  }

  /** As where the disk was full at the first checkpoint. */
  @ParameterizedTest
  @ValueSource(strings = {"--resume", "--out"})
  void aRunThatNeverBeganIsTrainedByEitherWay(String option) throws IOException {
    copy();
    Files.delete(run.resolve(STATE));
    Files.delete(run.resolve(MODEL));
    Files.writeString(run.resolve("last/lock"), "");
    Files.writeString(run.resolve("last/state.safetensors.0123456789abcdef.part"), "killed");
    Result result =
        option.equals("--resume")
            ? Program.run("train", option, run)
            : Program.run(
                "train",
                "--model",
                "fc",
                "--data",
                runs.resolve("data.csv"),
                "--epochs",
                1,
                option,
                run);

    assertThat(result.exit()).as(result.err()).isZero();
    assertThat(run.resolve(MODEL)).hasSameBinaryContentAs(good.resolve(MODEL));
    assertThat(run.resolve("last")).isDirectoryNotContaining("glob:**.part");
    assertThat(Files.readAllLines(run.resolve("metrics.csv")).getFirst()).startsWith("step,epoch");
  }

  @Test
  void anEmptyFolderIsTrainedInto() throws IOException {
    run = Files.createDirectories(folder.resolve("run/last")).getParent();
    assertOneLine(Program.run("train", "--resume", run), "config.json", "trained by --out " + run);
    assertThat(
            Program.run(
                    "train",
                    "--model",
                    "fc",
                    "--data",
                    runs.resolve("data.csv"),
                    "--epochs",
                    1,
                    "--out",
                    run)
                .exit())
        .isZero();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "last/state.safetensors, model.safetensors | is no configuration of a run",
        "last/state.safetensors                    | holds the model of a run already",
        "config.json                               | holds the state of a run without its config.json",
        "config.json, last/state.safetensors       | holds the model of a run already",
        "model.safetensors                         | holds a run already",
      })
  void whatIsLeftOfARunIsNotOverwritten(String lost, String message) throws IOException {
    copy();
    for (String name : lost.split(", ")) {
      Files.delete(run.resolve(name));
    }
    if (message.contains("no configuration")) {
      Files.writeString(run.resolve("config.json"), "{\"mine\": true}");
    }
    Map<String, String> before = contents();
    assertOneLine(
        Program.run("train", "--model", "fc", "--data", runs.resolve("data.csv"), "--out", run),
        run.toString(),
        message,
        "expected a new folder");
    assertThat(contents()).isEqualTo(before);
  }

  private Map<String, String> contents() throws IOException {
    Map<String, String> contents = new TreeMap<>();
    try (Stream<Path> files = Files.walk(run)) {
      for (Path file : files.filter(Files::isRegularFile).toList()) {
        contents.put(file.toString(), HexFormat.of().formatHex(Files.readAllBytes(file)));
      }
    }
    contents.remove(run.resolve("last/lock").toString());
    return contents;
  }
}
