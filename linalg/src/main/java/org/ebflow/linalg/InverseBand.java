package org.ebflow.linalg;

import java.util.Arrays;
import org.ebflow.linalg.backend.BandedFactors;
import org.ebflow.linalg.backend.BlasBackend;

/**
 * The elements of M⁻¹ near its diagonal, M = Aᵀ banded, from the LU factors of M.
 *
 * <p>Source: derived here, docs/derivations/convolution.md. Let S be what is left of M before step
 * k of the factorisation, and S' what is left after it. The step says P S = L T: P exchanges two
 * rows, L is the identity with the multipliers l below its first diagonal element, and T has the
 * first row (u, wᵀ) above (0, S'). With Z = S'⁻¹ follows S⁻¹ = T⁻¹ L⁻¹ P. T⁻¹ has the first row (1,
 * -wᵀZ)/u above (0, Z). L⁻¹ subtracts the others' combination by l from the first column. P
 * exchanges two columns. So from the last step to the first, the elements at most {@code reach}
 * below and {@code below} right of the diagonal need only such elements of Z.
 */
final class InverseBand {
  private final BlasBackend backend;
  private final int n;
  private final int lower; // diagonals of A below the main one
  private final int below; // diagonals of M below the main one: how many multipliers a step has
  private final int reach; // diagonals of U above the main one

  /**
   * Element (i, j) of M⁻¹ at {@code i·(below + reach) + j + reach}: an ordinary matrix of that
   * stride, which the BLAS multiplies by. Its rows overlap where they are outside the band.
   */
  private final Matrix elements;

  private final double[] values;
  private final Matrix upperRow;
  private final Matrix multipliers;
  private final double[] row;

  InverseBand(BlasBackend backend, int n, int lower, int upper) {
    this.backend = backend;
    this.n = n;
    this.lower = lower;
    below = upper;
    reach = lower + upper;
    int stride = Math.max(1, below + reach);
    elements = Matrix.allocate(Precision.FLOAT64, n + (n + stride - 1) / stride + 1, stride);
    values = elements.doubles();
    upperRow = Matrix.allocate(Precision.FLOAT64, 1, Math.max(1, reach));
    multipliers = Matrix.allocate(Precision.FLOAT64, 1, Math.max(1, below));
    row = new double[lower + upper + 1];
  }

  private int index(int i, int j) {
    return i * (below + reach) + j + reach;
  }

  /** Computes all elements. */
  void invert(BandedFactors factors) {
    for (int k = n - 1; k >= 0; k--) {
      int rows = Math.min(reach, n - 1 - k);
      int columns = Math.min(below, n - 1 - k);
      double pivot = factors.pivot(k);
      for (int i = 1; i <= rows; i++) {
        values[index(k + i, k)] = 0;
      }
      values[index(k, k)] = 1 / pivot;
      if (columns > 0) {
        factors.copyUpperRow(k, rows, upperRow);
        backend.multiply( // (T⁻¹)_1 = -wᵀZ/u
            false,
            false,
            1,
            columns,
            rows,
            -1 / pivot,
            upperRow,
            0,
            elements,
            index(k + 1, k + 1),
            0,
            elements,
            index(k, k + 1));
        factors.copyMultipliers(k, columns, multipliers);
        backend.multiply( // T⁻¹L⁻¹: first column less the others times l
            false,
            true,
            rows + 1,
            1,
            columns,
            -1,
            elements,
            index(k, k + 1),
            multipliers,
            0,
            1,
            elements,
            index(k, k));
        exchangeColumns(k, factors.exchanged(k), rows);
      }
    }
  }

  private void exchangeColumns(int k, int other, int rows) {
    if (other != k) {
      for (int i = k; i <= k + rows; i++) {
        double kept = values[index(i, k)];
        values[index(i, k)] = values[index(i, other)];
        values[index(i, other)] = kept;
      }
    }
  }

  /** Gives the rows of M⁻¹ = A⁻ᵀ, laid out as those of A. */
  void forEachRow(BandedLu.Row use) {
    for (int i = 0; i < n; i++) {
      int from = Math.max(0, i - lower);
      int to = Math.min(n, i + below + 1);
      Arrays.fill(row, 0);
      System.arraycopy(values, index(i, from), row, lower + from - i, to - from);
      use.row(i, row);
    }
  }
}
