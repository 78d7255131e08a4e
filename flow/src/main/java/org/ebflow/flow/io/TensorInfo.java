package org.ebflow.flow.io;

import org.ebflow.linalg.Precision;

/**
 * Where one matrix lies in a safetensors file.
 *
 * @param precision float32 (dtype F32) or float64 (F64)
 * @param rows number of rows
 * @param columns number of columns
 * @param begin first byte, counted from the end of the header
 * @param end byte after the last
 */
record TensorInfo(Precision precision, int rows, int columns, long begin, long end) {
  /** Name of a precision in the file. */
  static String dtype(Precision precision) {
    return precision == Precision.FLOAT32 ? "F32" : "F64";
  }
}
