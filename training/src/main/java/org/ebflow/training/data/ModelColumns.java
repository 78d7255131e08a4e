package org.ebflow.training.data;

import java.util.List;
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
   * Which cells of a nameless table of {@code width} columns are the model's: those of the same
   * number as in the training file, where the table is as wide as that; else all.
   */
  int[] cellsOf(int width) {
    return width != dimension && places != null && width == places.width()
        ? places.cells()
        : ColumnPlaces.all(width);
  }
}
