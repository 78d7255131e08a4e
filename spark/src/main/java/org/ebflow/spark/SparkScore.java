package org.ebflow.spark;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.apache.spark.sql.Column;
import org.apache.spark.sql.DataFrameReader;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Observation;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.functions;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.StructType;
import org.ebflow.flow.InvalidInputException;
import org.ebflow.training.data.FileFormat;
import org.ebflow.training.data.TableOptions;
import org.ebflow.training.scoring.ScoreColumns;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code ebflow score} as a program for spark-submit. */
@Command(
    name = "spark-submit … --class org.ebflow.spark.SparkScore ebflow-spark.jar",
    description = {
      "Scores the rows of tables by the model of a run, on a cluster.",
      "The output is a folder of Parquet or CSV with a row for each input row, in no promised order: id, log_prob (nats, in the rows' own units), bits_per_dim, "
          + "energy (nats), latent_norm, percentile (among the training rows), reason. A row that can't be scored has no scores and a reason."
    })
public final class SparkScore extends SparkProgram {
  private static final String REASON = "reason";
  private static final String ROWS = "rows";
  private static final String REJECTED = "rejected";

  /** Of CSV; Spark's own limit is 20,480. */
  private static final int MOST_COLUMNS = 1 << 20;

  /** Where Spark leaves a line of CSV that has another number of cells. */
  private static final String CORRUPT = "_corrupt_record";

  @Parameters(index = "0", paramLabel = "RUN", description = "Run folder or model file.")
  private String run;

  @Parameters(
      index = "1..*",
      arity = "1..*",
      paramLabel = "INPUT",
      description =
          "Tables (.parquet, .csv, .csv.gz), all of one format; a folder or a pattern of another name is Parquet.")
  private List<String> inputs;

  @Option(
      names = "--out",
      required = true,
      paramLabel = "FOLDER",
      description = "Scores: a new folder named .parquet or .csv.")
  private String out;

  @Option(
      names = "--id",
      paramLabel = "COLUMN",
      description = "Column copied as id. Default: all columns are copied.")
  private @Nullable String id;

  @Option(
      names = "--columns",
      paramLabel = "NAME,…",
      description =
          "Columns to read, by name or range FIRST..LAST, numbers from 1 where CSV has no names; a name with a comma in double quotes. Default: the model's by name.")
  private List<String> columns = List.of();

  @Option(
      names = "--drop",
      paramLabel = "NAME,…",
      description = "Columns to leave out, as --columns names them.")
  private List<String> drop = List.of();

  @Option(
      names = "--precision",
      paramLabel = "PRECISION",
      description = "f32, f64, or bf16 (see ebflow score --help). Default: the model's.")
  private @Nullable String precision;

  @Option(names = "--strict", description = "Fail at a bad row, with exit code 2 and no output.")
  private boolean strict;

  @Option(
      names = "--header",
      paramLabel = "yes|no",
      description = "Whether CSV begins with column names. Default: yes.")
  private String header = "yes";

  @Option(
      names = "--encoding",
      paramLabel = "NAME",
      description = "Encoding of CSV, as windows-1252. Default: UTF-8.")
  private String encoding = "UTF-8";

  @Option(
      names = "--separator",
      paramLabel = "comma|semicolon|tab",
      description = "What stands between the cells of CSV. Default: comma.")
  private String separator = "comma";

  /** Runs the program; a failure ends the JVM with its exit code. */
  public static void main(String[] args) {
    new SparkScore().runAndExit(args);
  }

  @Override
  public Integer call() throws InterruptedException {
    FileFormat written = format(out, "--out");
    FileFormat read = inputFormat();
    SparkSession session = SparkSession.builder().appName("ebflow score").getOrCreate();
    FlowScorer scorer = new FlowScorer().setModel(run).setReasonCol(REASON).setStrict(strict);
    if (precision != null) {
      scorer.setPrecision(precision);
    }
    Dataset<Row> rows = read == FileFormat.CSV ? csv(session, scorer) : parquet(session);
    List<String> names = names(rows);
    int[] cells =
        TableOptions.DEFAULT
            .withHeader(hasHeader() ? TableOptions.Header.YES : TableOptions.Header.NO)
            .withColumns(lists(columns))
            .withDrop(lists(drop))
            .withIdColumn(id)
            .forModel(scorer.columns())
            .cellsOf(String.join(" ", inputs), names);
    scorer.setInputCols(IntStream.of(cells).mapToObj(names::get).toArray(String[]::new));
    Observation counts = new Observation();
    Dataset<Row> scored =
        scorer
            .transform(rows)
            .select(written(names))
            .observe(
                counts,
                functions.count(functions.lit(1)).as(ROWS),
                functions.count(functions.col(REASON)).as(REJECTED));
    if (written == FileFormat.CSV) {
      scored.write().option("header", "true").csv(out);
    } else {
      scored.write().parquet(out);
    }
    report(counts.getAsJava());
    return 0;
  }

  private void report(Map<String, Object> counts) {
    long rejected = (Long) Objects.requireNonNull(counts.get(REJECTED));
    long scored = (Long) Objects.requireNonNull(counts.get(ROWS)) - rejected;
    err()
        .printf(
            Locale.ROOT,
            "scored %,d rows into %s%s%n",
            scored,
            out,
            rejected == 0 ? "" : String.format(Locale.ROOT, ", rejected %,d", rejected));
  }

  private FileFormat inputFormat() {
    List<FileFormat> formats = inputs.stream().map(SparkScore::formatOfInput).distinct().toList();
    if (formats.size() > 1) {
      throw new InvalidInputException(
          String.join(" ", inputs) + ": expected inputs of one format, found several");
    }
    return formats.getFirst();
  }

  private static FileFormat formatOfInput(String input) {
    FileFormat format = FileFormat.ofInput(Path.of(lastName(input)));
    return switch (format) {
      case CSV, PARQUET -> format;
      case OTHER -> FileFormat.PARQUET;
      default ->
          throw new InvalidInputException(
              input + ": expected a name ending in .parquet, .csv or .csv.gz");
    };
  }

  private static FileFormat format(String output, String option) {
    FileFormat format = FileFormat.ofOutput(Path.of(lastName(output)));
    if (format != FileFormat.CSV && format != FileFormat.PARQUET) {
      throw new InvalidInputException(
          option + " " + output + ": expected a name ending in .csv or .parquet");
    }
    return format;
  }

  /** Of a path that may be a URI or a pattern. */
  private static String lastName(String path) {
    return path.replaceFirst("/+$", "").replaceFirst(".*/", "");
  }

  private Dataset<Row> parquet(SparkSession session) {
    return session.read().parquet(inputs.toArray(String[]::new));
  }

  /** Cells stay texts, so that they become numbers as {@code ebflow score} reads them. */
  private Dataset<Row> csv(SparkSession session, FlowScorer scorer) {
    String[] paths = inputs.toArray(String[]::new);
    DataFrameReader reader =
        session
            .read()
            .option("header", hasHeader())
            .option("encoding", encoding)
            .option("sep", cellSeparator())
            .option("escape", "\"") // a quote in quotes is doubled
            .option("maxColumns", MOST_COLUMNS);
    String[] found = reader.csv(paths).columns();
    StructType schema = new StructType();
    for (int i = 0; i < found.length; i++) {
      schema = schema.add(hasHeader() ? found[i] : String.valueOf(i + 1), DataTypes.StringType);
    }
    scorer.readingCsv(CORRUPT);
    return reader
        .option("mode", "PERMISSIVE")
        .option("columnNameOfCorruptRecord", CORRUPT)
        .option("enforceSchema", !hasHeader()) // all files must have the same header
        .schema(schema.add(CORRUPT, DataTypes.StringType))
        .csv(paths);
  }

  private boolean hasHeader() {
    return switch (header) {
      case "yes" -> true;
      case "no" -> false;
      default -> throw new InvalidInputException("--header is " + header + ", expected yes or no");
    };
  }

  private String cellSeparator() {
    return switch (separator) {
      case "comma" -> ",";
      case "semicolon" -> ";";
      case "tab" -> "\t";
      default ->
          throw new InvalidInputException(
              "--separator is " + separator + ", expected comma, semicolon or tab");
    };
  }

  private static List<String> names(Dataset<Row> rows) {
    return Arrays.stream(rows.columns()).filter(name -> !name.equals(CORRUPT)).toList();
  }

  private static List<String> lists(List<String> texts) {
    return texts.stream().flatMap(text -> TableOptions.names(text).stream()).toList();
  }

  private Column[] written(List<String> names) {
    Stream<Column> copied =
        id == null ? names.stream().map(SparkScore::column) : Stream.of(column(id).as("id"));
    return Stream.of(
            copied, ScoreColumns.NAMES.stream().map(SparkScore::column), Stream.of(column(REASON)))
        .flatMap(each -> each)
        .toArray(Column[]::new);
  }

  private static Column column(String name) {
    return functions.col("`" + name.replace("`", "``") + "`");
  }
}
