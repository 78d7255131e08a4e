package org.ebflow.training.data;

import de.siegmar.fastcsv.reader.CsvParseException;
import de.siegmar.fastcsv.reader.CsvReader;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.function.Consumer;
import org.ebflow.flow.InvalidInputException;
import org.jspecify.annotations.Nullable;

/**
 * How a table is read. Start from {@link #DEFAULT} and change what differs:
 *
 * <pre>{@code
 * TableOptions.DEFAULT.withHeader(TableOptions.Header.YES).withColumns(List.of("a", "c"))
 * }</pre>
 *
 * @param header whether the first line of CSV holds names
 * @param encoding of CSV text without a byte order mark
 * @param separator between the cells of CSV
 * @param decimalComma whether the numbers of CSV have a decimal comma
 * @param columns names of the columns to read, in this order, or ranges of them as first..last;
 *     where a table has no names, numbers from 1; empty: the model's by name where both the table
 *     and the model have names, else all
 * @param drop names or ranges of columns left out
 * @param idColumn name of the column whose text identifies a row; null: rows are identified by
 *     their number
 * @param dropNonFinite whether loading leaves out rows with NaN, ±Inf or a missing value (and logs
 *     their number) instead of refusing them
 * @param dropConstant whether loading for training leaves out columns that have one value in all
 *     training rows (and logs their names) instead of refusing them
 * @param model columns of the model that the rows are for, or null
 * @param pictures what becomes of a folder's pictures
 */
public record TableOptions(
    Header header,
    Charset encoding,
    Separator separator,
    boolean decimalComma,
    List<String> columns,
    List<String> drop,
    @Nullable String idColumn,
    boolean dropNonFinite,
    boolean dropConstant,
    @Nullable ModelColumns model,
    PictureOptions pictures) {
  /** All columns of UTF-8 text, nothing dropped. */
  public static final TableOptions DEFAULT =
      new TableOptions(
          Header.AUTO,
          StandardCharsets.UTF_8,
          Separator.COMMA,
          false,
          List.of(),
          List.of(),
          null,
          false,
          false,
          null,
          PictureOptions.DEFAULT);

  /** Whether the first line of CSV holds names. */
  public enum Header {
    /**
     * Told by the first line. It holds names if some cell is text and none a number, or if it holds
     * the names asked for or the model's. It is a row if all its cells are numbers or missing
     * values, unless its numbers may be names ({@code 0,1,2}, {@code 2019,2020}): that is an error
     * which asks.
     */
    AUTO,
    /** It does. */
    YES,
    /** It is the first row. */
    NO
  }

  /** What stands between the cells of CSV. */
  public enum Separator {
    /** A comma. */
    COMMA(','),
    /** A semicolon. */
    SEMICOLON(';'),
    /** A tab. */
    TAB('\t');

    private final char character;

    Separator(char character) {
      this.character = character;
    }

    char character() {
      return character;
    }
  }

  /**
   * The names in a list as a header would have them: separated by commas, in quotes where they hold
   * a comma ({@code a,"b,c"}).
   *
   * @throws InvalidInputException if the list is none
   */
  public static List<String> names(String list) {
    try {
      return CsvReader.builder()
          .allowUnclosedQuote(false)
          .ofSingleCsvRecord(list)
          .getFields()
          .stream()
          .map(String::strip)
          .toList();
    } catch (CsvParseException e) {
      throw new InvalidInputException(
          list
              + ": expected names separated by commas, in double quotes where they hold one, found something else",
          e);
    }
  }

  /** Refuses what contradicts itself; copies the columns. */
  public TableOptions {
    if (!columns.isEmpty() && !drop.isEmpty()) {
      throw new InvalidInputException("expected --columns or --drop, found both");
    }
    if (decimalComma && separator == Separator.COMMA) {
      throw new InvalidInputException(
          "expected a semicolon or a tab between cells where numbers have a decimal comma, found a comma (--separator)");
    }
    columns = List.copyOf(columns);
    drop = List.copyOf(drop);
  }

  /**
   * Which columns of a table that others read become the values of a row, from 0 and in the row's
   * order. They are chosen as from a file.
   *
   * @param table its name in messages
   * @param names of all its columns
   * @throws InvalidInputException if it lacks a column, or its rows are not of the model's
   *     dimension
   */
  public int[] cellsOf(String table, List<String> names) {
    int[] cells =
        ColumnChoice.of(
                complaint -> new InvalidInputException(table + ": " + complaint),
                names,
                header != Header.NO,
                this)
            .cells();
    if (model != null) {
      model.requireDimension(table, cells.length, idColumn != null);
    }
    return cells;
  }

  /** Whether columns are chosen, or a first line is said to name them or not. */
  boolean choosesColumns() {
    return !columns.isEmpty() || !drop.isEmpty() || header != Header.AUTO || dropConstant;
  }

  /** The same with another header. */
  public TableOptions withHeader(Header changed) {
    return with(options -> options.header = changed);
  }

  /** The same with another encoding. */
  public TableOptions withEncoding(Charset changed) {
    return with(options -> options.encoding = changed);
  }

  /** The same with another separator, and with a decimal comma in numbers or not. */
  public TableOptions withSeparator(Separator changed, boolean comma) {
    return with(
        options -> {
          options.separator = changed;
          options.decimalComma = comma;
        });
  }

  /** The same with other columns. */
  public TableOptions withColumns(List<String> changed) {
    return with(options -> options.columns = changed);
  }

  /** The same with other columns left out. */
  public TableOptions withDrop(List<String> changed) {
    return with(options -> options.drop = changed);
  }

  /** The same with another id column. */
  public TableOptions withIdColumn(@Nullable String changed) {
    return with(options -> options.idColumn = changed);
  }

  /** The same, dropping rows that are not finite or not. */
  public TableOptions withDropNonFinite(boolean changed) {
    return with(options -> options.dropNonFinite = changed);
  }

  /** The same, dropping constant columns or not. */
  public TableOptions withDropConstant(boolean changed) {
    return with(options -> options.dropConstant = changed);
  }

  /** The same for rows of a model. */
  public TableOptions forModel(ModelColumns changed) {
    return with(options -> options.model = changed);
  }

  /** The same with another use of pictures. */
  public TableOptions withPictures(PictureOptions changed) {
    return with(options -> options.pictures = changed);
  }

  private TableOptions with(Consumer<Changing> change) {
    Changing options = new Changing(this);
    change.accept(options);
    return options.result();
  }

  /** All options while one of them changes. */
  private static final class Changing {
    private Header header;
    private Charset encoding;
    private Separator separator;
    private boolean decimalComma;
    private List<String> columns;
    private List<String> drop;
    private @Nullable String idColumn;
    private boolean dropNonFinite;
    private boolean dropConstant;
    private @Nullable ModelColumns model;
    private PictureOptions pictures;

    Changing(TableOptions from) {
      header = from.header;
      encoding = from.encoding;
      separator = from.separator;
      decimalComma = from.decimalComma;
      columns = from.columns;
      drop = from.drop;
      idColumn = from.idColumn;
      dropNonFinite = from.dropNonFinite;
      dropConstant = from.dropConstant;
      model = from.model;
      pictures = from.pictures;
    }

    TableOptions result() {
      return new TableOptions(
          header,
          encoding,
          separator,
          decimalComma,
          columns,
          drop,
          idColumn,
          dropNonFinite,
          dropConstant,
          model,
          pictures);
    }
  }
}
