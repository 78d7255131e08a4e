package org.ebflow.cli.table;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.ebflow.training.data.ParquetWriter;
import org.ebflow.training.data.ParquetWriter.Column;
import org.ebflow.training.data.ParquetWriter.Kind;
import org.ebflow.training.data.ParquetWriter.Values;
import org.ebflow.training.scoring.ScoreColumns;

/**
 * Scores as Parquet: the id and the scores of every good row. The id is the row's number (int64),
 * or the text of the id column. A row group is the good ones of so many input rows, whatever the
 * blocks are.
 */
final class ParquetScores implements ScoreSink {
  private final OutputFile file;
  private final ScoreColumns scores;
  private final boolean withIds;
  private final long groupRows;
  private final List<Column> columns;
  private final List<Values> values = new ArrayList<>();
  private final double[] cells = new double[ScoreColumns.NAMES.size()];
  private ParquetWriter writer;
  private boolean resumable = true;

  /**
   * @param groupRows input rows of a row group; blocks end at their multiples
   */
  ParquetScores(Path path, ScoreColumns scores, boolean withIds, long groupRows) {
    this.scores = scores;
    this.withIds = withIds;
    this.groupRows = groupRows;
    columns = columns(withIds);
    columns.forEach(_ -> values.add(new Values()));
    file = OutputFile.resumable(path);
    writer = new ParquetWriter(file, columns);
  }

  /** The id, a text or a whole number, and the scores. */
  static List<Column> columns(boolean withIds) {
    List<Column> columns = new ArrayList<>();
    columns.add(new Column("id", withIds ? Kind.TEXT : Kind.WHOLE));
    for (String name : ScoreColumns.NAMES) {
      columns.add(new Column(name, Kind.REAL));
    }
    return columns;
  }

  @Override
  public OutputFile file() {
    return file;
  }

  @Override
  public void begin(long bytes) {
    file.truncate(bytes);
    try {
      if (bytes == 0) {
        writer.begin();
      } else {
        writer = ParquetWriter.resume(file.content(), file, columns);
      }
    } catch (IOException e) {
      throw file.failure(e);
    }
  }

  @Override
  public void write(RowBlock block) {
    for (int r = 0; r < block.good; r++) {
      if (withIds) {
        values.getFirst().add(block.id(r));
      } else {
        values.getFirst().add(block.first + block.place[r]);
      }
      scores.of(block.scores, r, cells);
      for (int c = 0; c < cells.length; c++) {
        values.get(1 + c).add(cells[c]);
      }
    }
    resumable = (block.first - 1 + block.inputs) % groupRows == 0;
    if (resumable) {
      endGroup();
    }
  }

  private void endGroup() {
    try {
      writer.write(values);
    } catch (IOException e) {
      throw file.failure(e);
    }
    values.forEach(Values::clear);
  }

  @Override
  public boolean resumable() {
    return resumable;
  }

  @Override
  public long flush() {
    return file.length();
  }

  @Override
  public void publish() {
    endGroup();
    try {
      writer.finish();
    } catch (IOException e) {
      throw file.failure(e);
    }
    file.publish();
  }
}
