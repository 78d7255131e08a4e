package org.ebflow.training.data;

import java.util.List;
import java.util.Locale;
import org.ebflow.flow.InvalidInputException;
import org.ebflow.flow.layer.Shape;
import org.jspecify.annotations.Nullable;

/**
 * The columns of a model's rows.
 *
 * @param dimension values per row
 * @param names in their order; empty where the training data had none
 * @param places where they stood in the training file, or null: they were all of its columns
 * @param image how a row is a picture, or null
 */
public record ModelColumns(
    int dimension, List<String> names, @Nullable ColumnPlaces places, @Nullable Shape image) {
  /** Copies the names. */
  public ModelColumns {
    names = List.copyOf(names);
  }

  /** Of rows that are no pictures. */
  public ModelColumns(int dimension, List<String> names, @Nullable ColumnPlaces places) {
    this(dimension, names, places, null);
  }

  /**
   * Refuses rows of another dimension.
   *
   * @param table its name in messages
   * @param withId whether a column of it is known to be the id
   * @throws InvalidInputException if it is not the model's
   */
  public void requireDimension(String table, int found, boolean withId) {
    if (found != dimension) {
      throw new InvalidInputException(
          table
              + ": expected rows of the model's shape [*,"
              + dimension
              + "], found [*,"
              + found
              + "]"
              + (!withId && found == dimension + 1
                  ? " (is one of the columns an id? name it by --id)"
                  : ""));
    }
  }

  /**
   * Refuses images of another height or width than those of the model. A model of a table takes
   * grey images: the order of their numbers is beyond doubt.
   *
   * @param images their name in messages
   * @throws InvalidInputException if the model does not take them
   */
  void requireImages(String images, Shape found) {
    if (image == null && found.channels() > 1) {
      throw new InvalidInputException(
          images + ": expected a table, as the model was trained on one, found images in colour");
    }
    if (image != null && (found.height() != image.height() || found.width() != image.width())) {
      throw new InvalidInputException(
          String.format(
              Locale.ROOT,
              "%s: expected images of %d×%d, as those of the model are, found %d×%d",
              images,
              image.width(),
              image.height(),
              found.width(),
              found.height()));
    }
  }

  /**
   * Which cells of a nameless table of {@code width} columns are the model's: those of the same
   * number as in the training file, where the table is as wide as that; else all.
   */
  int[] cellsOf(int width) {
    return width != dimension && places != null && width == places.width()
        ? places.cells()
        : ColumnPlaces.all(width);
  }
}
