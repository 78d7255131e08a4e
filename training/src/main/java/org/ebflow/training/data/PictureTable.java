package org.ebflow.training.data;

import java.util.stream.IntStream;
import org.ebflow.flow.InvalidInputException;
import org.ebflow.flow.layer.Shape;
import org.jspecify.annotations.Nullable;

/**
 * Pictures as rows of pixels, decoded a block at a time on all cores, not into a cache. A damaged
 * picture, or one of another size, is a bad row. The path of a picture is its id.
 */
final class PictureTable extends TableReader {
  private final PictureFolder pictures;
  private final PictureOptions options;
  private final Shape shape;
  private byte[] @Nullable [] block = new byte[0][];
  private @Nullable String[] problems = new String[0];
  private int blockStart;
  private int row;

  private PictureTable(PictureFolder pictures, PictureOptions options, Shape shape) {
    super(ColumnChoice.all(shape.size()), null);
    this.pictures = pictures;
    this.options = options;
    this.shape = shape;
  }

  /** Pictures of the model's size and channels, else of those of the options or of the first. */
  static PictureTable open(PictureFolder pictures, TableOptions table) {
    PictureOptions options = table.pictures();
    ModelColumns model = table.model();
    Shape ofModel = model == null ? null : model.image();
    Shape shape = ofModel == null ? pictures.leastShape(options) : ofModel;
    return new PictureTable(pictures, options.withChannels(shape.channels()), shape);
  }

  @Override
  public boolean next() {
    if (row == pictures.size()) {
      return false;
    }
    if (row == blockStart + block.length) {
      blockStart = row;
      decode(pictures.block(row).size());
    }
    byte[] pixels = block[row - blockStart];
    row++;
    for (int i = 0; pixels != null && i < values.length; i++) {
      values[i] = pixels[i] & 0xFF;
    }
    return true;
  }

  private void decode(int count) {
    block = new byte[count][];
    problems = new String[count];
    IntStream.range(0, count)
        .parallel()
        .forEach(
            i -> {
              try {
                block[i] = pictures.pixels(row + i, options, shape);
              } catch (InvalidInputException e) {
                problems[i] = pictures.complaint(row + i, e);
              }
            });
  }

  @Override
  public long rows() {
    return pictures.size();
  }

  @Override
  public long row() {
    return row;
  }

  @Override
  public boolean identifies() {
    return true;
  }

  @Override
  public String id() {
    return pictures.path(row - 1);
  }

  @Override
  public @Nullable String problem() {
    return problems[row - 1 - blockStart];
  }

  @Override
  public String place(int before) {
    return pictures.path(row - 1 - before);
  }

  @Override
  public void close() {
    // nothing stays open
  }
}
