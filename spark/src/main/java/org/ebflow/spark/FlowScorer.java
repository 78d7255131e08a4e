package org.ebflow.spark;

import java.io.IOException;
import java.io.Serial;
import java.io.UncheckedIOException;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.apache.spark.SparkContext;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.broadcast.Broadcast;
import org.apache.spark.ml.Transformer;
import org.apache.spark.ml.linalg.SQLDataTypes;
import org.apache.spark.ml.param.BooleanParam;
import org.apache.spark.ml.param.Param;
import org.apache.spark.ml.param.ParamMap;
import org.apache.spark.ml.param.StringArrayParam;
import org.apache.spark.ml.util.DefaultParamsReader;
import org.apache.spark.ml.util.DefaultParamsWriter;
import org.apache.spark.ml.util.Identifiable$;
import org.apache.spark.ml.util.MLReader;
import org.apache.spark.ml.util.MLWritable;
import org.apache.spark.ml.util.MLWriter;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Encoders;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.types.ArrayType;
import org.apache.spark.sql.types.BooleanType;
import org.apache.spark.sql.types.DataType;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.NumericType;
import org.apache.spark.sql.types.StringType;
import org.apache.spark.sql.types.StructField;
import org.apache.spark.sql.types.StructType;
import org.ebflow.flow.InvalidInputException;
import org.ebflow.flow.io.OneLine;
import org.ebflow.training.data.ModelColumns;
import org.ebflow.training.data.TableOptions;
import org.ebflow.training.scoring.ScoreColumns;
import org.ebflow.training.scoring.ScoringPrecision;
import org.ebflow.training.scoring.TrainedFlow;
import org.jspecify.annotations.Nullable;

/**
 * Appends the scores of a trained flow to the rows of a DataFrame: a Spark ML transformer.
 *
 * <pre>{@code
 * Dataset<Row> scored = new FlowScorer().setModel("hdfs:///runs/mine").transform(rows);
 * }</pre>
 *
 * <p>A row's values stand in one column of vectors or arrays ({@code inputCol}, in the order of the
 * training columns) or in one numeric column each ({@code inputCols}; not set: the model's columns
 * by name). The scores are those of {@code ebflow score}, to the bit, in columns of the same names:
 * log_prob (nats, in the rows' own units), bits_per_dim, energy (nats), latent_norm, percentile.
 *
 * <p>A row with a missing value, NaN, ±Infinity or another number of values has null scores. {@code
 * reasonCol} names a column that says why. With {@code strict} it is an error instead, which names
 * the row's values.
 *
 * <p>The model's file is broadcast. The tasks of an executor share one scorer; each computes on its
 * own thread alone and holds a block of rows at a time. A saved pipeline contains the model's file
 * (docs/decisions/0048).
 */
public final class FlowScorer extends Transformer implements MLWritable {
  @Serial private static final long serialVersionUID = 1;

  private final String uid;
  private final Param<String> model;
  private final Param<String> inputCol;
  private final StringArrayParam inputCols;
  private final StringArrayParam scoreCols;
  private final Param<String> reasonCol;
  private final BooleanParam strict;
  private final Param<String> precision;

  private transient @Nullable Loaded loaded;
  private transient @Nullable Sent sent;
  private @Nullable String corruptCol;

  private record Loaded(String name, ModelFile file, TrainedFlow model) {}

  /** A model's file on its way to the executors of an application. */
  private record Sent(SparkContext context, Broadcast<ModelFile> file) {}

  /** One without a model. */
  public FlowScorer() {
    this(Identifiable$.MODULE$.randomUID("flowScorer"));
  }

  /** One without a model, of that name in a pipeline. */
  public FlowScorer(String uid) {
    this.uid = uid; // first: the parameters ask for it
    model = new Param<>(this, "model", "run folder or model file");
    inputCol = new Param<>(this, "inputCol", "column of vectors or arrays with a row's values");
    inputCols =
        new StringArrayParam(
            this,
            "inputCols",
            "numeric columns of a row's values; not set: the model's columns by name");
    scoreCols =
        new StringArrayParam(
            this, "scoreCols", "scores to append, of " + String.join(", ", ScoreColumns.NAMES));
    reasonCol =
        new Param<>(this, "reasonCol", "column that says why a row has no scores; not set: none");
    strict = new BooleanParam(this, "strict", "whether a row that can't be scored is an error");
    precision = new Param<>(this, "precision", "f32, f64 or bf16; not set: the model's");
    setDefault(scoreCols, ScoreColumns.NAMES.toArray(String[]::new));
    setDefault(strict, false);
  }

  @Override
  public String uid() {
    return uid;
  }

  /** Parameter: run folder or model file. */
  public Param<String> model() {
    return model;
  }

  /** Parameter: column of vectors or arrays. */
  public Param<String> inputCol() {
    return inputCol;
  }

  /** Parameter: numeric columns. */
  public StringArrayParam inputCols() {
    return inputCols;
  }

  /** Parameter: scores to append. */
  public StringArrayParam scoreCols() {
    return scoreCols;
  }

  /** Parameter: column of reasons. */
  public Param<String> reasonCol() {
    return reasonCol;
  }

  /** Parameter: whether a row that can't be scored is an error. */
  public BooleanParam strict() {
    return strict;
  }

  /** Parameter: precision of the scores. */
  public Param<String> precision() {
    return precision;
  }

  /**
   * Reads the model of a run folder or of a model file, in any file system that Hadoop knows.
   *
   * @throws InvalidInputException if there is none
   */
  public FlowScorer setModel(String runOrFile) {
    return setModel(runOrFile, modelFile(runOrFile));
  }

  private static ModelFile modelFile(String runOrFile) {
    return ModelFile.read(runOrFile, SparkSession.active().sparkContext().hadoopConfiguration());
  }

  private FlowScorer setModel(String name, ModelFile file) {
    take(name, file);
    set(model, name);
    return this;
  }

  private Loaded take(String name, ModelFile file) {
    Loaded taken = new Loaded(name, file, file.load());
    loaded = taken;
    sent = null;
    return taken;
  }

  /** The values of a row stand in this column of vectors or arrays. */
  public FlowScorer setInputCol(String column) {
    set(inputCol, column);
    return this;
  }

  /**
   * The values of a row stand in these numeric columns. The model's own names may come in any
   * order; others are taken in the order of the training columns.
   */
  public FlowScorer setInputCols(String... columns) {
    set(inputCols, columns);
    return this;
  }

  /** Only these scores are appended, in this order. */
  public FlowScorer setScoreCols(String... columns) {
    set(scoreCols, columns);
    return this;
  }

  /** A column of this name says why a row has no scores. */
  public FlowScorer setReasonCol(String column) {
    set(reasonCol, column);
    return this;
  }

  /** Whether a row that can't be scored is an error. */
  public FlowScorer setStrict(boolean value) {
    set(strict, value);
    return this;
  }

  /** f32, f64 or bf16. */
  public FlowScorer setPrecision(String value) {
    set(precision, value);
    return this;
  }

  /** Takes columns of texts for cells of CSV, and a row that has a text in that column for bad. */
  void readingCsv(String column) {
    corruptCol = column;
  }

  /** Columns of the model's rows. */
  ModelColumns columns() {
    return loaded().model.columns();
  }

  /**
   * What the parameter names; others than {@link #setModel} may have set it, as a ParamMap does.
   */
  private Loaded loaded() {
    if (!isDefined(model)) {
      throw new InvalidInputException(uid + ": expected a model, found none (setModel)");
    }
    String name = $(model);
    return loaded == null || !loaded.name.equals(name) ? take(name, modelFile(name)) : loaded;
  }

  /**
   * The schema with the columns of the scores, all nullable.
   *
   * @throws InvalidInputException if the values' columns are not there, are no numbers or not as
   *     many as the model's, or if a column to append is there already
   */
  @Override
  public StructType transformSchema(StructType schema) {
    values(schema);
    StructType result = schema;
    for (int score : scores()) {
      result = appended(result, ScoreColumns.NAMES.get(score), DataTypes.DoubleType);
    }
    return isDefined(reasonCol) ? appended(result, $(reasonCol), DataTypes.StringType) : result;
  }

  private StructType appended(StructType schema, String name, DataType type) {
    if (Arrays.asList(schema.fieldNames()).contains(name)) {
      throw new InvalidInputException(
          uid + ": expected no column " + name + " yet, found one in the DataFrame");
    }
    return schema.add(name, type, true);
  }

  private int[] scores() {
    return Arrays.stream($(scoreCols)).mapToInt(this::score).toArray();
  }

  private int score(String name) {
    int index = ScoreColumns.NAMES.indexOf(name);
    if (index < 0) {
      throw new InvalidInputException(
          uid
              + ": scoreCols has "
              + name
              + ", expected some of "
              + String.join(", ", ScoreColumns.NAMES));
    }
    return index;
  }

  private RowValues values(StructType schema) {
    List<String> names = List.of(schema.fieldNames());
    String table = "the DataFrame";
    if (isDefined(inputCol)) {
      if (isDefined(inputCols)) {
        throw new InvalidInputException(uid + ": expected inputCol or inputCols, found both");
      }
      int cell = TableOptions.DEFAULT.withColumns(List.of($(inputCol))).cellsOf(table, names)[0];
      DataType type = schema.fields()[cell].dataType();
      boolean vector = type.equals(SQLDataTypes.VectorType());
      boolean array = type instanceof ArrayType elements && isNumber(elements.elementType());
      if (!vector && !array) {
        throw wrongType(names.get(cell), "a vector or an array of numbers", type);
      }
      return new RowValues(new int[] {cell}, List.of(names.get(cell)), true, -1);
    }
    TableOptions options = TableOptions.DEFAULT.forModel(columns());
    if (isDefined(inputCols)) {
      options = options.withColumns(List.of($(inputCols)));
    }
    int[] cells = options.cellsOf(table, names);
    for (int cell : cells) {
      StructField field = schema.fields()[cell];
      if (!isNumber(field.dataType())) {
        throw wrongType(field.name(), "numbers", field.dataType());
      }
    }
    return new RowValues(
        cells,
        IntStream.of(cells).mapToObj(names::get).toList(),
        false,
        corruptCol == null ? -1 : names.indexOf(corruptCol));
  }

  private boolean isNumber(DataType type) {
    return type instanceof NumericType
        || type instanceof BooleanType
        || (corruptCol != null && type instanceof StringType);
  }

  private static InvalidInputException wrongType(String column, String expected, DataType found) {
    return new InvalidInputException(
        "the DataFrame: column "
            + column
            + ": expected "
            + expected
            + ", found "
            + found.simpleString());
  }

  @Override
  public Dataset<Row> transform(Dataset<?> dataset) {
    Dataset<Row> rows = dataset.toDF();
    StructType schema = transformSchema(rows.schema());
    BlockScoring scoring =
        new BlockScoring(
            broadcast(rows.sparkSession().sparkContext()),
            scoringPrecision(),
            values(rows.schema()),
            scores(),
            isDefined(reasonCol),
            (Boolean) $(strict));
    return rows.mapPartitions(scoring, Encoders.row(schema));
  }

  private ScoringPrecision scoringPrecision() {
    return ScoringPrecision.of("precision", isDefined(precision) ? $(precision) : null);
  }

  private Broadcast<ModelFile> broadcast(SparkContext context) {
    ModelFile file = loaded().file;
    if (sent == null || !sent.context.equals(context)) {
      sent = new Sent(context, JavaSparkContext.fromSparkContext(context).broadcast(file));
    }
    return sent.file;
  }

  @Override
  public FlowScorer copy(ParamMap extra) {
    FlowScorer copy = defaultCopy(extra);
    copy.loaded = loaded;
    copy.sent = sent;
    copy.corruptCol = corruptCol;
    return copy;
  }

  /** Writes the parameters and, beside them, the model's file. */
  @Override
  public MLWriter write() {
    return new Writer(this, loaded().file);
  }

  /** Reads what {@link #write} has written. */
  public static MLReader<FlowScorer> read() {
    return new Reader();
  }

  /** Reads what {@link #write} has written to that folder. */
  public static FlowScorer load(String path) {
    return read().load(path);
  }

  private static final class Writer extends MLWriter {
    private final FlowScorer scorer;
    private final ModelFile file;

    Writer(FlowScorer scorer, ModelFile file) {
      this.scorer = scorer;
      this.file = file;
    }

    @Override
    public void saveImpl(String path) {
      try {
        new DefaultParamsWriter(scorer).save(path);
        file.write(
            path + "/" + TrainedFlow.MODEL_FILE,
            sparkSession().sparkContext().hadoopConfiguration());
      } catch (IOException e) {
        throw new UncheckedIOException(path + ": cannot be written: " + OneLine.message(e), e);
      }
    }
  }

  private static final class Reader extends MLReader<FlowScorer> {
    @Override
    public FlowScorer load(String path) {
      FlowScorer scorer = new DefaultParamsReader<FlowScorer>().load(path);
      return scorer.setModel(
          scorer.$(scorer.model),
          ModelFile.read(
              path + "/" + TrainedFlow.MODEL_FILE,
              sparkSession().sparkContext().hadoopConfiguration()));
    }
  }
}
