package org.ebflow.spark;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.apache.spark.TaskContext;
import org.apache.spark.api.java.function.MapFunction;
import org.apache.spark.ml.Pipeline;
import org.apache.spark.ml.PipelineModel;
import org.apache.spark.ml.PipelineStage;
import org.apache.spark.ml.feature.VectorAssembler;
import org.apache.spark.ml.linalg.SQLDataTypes;
import org.apache.spark.ml.linalg.Vectors;
import org.apache.spark.ml.param.ParamMap;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Encoders;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;
import org.apache.spark.sql.functions;
import org.apache.spark.sql.types.DataType;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.StructType;
import org.assertj.core.groups.Tuple;
import org.ebflow.flow.InvalidInputException;
import org.ebflow.training.scoring.ScoreColumns;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class FlowScorerTest {
  private static final int COUNT = 1000;

  @TempDir static Path folder;
  private static final Map<String, Path> RUNS = new HashMap<>();
  private static final Map<String, Map<String, double[]>> EXPECTED = new HashMap<>();
  private static final double[][] VALUES = Models.rows(COUNT, 2);

  @BeforeAll
  static void trainAndScoreOnOneMachine() throws IOException {
    Path table = folder.resolve("rows.csv");
    Models.csv(table, VALUES);
    for (String type : List.of("fc", "coupling")) {
      Path run = Models.train(type, folder.resolve(type));
      RUNS.put(type, run);
      EXPECTED.put(type, Models.score(run, table));
    }
  }

  private static FlowScorer scorer(String type) {
    LocalSpark.SESSION.sparkContext(); // is the active one
    return new FlowScorer().setModel(RUNS.get(type).toString());
  }

  /** Rows of an id from 1 and three columns, in three partitions. */
  private static Dataset<Row> plain(String... names) {
    StructType schema = new StructType().add("id", DataTypes.IntegerType);
    for (String name : names) {
      schema = schema.add(name, DataTypes.DoubleType);
    }
    List<Row> rows = new ArrayList<>();
    for (int r = 0; r < COUNT; r++) {
      rows.add(RowFactory.create(r + 1, VALUES[r][0], VALUES[r][1], VALUES[r][2]));
    }
    return LocalSpark.SESSION.createDataFrame(rows, schema);
  }

  private static Map<String, double[]> byId(Dataset<Row> scored) {
    Map<String, double[]> scores = new HashMap<>();
    for (Row row : scored.collectAsList()) {
      double[] old =
          scores.put(
              String.valueOf(row.getInt(row.fieldIndex("id"))),
              ScoreColumns.NAMES.stream()
                  .mapToDouble(name -> row.getDouble(row.fieldIndex(name)))
                  .toArray());
      assertThat(old).as("a row twice").isNull();
    }
    return scores;
  }

  private static void assertSameBits(Map<String, double[]> found, Map<String, double[]> expected) {
    assertThat(found.keySet()).isEqualTo(expected.keySet());
    expected.forEach((id, scores) -> assertThat(found.get(id)).as("row " + id).isEqualTo(scores));
  }

  private static Dataset<Row> oneRow(DataType type, Object value) {
    return LocalSpark.SESSION.createDataFrame(
        List.of(RowFactory.create(value)), new StructType().add("v", type));
  }

  @ParameterizedTest
  @ValueSource(strings = {"fc", "coupling"})
  void scoresAreThoseOfOneMachineToTheBit(String type) {
    assertSameBits(byId(scorer(type).transform(plain("a", "b", "c"))), EXPECTED.get(type));
  }

  @Test
  void vectorsArraysAndRenamedColumnsGiveTheSameScores() {
    Dataset<Row> rows = plain("x", "y", "z");
    Dataset<Row> vectors =
        new VectorAssembler()
            .setInputCols(new String[] {"x", "y", "z"})
            .setOutputCol("v")
            .transform(rows);
    Dataset<Row> arrays =
        rows.withColumn(
            "v", functions.array(functions.col("x"), functions.col("y"), functions.col("z")));
    Map<String, double[]> expected = EXPECTED.get("fc");
    assertSameBits(byId(scorer("fc").setInputCols("x", "y", "z").transform(rows)), expected);
    assertSameBits(byId(scorer("fc").setInputCol("v").transform(vectors)), expected);
    assertSameBits(byId(scorer("fc").setInputCol("v").transform(arrays)), expected);
  }

  @Test
  void theModelsColumnsAreFoundByNameInAnyOrder() {
    Dataset<Row> rows = plain("a", "b", "c").select("c", "id", "a", "b");
    assertSameBits(byId(scorer("fc").transform(rows)), EXPECTED.get("fc"));
    assertSameBits(
        byId(scorer("fc").setInputCols("c", "a", "b").transform(rows)), EXPECTED.get("fc"));
  }

  @Test
  void aTaskThatFailsOnItsFirstAttemptGivesTheSameRows() {
    Dataset<Row> rows = plain("a", "b", "c");
    MapFunction<Row, Row> failing =
        row -> {
          if (TaskContext.get().attemptNumber() == 0
              && TaskContext.getPartitionId() == 1
              && row.getInt(0) > 900) {
            throw new IllegalStateException("the first attempt fails on purpose");
          }
          return row;
        };
    Dataset<Row> scored = scorer("fc").transform(rows);
    Dataset<Row> retried = scored.map(failing, Encoders.row(scored.schema()));
    assertSameBits(byId(retried), EXPECTED.get("fc"));
  }

  @Test
  void aSavedPipelineNeedsTheRunNoMore() throws IOException {
    Path run = folder.resolve("moved");
    Files.createDirectories(run);
    Files.copy(RUNS.get("fc").resolve("model.safetensors"), run.resolve("model.safetensors"));
    VectorAssembler assembler =
        new VectorAssembler().setInputCols(new String[] {"x", "y", "z"}).setOutputCol("v");
    FlowScorer scorer =
        scorer("fc").setModel(run.toString()).setInputCol("v").setScoreCols("percentile", "energy");
    Dataset<Row> rows = plain("x", "y", "z");
    PipelineModel pipeline =
        new Pipeline().setStages(new PipelineStage[] {assembler, scorer}).fit(rows);
    String saved = folder.resolve("pipeline").toString();
    pipeline.write().overwrite().save(saved);
    pipeline.write().overwrite().save(saved); // twice
    Files.delete(run.resolve("model.safetensors"));

    Dataset<Row> scored = PipelineModel.load(saved).transform(rows);

    assertThat(scored.columns()).containsExactly("id", "x", "y", "z", "v", "percentile", "energy");
    for (Row row : scored.collectAsList()) {
      double[] expected = EXPECTED.get("fc").get(String.valueOf(row.getInt(0)));
      assertThat(row.getDouble(5)).isEqualTo(expected[4]);
      assertThat(row.getDouble(6)).isEqualTo(expected[2]);
    }
  }

  @Test
  void scoresAreOfTheModelThatTheParameterNames() throws IOException {
    Dataset<Row> rows = plain("a", "b", "c");
    FlowScorer scorer = scorer("fc");
    ParamMap other = new ParamMap().put(scorer.model(), RUNS.get("coupling").toString());

    assertSameBits(byId(scorer.transform(rows, other)), EXPECTED.get("coupling"));
    assertSameBits(byId(scorer.transform(rows)), EXPECTED.get("fc"));
    String saved = folder.resolve("other").toString();
    scorer.copy(other).write().overwrite().save(saved);
    assertSameBits(byId(FlowScorer.load(saved).transform(rows)), EXPECTED.get("coupling"));
    scorer.set(scorer.model(), RUNS.get("coupling").toString()); // as PySpark's _set does
    assertSameBits(byId(scorer.transform(rows)), EXPECTED.get("coupling"));
    scorer.clear(scorer.model());
    assertThatThrownBy(() -> scorer.transform(rows)).hasMessageEndingWith("found none (setModel)");
  }

  @Test
  void rowsThatCannotBeScoredHaveNullsAndAReason() {
    StructType schema = new StructType().add("id", DataTypes.IntegerType);
    for (String name : Models.COLUMNS) {
      schema = schema.add(name, DataTypes.DoubleType);
    }
    List<Row> rows = new ArrayList<>();
    for (int i = 0; i < 300; i++) { // more than a block
      Object b = i % 7 == 1 ? Double.NaN : i % 7 == 2 ? null : (Object) VALUES[i][1];
      rows.add(
          RowFactory.create(
              i + 1, i % 7 == 3 ? Double.NEGATIVE_INFINITY : VALUES[i][0], b, VALUES[i][2]));
    }
    Dataset<Row> scored =
        scorer("fc")
            .setReasonCol("why")
            .transform(LocalSpark.SESSION.createDataFrame(rows, schema).repartition(1));
    Map<String, double[]> good = byId(scored.where("why is null").drop("why"));
    assertThat(good).hasSize((int) IntStream.range(0, 300).filter(i -> !bad(i)).count());
    good.forEach((id, found) -> assertThat(found).isEqualTo(EXPECTED.get("fc").get(id)));
    for (Row row : scored.where("why is not null").collectAsList()) {
      int i = row.getInt(0) - 1;
      for (String name : ScoreColumns.NAMES) {
        assertThat(row.isNullAt(row.fieldIndex(name))).isTrue();
      }
      assertThat(row.<String>getAs("why"))
          .isEqualTo(
              switch (i % 7) {
                case 1 -> "column 3 (b): expected a finite number, found NaN";
                case 2 -> "column 3 (b): expected a finite number, found null";
                case 3 -> "column 2 (a): expected a finite number, found -Infinity";
                default -> "no reason";
              });
    }
  }

  private static boolean bad(int i) {
    return i % 7 >= 1 && i % 7 <= 3;
  }

  @Test
  void nestedRowsOfAnotherWidthOrWithoutANumberHaveAReason() {
    StructType schema = new StructType().add("v", SQLDataTypes.VectorType());
    List<Row> rows =
        List.of(
            RowFactory.create(Vectors.dense(1, 2)),
            RowFactory.create(Vectors.sparse(3, new int[] {1}, new double[] {Double.NaN})),
            RowFactory.create((Object) null));
    FlowScorer scorer = scorer("fc").setInputCol("v").setScoreCols("log_prob").setReasonCol("why");
    assertThat(
            scorer
                .transform(LocalSpark.SESSION.createDataFrame(rows, schema).coalesce(1))
                .collectAsList())
        .extracting(row -> row.get(1), row -> row.<String>getAs("why"))
        .containsExactly(
            tuple("column 1 (v): expected 3 values, found 2"),
            tuple("column 1 (v): expected a finite number, found NaN as value 2"),
            tuple("column 1 (v): expected 3 values, found null"));
    Dataset<Row> array =
        oneRow(DataTypes.createArrayType(DataTypes.IntegerType), Arrays.asList(1, null, 3));
    assertThat(scorer.transform(array).first().<String>getAs("why"))
        .isEqualTo("column 1 (v): expected a finite number, found null as value 2");
  }

  private static Tuple tuple(String reason) {
    return Tuple.tuple(null, reason);
  }

  @Test
  void numbersOfAllTypesAreRead() {
    Dataset<Row> rows =
        LocalSpark.SESSION.sql(
            "select cast(1 as byte) a, 2.5bd b, true c, 1 id union all select 1, 2.5, true, 2");
    Dataset<Row> doubles =
        LocalSpark.SESSION.sql("select 1d a, 2.5d b, 1d c, 1 id union all select 1d, 2.5d, 1d, 2");
    assertSameBits(byId(scorer("fc").transform(rows)), byId(scorer("fc").transform(doubles)));
  }

  @Test
  void aStrictScorerNamesTheValuesOfABadRow() {
    Dataset<Row> rows =
        LocalSpark.SESSION.sql("select 1d a, cast('NaN' as double) b, 3d c, 'x' id");
    assertThatThrownBy(() -> scorer("fc").setStrict(true).transform(rows).collectAsList())
        .rootCause()
        .isInstanceOf(InvalidInputException.class)
        .hasMessage(
            "column 2 (b): expected a finite number, found NaN, in the row a=1.0, b=NaN, c=3.0");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "select 1d a, 2d b          | the DataFrame: expected a column c, found a, b",
        "select 1d a, 2d B, 3d c    | the DataFrame: expected a column b, found a, B, c",
        "select 1d a, 'x' b, 3d c   | the DataFrame: column b: expected numbers, found string",
        "select 1d a, 2d b, 3d c, 0 energy | flowScorer: expected no column energy yet, found one in the DataFrame"
      })
  void columnsAreCheckedAgainstTheModels(String query, String message) {
    FlowScorer scorer = new FlowScorer("flowScorer").setModel(RUNS.get("fc").toString());
    assertThatThrownBy(() -> scorer.transform(LocalSpark.SESSION.sql(query)))
        .isInstanceOf(InvalidInputException.class)
        .hasMessage(message);
  }

  @Test
  void wrongParametersAreRefused() {
    Dataset<Row> rows = plain("a", "b", "c");
    assertThatThrownBy(() -> scorer("fc").setInputCols("a", "b").transform(rows))
        .hasMessage("the DataFrame: expected rows of the model's shape [*,3], found [*,2]");
    assertThatThrownBy(() -> scorer("fc").setInputCol("a").transform(rows))
        .hasMessage(
            "the DataFrame: column a: expected a vector or an array of numbers, found double");
    assertThatThrownBy(() -> scorer("fc").setScoreCols("density").transform(rows))
        .hasMessageEndingWith(
            ": scoreCols has density, expected some of log_prob, bits_per_dim, energy, latent_norm, percentile");
    assertThatThrownBy(() -> scorer("fc").setPrecision("f16").transform(rows))
        .hasMessage("precision is f16, expected f32, f64 or bf16");
    assertThatThrownBy(() -> new FlowScorer("s").transform(rows))
        .hasMessage("s: expected a model, found none (setModel)");
    assertThatThrownBy(() -> new FlowScorer().setModel(folder.resolve("no").toString()))
        .hasMessage(
            folder.resolve("no") + ": expected a run folder or a model file, found nothing");
    Path damaged = folder.resolve("damaged.safetensors");
    assertThatThrownBy(
            () -> {
              Files.write(damaged, new byte[] {1, 2, 3});
              new FlowScorer().setModel(damaged.toString());
            })
        .isInstanceOf(InvalidInputException.class)
        .hasMessageContaining("damaged.safetensors");
  }

  @Test
  void doublePrecisionIsThatOfOneMachineToo() throws IOException {
    assertSameBits(
        byId(scorer("coupling").setPrecision("f64").transform(plain("a", "b", "c"))),
        Models.score(RUNS.get("coupling"), folder.resolve("rows.csv"), "--precision", "f64"));
  }

  @Test
  void aModelThatNoTaskUsesIsClosedWhenAnotherIsAskedFor() {
    Dataset<Row> rows = plain("a", "b", "c");
    for (String type : List.of("fc", "coupling", "fc")) {
      assertThat(scorer(type).transform(rows).limit(1).collectAsList()).hasSize(1);
      assertThat(ExecutorScorer.count()).isEqualTo(1);
    }
  }
}
