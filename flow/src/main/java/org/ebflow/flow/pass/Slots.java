package org.ebflow.flow.pass;

import java.util.List;
import org.ebflow.linalg.Matrix;
import org.jspecify.annotations.Nullable;

/** Lists of buffers by the numbers that a layer gives them. */
final class Slots {
  private Slots() {}

  /** What is in a slot, null at first; the list has the slot then. */
  static <T> @Nullable T at(List<@Nullable T> list, int slot) {
    while (list.size() <= slot) {
      list.add(null);
    }
    return list.get(slot);
  }

  /** Refuses a jet that was made for something else. */
  static void requireShape(int slot, Jet found, int width, int order) {
    if (found.width() != width || found.order() != order) {
      throw new IllegalStateException(
          "Workspace: slot "
              + slot
              + " holds a jet of width "
              + found.width()
              + " and order "
              + found.order()
              + ", asked for "
              + width
              + " and "
              + order);
    }
  }

  /** Refuses a matrix that was made for something else. */
  static void requireShape(int slot, Matrix found, int rows, int columns) {
    if (found.rows() != rows || found.columns() != columns) {
      throw new IllegalStateException(
          "Workspace: slot "
              + slot
              + " holds "
              + found
              + ", asked for ["
              + rows
              + ","
              + columns
              + "]");
    }
  }
}
