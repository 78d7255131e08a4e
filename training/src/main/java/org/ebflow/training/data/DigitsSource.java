package org.ebflow.training.data;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.ebflow.flow.InvalidInputException;
import org.ebflow.flow.layer.Shape;

/**
 * Handwritten digits 8×8 of the UCI repository in scikit-learn's file: 64 pixels from 0 to 16 and a
 * label, which is left out. Split 80/10/10 by the seed.
 */
record DigitsSource() implements DataSource {
  static final String NAME = "digits";
  private static final Shape SHAPE = new Shape(1, 8, 8);
  private static final int LEVELS = 17;
  private static final DataFile FILE =
      DataFile.of(
          "digits",
          "digits.csv.gz",
          "https://raw.githubusercontent.com/scikit-learn/scikit-learn/1.5.0/sklearn/datasets/data/",
          57_523,
          "09f66e6debdee2cd2b5ae59e0d6abbb73fc2b0e0185d2e1957e9ebb51e23aa22");

  DataFile file() {
    return FILE;
  }

  @Override
  public DataSetInfo info(DataFolder folder) {
    String licence =
        "Optical Recognition of Handwritten Digits, UCI (E. Alpaydin, C. Kaynak), CC BY 4.0";
    return new DataSetInfo(
        NAME, SHAPE.size(), SHAPE, 1438, 179, 180, licence, folder.find(FILE) != null);
  }

  @Override
  public Splits load(DataFolder folder, long seed) {
    return read(folder.require(FILE)).split(.8, .1, .1, seed);
  }

  @Override
  public List<Path> fetch(DataFolder folder) {
    return List.of(folder.fetch(FILE));
  }

  static Dataset read(Path path) {
    ByteArrayOutputStream pixels = new ByteArrayOutputStream();
    try (TableReader table =
        TableReader.open(path, TableOptions.DEFAULT.withHeader(TableOptions.Header.NO))) {
      if (table.dimension() != SHAPE.size() + 1) {
        throw new InvalidInputException(
            path + ": expected 64 pixels and a label, found " + table.dimension() + " columns");
      }
      while (table.next()) {
        if (table.problem() != null) {
          throw new InvalidInputException(path + ": " + table.place() + ": " + table.problem());
        }
        for (int i = 0; i < SHAPE.size(); i++) {
          double pixel = table.values()[i];
          if (!(pixel >= 0 && pixel < LEVELS && pixel == Math.rint(pixel))) {
            throw new InvalidInputException(
                path + ": " + table.place() + ": expected pixels 0 to 16, found " + pixel);
          }
          pixels.write((int) pixel);
        }
      }
    } catch (IOException e) {
      throw new InvalidInputException(path + ": cannot be read: " + e.getMessage(), e);
    }
    if (pixels.size() == 0) {
      throw new InvalidInputException(
          path + ": expected rows of 64 pixels and a label, found none");
    }
    return Dataset.ofPixels(NAME, pixels.toByteArray(), SHAPE.size(), SHAPE, LEVELS)
        .withSha256(Sha256.of(InputFile.of(path)));
  }
}
