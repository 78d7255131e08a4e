package org.ebflow.training.scoring;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.ebflow.flow.Flow;
import org.ebflow.flow.InvalidInputException;
import org.ebflow.flow.MemoryNeed;
import org.ebflow.flow.io.Safetensors;
import org.ebflow.flow.layer.Layer;
import org.ebflow.flow.layer.LayerTypes;
import org.ebflow.flow.layer.Shape;
import org.ebflow.flow.model.Architecture;
import org.ebflow.flow.pass.NoisePurpose;
import org.ebflow.flow.pass.Parameter;
import org.ebflow.linalg.Blas;
import org.ebflow.linalg.Matrix;
import org.ebflow.linalg.Noise;
import org.ebflow.linalg.Precision;
import org.ebflow.training.data.ColumnPlaces;
import org.ebflow.training.data.Dataset;
import org.ebflow.training.data.ModelColumns;
import org.ebflow.training.preprocessing.Preprocessing;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/**
 * A flow with its preprocessing: what a run leaves behind, and all that scoring and sampling need.
 *
 * <p>Threading: thread-safe as long as nobody writes the flow's parameters.
 *
 * @param flow the model on preprocessed rows, usually with averaged weights
 * @param preprocessing from rows of the data to rows of the model
 * @param data what is known of the rows it was trained on
 * @param seed of the dequantisation noise of rows to be scored
 */
public record TrainedFlow(Flow flow, Preprocessing preprocessing, DataDescription data, long seed) {
  /** Name of the model's file in a run folder. */
  public static final String MODEL_FILE = "model.safetensors";

  private static final String FORMAT = "ebflow-1";
  private static final String WHOLE_COLUMNS = "preprocessing_whole_columns";
  private static final JsonMapper JSON = new JsonMapper();
  private static final int MOST_DESCRIBED = 200;

  /**
   * What rounding to float32 may do to log p, relative to |log p| and the dimension: 2⁻²⁴ in sums
   * whose terms may be a thousand times their result.
   */
  static final double FLOAT32_ROUNDING = 0x1p-14;

  /** The same where the operands of large products are rounded to bfloat16, 8 bits. */
  static final double BFLOAT16_ROUNDING = 0x1p-9;

  /**
   * What is known of the training rows.
   *
   * @param name of the data set
   * @param columns names, empty when unknown
   * @param imageShape null for rows that are no images
   * @param quantiles log p of training rows, in the precision of training
   * @param places where the columns stood in the file; null where they were all of its columns
   */
  public record DataDescription(
      String name,
      List<String> columns,
      @Nullable Shape imageShape,
      EmpiricalDistribution quantiles,
      @Nullable ColumnPlaces places) {
    /** That of the training rows, with log p of some of them. */
    public static DataDescription of(Dataset train, EmpiricalDistribution quantiles) {
      return new DataDescription(
          train.name(), train.columns(), train.imageShape(), quantiles, train.places());
    }
  }

  /** The columns of its rows, by which those of tables are matched. */
  public ModelColumns columns() {
    return new ModelColumns(flow.dimension(), data.columns(), data.places(), data.imageShape());
  }

  /**
   * Refuses rows of another length, and rows that hold what no pixel of the model's images has.
   *
   * @throws InvalidInputException with both lengths, or naming the first such row
   */
  public void requireRows(Dataset rows) {
    if (rows.dimension() != flow.dimension()) {
      throw new InvalidInputException(
          rows
              + ": expected rows of "
              + flow.dimension()
              + " values, as the model has, found "
              + rows.dimension());
    }
    boolean pixels = rows.levels() > 0 && rows.levels() <= preprocessing.levels();
    for (int r = 0; preprocessing.levels() > 0 && !pixels && r < rows.size(); r++) {
      String problem = preprocessing.problem(rows.row(r), 0, rows.dimension());
      if (problem != null) {
        throw new InvalidInputException(rows.name() + ": row " + rows.number(r) + ": " + problem);
      }
    }
  }

  /** log p of every row in nats, in the rows' own units; over all cores. */
  public double[] logProb(double[][] rows) {
    try (Scorer scorer =
        new Scorer(this, Blas.auto(), Runtime.getRuntime().availableProcessors())) {
      return scorer.logProb(rows);
    }
  }

  /** The same with the weights in the given precision. */
  public TrainedFlow copy(Precision precision) {
    return flow.precision() == precision
        ? this
        : new TrainedFlow(flow.copy(precision), preprocessing, data, seed);
  }

  /** log Z in nats. */
  public double logZ(Blas blas) {
    return flow.logZ(blas);
  }

  /**
   * Share of the training rows, in per cent, whose log p is strictly below; NaN when they were not
   * scored.
   *
   * <p>Equal rows have equal percentiles whether they are scored in float32 or float64. For this, a
   * log p counts as equal to that of several training rows if it differs by no more than rounding
   * to float32 may cause. {@link Scorer#percentile} allows for bfloat16 too.
   */
  public double percentile(double logProb) {
    return data.quantiles.percentile(logProb, roundingOf(logProb, FLOAT32_ROUNDING));
  }

  /** What rounding may do to a log p, in nats. */
  double roundingOf(double logProb, double rounding) {
    return rounding * (flow.dimension() + Math.abs(logProb));
  }

  /**
   * Exact samples, in the units of the data: x = preprocessing⁻¹(g⁻¹(u)), u standard normal.
   * Columns of whole numbers are rounded down, pixels clamped to their levels.
   *
   * @return float64 [count,dimension], a function of the seed
   * @throws InvalidInputException if a linear layer is singular
   */
  public Matrix sample(int count, long sampleSeed, Blas blas) {
    if (!Double.isFinite(logZ(blas))) {
      throw new InvalidInputException(
          "the model has a singular linear layer (log Z is " + logZ(blas) + "): it has no samples");
    }
    int dimension = flow.dimension();
    Matrix result = Matrix.allocate(Precision.FLOAT64, count, dimension);
    Noise noise = new Noise(sampleSeed);
    Flow before = preprocessing.flow(dimension, flow.precision());
    int block = Scorer.rowsOfBlocks(MemoryNeed.numbers(flow.layers(), dimension));
    for (int from = 0; from < count; from += block) {
      int rows = Math.min(block, count - from);
      Matrix latents = Matrix.allocate(flow.precision(), rows, dimension);
      noise.gaussian(NoisePurpose.SAMPLING, 0, from, latents);
      Matrix x = flow.inverse(latents, blas);
      if (before != null) {
        x = before.inverse(x.copy(before.precision()), blas);
      }
      result.rows(from, from + rows).copyFrom(x);
    }
    preprocessing.quantize(result);
    return result;
  }

  /** Writes one file that {@link #load} reads without the rest of the run. */
  public void save(Path file, Blas blas) {
    Map<String, String> metadata = new LinkedHashMap<>();
    metadata.put("format", FORMAT);
    metadata.put("dimension", String.valueOf(flow.dimension()));
    Shape shape = flow.shapes().getFirst();
    if (!shape.equals(Shape.plain(shape.size()))) { // else absent, as in files that know of none
      metadata.put("shape", JSON.writeValueAsString(shape));
    }
    metadata.put("precision", flow.precision().name());
    metadata.put("layers", JSON.writeValueAsString(LayerTypes.describe(flow.layers())));
    metadata.put("initialized_by_data", String.valueOf(flow.parameters().initializedByData()));
    metadata.put("log_z", String.valueOf(flow.logZ(blas)));
    metadata.put("preprocessing_levels", String.valueOf(preprocessing.levels()));
    if (!preprocessing.wholeColumns().isEmpty()) { // else absent, as in files that know of none
      metadata.put(WHOLE_COLUMNS, JSON.writeValueAsString(preprocessing.wholeColumns()));
    }
    metadata.put(
        "preprocessing", JSON.writeValueAsString(LayerTypes.describe(preprocessing.layers())));
    metadata.put("data", JSON.writeValueAsString(data));
    metadata.put("seed", String.valueOf(seed));
    Map<String, Matrix> tensors = new LinkedHashMap<>(flow.weights());
    tensors.putAll(preprocessing.weights().byName());
    Safetensors.write(file, tensors, metadata);
  }

  /** The model file of a run folder, or what is none. */
  public static Path file(Path runOrFile) {
    return Files.isDirectory(runOrFile) ? runOrFile.resolve(MODEL_FILE) : runOrFile;
  }

  /** The model of a run folder, or of a model file. */
  public static TrainedFlow load(Path runOrFile) {
    return load(runOrFile, null);
  }

  /**
   * As {@link #load(Path)} for a flow with layers of the user's own: its weights are overwritten.
   *
   * @throws InvalidInputException also if the file is of a flow with other layers; one's own layer
   *     is compared by its number of weights only
   */
  public static TrainedFlow load(Path runOrFile, @Nullable Flow architecture) {
    if (Files.notExists(runOrFile)) {
      throw new InvalidInputException(
          runOrFile + ": expected a run folder or a model file, found nothing");
    }
    Path file = file(runOrFile);
    if (Files.notExists(file)) {
      throw new InvalidInputException(
          file
              + ": expected the model that a run's first evaluation writes, found none (go on with an interrupted run by --resume "
              + runOrFile
              + ")");
    }
    try (Safetensors tensors = Safetensors.read(file)) {
      Map<String, String> metadata = tensors.metadata();
      if (!FORMAT.equals(metadata.get("format"))) {
        throw new InvalidInputException(
            file
                + ": expected a model of this program (format "
                + FORMAT
                + "), found format "
                + metadata.get("format"));
      }
      int dimension = Integer.parseInt(text(metadata, "dimension"));
      if (dimension < 1) {
        throw new IllegalArgumentException("dimension is " + dimension + ", expected at least 1");
      }
      Shape input = shape(metadata, dimension);
      if (architecture != null) {
        requireLayers(architecture, tensors, file);
      }
      Flow flow = architecture == null ? described(input, tensors, file) : architecture;
      Preprocessing preprocessing = preprocessing(input, tensors, file);
      copy(tensors, flow.weights(), file);
      copy(tensors, preprocessing.weights().byName(), file);
      flow.parameters()
          .initializedByData(Boolean.parseBoolean(metadata.get("initialized_by_data")));
      flow.parameters().changed();
      return new TrainedFlow(
          flow, preprocessing, data(metadata), Long.parseLong(text(metadata, "seed")));
    } catch (IllegalArgumentException | JacksonException e) {
      throw new InvalidInputException(
          file + ": the metadata can't be read (" + e.getMessage() + ")", e);
    }
  }

  private static Shape shape(Map<String, String> metadata, int dimension) {
    String text = metadata.get("shape");
    Shape shape = text == null ? Shape.plain(dimension) : JSON.readValue(text, Shape.class);
    if (shape == null || shape.size() != dimension) {
      throw new IllegalArgumentException(
          "shape is " + text + ", expected " + dimension + " numbers per row");
    }
    return shape;
  }

  /** The flow that the metadata describe, once it is known that the file has as many weights. */
  private static Flow described(Shape input, Safetensors tensors, Path file) {
    Map<String, String> metadata = tensors.metadata();
    List<Layer> layers = Architecture.layers(input, list(metadata, "layers"), file.toString());
    requireWeights(layers, tensors, file);
    Precision precision = Precision.valueOf(text(metadata, "precision"));
    MemoryNeed.ofWeights(layers, precision)
        .plus(MemoryNeed.ofInitialDraws(layers))
        .plus(MemoryNeed.ofFactorizations(layers))
        .requireFits(file.toString());
    return Architecture.flow(input, layers, precision);
  }

  private static void requireWeights(List<Layer> layers, Safetensors tensors, Path file) {
    long expected = count(layers);
    long found = count(tensors, false);
    if (found != expected) {
      throw new InvalidInputException(
          file + ": expected " + expected + " weights for its layers, found " + found);
    }
  }

  private static void requireLayers(Flow flow, Safetensors tensors, Path file) {
    JsonNode found = JSON.readTree(text(tensors.metadata(), "layers"));
    JsonNode expected = json(LayerTypes.describe(flow.layers()));
    if (found.size() != expected.size()) {
      throw new InvalidInputException(
          file + ": expected " + expected.size() + " layers, found " + found.size());
    }
    for (int i = 0; i < expected.size(); i++) {
      boolean ofTheUsers = expected.get(i).findValuesAsString("type").contains(LayerTypes.CUSTOM);
      if (!ofTheUsers && !expected.get(i).equals(found.get(i))) {
        throw new InvalidInputException(
            file
                + ": expected layer "
                + i
                + " to be "
                + shortened(expected.get(i))
                + ", found "
                + shortened(found.get(i)));
      }
    }
    requireWeights(flow.layers(), tensors, file);
  }

  /** For a message: a coupling's mask has a number for each column. */
  private static String shortened(JsonNode description) {
    String text = description.toString();
    return text.length() <= MOST_DESCRIBED ? text : text.substring(0, MOST_DESCRIBED) + "…";
  }

  /** As a file would hold it. */
  private static JsonNode json(Object value) {
    return JSON.readTree(JSON.writeValueAsString(value));
  }

  private static long count(List<Layer> layers) {
    long count = 0;
    for (Layer layer : layers) {
      for (Parameter block : layer.parameters()) {
        count += (long) block.rows() * block.columns();
      }
    }
    return count;
  }

  /** How many numbers the file has for the preprocessing, or for the flow. */
  private static long count(Safetensors tensors, boolean preprocessing) {
    long count = 0;
    for (String name : tensors.names()) {
      if (name.startsWith(Flow.PREPROCESSING) == preprocessing) {
        count += (long) tensors.rows(name) * tensors.columns(name);
      }
    }
    return count;
  }

  private static void copy(Safetensors tensors, Map<String, Matrix> blocks, Path file) {
    blocks.forEach(
        (name, block) -> {
          tensors.copyTo(name, block);
          requireFinite(block, name, file);
        });
  }

  private static void requireFinite(Matrix block, String name, Path file) {
    Matrix row = Matrix.allocate(Precision.FLOAT64, 1, block.columns());
    for (int r = 0; r < block.rows(); r++) {
      row.copyFrom(block.rows(r, r + 1));
      for (double value : row.doubles()) {
        if (!Double.isFinite(value)) {
          throw new InvalidInputException(
              file + ": expected finite weights, found " + value + " in row " + r + " of " + name);
        }
      }
    }
  }

  private static Preprocessing preprocessing(Shape input, Safetensors tensors, Path file) {
    Map<String, String> metadata = tensors.metadata();
    int levels = Integer.parseInt(text(metadata, "preprocessing_levels"));
    if (levels < 0) {
      throw new IllegalArgumentException("preprocessing_levels is " + levels);
    }
    List<Layer> layers =
        Architecture.layers(input, list(metadata, "preprocessing"), file.toString());
    if (count(layers) != count(tensors, true)) {
      throw new InvalidInputException(
          file
              + ": expected "
              + count(layers)
              + " weights for its preprocessing, found "
              + count(tensors, true));
    }
    return new Preprocessing(levels, layers).dequantizing(wholeColumns(metadata, input.size()));
  }

  private static List<Integer> wholeColumns(Map<String, String> metadata, int dimension) {
    if (!metadata.containsKey(WHOLE_COLUMNS)) {
      return List.of();
    }
    int[] columns = JSON.readValue(text(metadata, WHOLE_COLUMNS), int[].class);
    if (columns == null || IntStream.of(columns).anyMatch(c -> c < 0 || c >= dimension)) {
      throw new IllegalArgumentException(
          WHOLE_COLUMNS + " is " + metadata.get(WHOLE_COLUMNS) + ", expected columns from 0");
    }
    return IntStream.of(columns).boxed().toList();
  }

  private static DataDescription data(Map<String, String> metadata) {
    JsonNode json = JSON.readTree(text(metadata, "data"));
    double[] evenlySpaced = // all that models had before their training rows were ranked
        json.path("quantiles").isArray()
            ? JSON.treeToValue(((ObjectNode) json).remove("quantiles"), double[].class)
            : null;
    DataDescription data = JSON.treeToValue(json, DataDescription.class);
    if (data == null
        || data.name == null
        || data.columns == null
        || (data.quantiles == null && evenlySpaced == null)) {
      throw new IllegalArgumentException("data lack name, columns or quantiles");
    }
    return evenlySpaced == null
        ? data
        : new DataDescription(
            data.name,
            data.columns,
            data.imageShape,
            EmpiricalDistribution.ofQuantiles(evenlySpaced),
            data.places);
  }

  private static String text(Map<String, String> metadata, String key) {
    String value = metadata.get(key);
    if (value == null) {
      throw new IllegalArgumentException("no " + key);
    }
    return value;
  }

  private static List<?> list(Map<String, String> metadata, String key) {
    List<?> list = JSON.readValue(text(metadata, key), List.class);
    if (list == null) {
      throw new IllegalArgumentException(key + " is null");
    }
    return list;
  }
}
