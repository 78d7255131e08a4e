package org.ebflow.linalg;

import java.lang.foreign.MemorySegment;

/**
 * An operand of a matrix product. It is row-major: element (r, c) lies at index {@code offset +
 * r·stride + c} of an array.
 */
public sealed interface Operand permits Matrix, BFloat16Matrix {
  /** Number of rows. */
  int rows();

  /** Number of columns. */
  int columns();

  /** Index of element (0, 0) in the array. */
  int offset();

  /** Distance of two rows in the array, in elements. */
  int stride();

  /** View of rows {@code from} (inclusive) to {@code to} (exclusive). */
  Operand rows(int from, int to);

  /** View of columns {@code from} (inclusive) to {@code to} (exclusive). */
  Operand columns(int from, int to);

  /** View of the elements, which lie without gaps, in another shape. */
  Operand reshape(int rows, int columns);

  /**
   * The array from index {@code from} on, as a native call takes it. The segment of an index is
   * made once.
   */
  MemorySegment segment(int from);
}
