package org.ebflow.linalg;

/**
 * Floating-point format of a matrix: float32 for training and scoring, float64 for checks and
 * factorisations.
 */
public enum Precision {
  /** IEEE 754 binary32, Java {@code float}. */
  FLOAT32(4),
  /** IEEE 754 binary64, Java {@code double}. */
  FLOAT64(8);

  private final int bytes;

  Precision(int bytes) {
    this.bytes = bytes;
  }

  /** Size of one element in bytes. */
  public int bytes() {
    return bytes;
  }

  /** A zeroed {@code float[length]} or {@code double[length]}. */
  public Object allocate(int length) {
    return this == FLOAT32 ? new float[length] : new double[length];
  }
}
