package org.ebflow.linalg.simd;

import java.util.Arrays;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;

/**
 * Matrix product c ← alpha·op(a)·op(b) + beta·c of row-major float32 matrices.
 *
 * <p>Columns of op(b) are packed into panels two vectors wide, of which a piece {@link #DEPTH} long
 * lies in the first cache; each six rows of op(a) then make a tile of c in registers. Edges are
 * padded in the tile, never by another loop: an element's sum has the same order, hence the same
 * bits, wherever its row and column stand and whatever the width of a vector is.
 *
 * <p>Threading: thread-safe; each thread packs into arrays of its own, kept for its next product.
 */
public final class FloatGemm {
  private static final VectorSpecies<Float> SPECIES = FloatVector.SPECIES_PREFERRED;
  private static final int LANES = SPECIES.length();
  private static final int ROWS = 6;
  private static final int COLUMNS = 2 * LANES;
  private static final int DEPTH = 256;

  /** Columns of op(b) packed at a time. */
  private static final int PACKED = 64;

  /** Rows of op(a) that pass all packed panels before the next ones are read. */
  private static final int BLOCK = 48;

  private static final ThreadLocal<FloatGemm> OF_THREAD = ThreadLocal.withInitial(FloatGemm::new);

  private final float[] sums = new float[BLOCK * PACKED];
  private float[] panels = {};

  private FloatGemm() {}

  /**
   * c ← alpha·op(a)·op(b) + beta·c; element (r, c) of a matrix lies at {@code offset + r·stride +
   * c}.
   *
   * @param a read, [m,k], or [k,m] when transposed
   * @param b read, [k,n], or [n,k] when transposed
   * @param c overwritten, [m,n]; not read when beta is 0
   */
  public static void multiply(
      boolean transposeA,
      boolean transposeB,
      int m,
      int n,
      int k,
      float alpha,
      float[] a,
      int aOffset,
      int aStride,
      float[] b,
      int bOffset,
      int bStride,
      float beta,
      float[] c,
      int cOffset,
      int cStride) {
    int aDown = transposeA ? 1 : aStride;
    int aAcross = transposeA ? aStride : 1;
    int bDown = transposeB ? 1 : bStride;
    int bAcross = transposeB ? bStride : 1;
    FloatGemm gemm = OF_THREAD.get();
    if (transposeB
        && m < n) { // cᵀ = op(b)ᵀ·op(a)ᵀ, the same sums: packs few rows of a instead of many of b
      gemm.multiply(
          n, m, k, alpha, b, bOffset, bAcross, bDown, a, aOffset, aAcross, aDown, beta, c, cOffset,
          1, cStride);
    } else {
      gemm.multiply(
          m, n, k, alpha, a, aOffset, aDown, aAcross, b, bOffset, bDown, bAcross, beta, c, cOffset,
          cStride, 1);
    }
  }

  /** Element (r, c) of op(a), op(b) or c lies at {@code offset + r·down + c·across}. */
  private void multiply(
      int m,
      int n,
      int k,
      float alpha,
      float[] a,
      int aOffset,
      int aDown,
      int aAcross,
      float[] b,
      int bOffset,
      int bDown,
      int bAcross,
      float beta,
      float[] c,
      int cOffset,
      int cDown,
      int cAcross) {
    if (panels.length < k * PACKED) {
      panels = new float[k * PACKED];
    }
    for (int j = 0; j < n; j += PACKED) {
      int columns = Math.min(PACKED, n - j);
      pack(b, bOffset + j * bAcross, bDown, bAcross, k, columns);
      for (int i = 0; i < m; i += BLOCK) {
        int rows = Math.min(BLOCK, m - i);
        for (int p = 0; p < k; p += DEPTH) {
          multiplyBlock(
              a,
              aOffset + i * aDown + p * aAcross,
              aDown,
              aAcross,
              p,
              Math.min(DEPTH, k - p),
              k,
              rows,
              columns);
        }
        int to = cOffset + i * cDown + j * cAcross;
        if (cAcross == 1) {
          storeRows(rows, columns, alpha, beta, c, to, cDown);
        } else {
          storeColumns(rows, columns, alpha, beta, c, to, cAcross);
        }
      }
    }
  }

  /**
   * sums ← or += (after the first piece) [rows, depth] of op(a) times the piece of all panels that
   * begins at row p.
   */
  private void multiplyBlock(
      float[] a, int from, int down, int across, int p, int depth, int k, int rows, int columns) {
    for (int panel = 0; panel < columns; panel += COLUMNS) {
      for (int i = 0; i < rows; i += ROWS) {
        int present = Math.min(ROWS, rows - i);
        multiplyTile(
            a,
            from + i * down,
            down,
            across,
            panel * k + p * COLUMNS,
            depth,
            present,
            i * PACKED + panel,
            p > 0);
      }
    }
  }

  /**
   * panels ← [k, columns] of op(b), the last padded with zeros to its full width. Panel q begins at
   * {@code q·COLUMNS·k}.
   */
  private void pack(float[] b, int from, int down, int across, int k, int columns) {
    for (int panel = 0; panel < columns; panel += COLUMNS) {
      int width = Math.min(COLUMNS, columns - panel);
      int to = panel * k;
      int first = from + panel * across;
      if (width < COLUMNS) {
        Arrays.fill(panels, to, to + k * COLUMNS, 0);
      }
      if (across == 1) {
        for (int p = 0; p < k; p++) {
          System.arraycopy(b, first + p * down, panels, to + p * COLUMNS, width);
        }
      } else {
        for (int j = 0; j < width; j++) {
          for (int p = 0; p < k; p++) {
            panels[to + p * COLUMNS + j] = b[first + j * across + p * down];
          }
        }
      }
    }
  }

  /**
   * The tile of sums at {@code to} ← or += [ROWS, depth] of op(a) times the piece of a panel at
   * {@code panel}. Rows that a lacks repeat its last.
   */
  private void multiplyTile(
      float[] a,
      int from,
      int down,
      int across,
      int panel,
      int depth,
      int rows,
      int to,
      boolean add) {
    int a1 = from + Math.min(1, rows - 1) * down;
    int a2 = from + Math.min(2, rows - 1) * down;
    int a3 = from + Math.min(3, rows - 1) * down;
    int a4 = from + Math.min(4, rows - 1) * down;
    int a5 = from + Math.min(5, rows - 1) * down;
    FloatVector c00 = FloatVector.zero(SPECIES);
    FloatVector c01 = c00;
    FloatVector c10 = c00;
    FloatVector c11 = c00;
    FloatVector c20 = c00;
    FloatVector c21 = c00;
    FloatVector c30 = c00;
    FloatVector c31 = c00;
    FloatVector c40 = c00;
    FloatVector c41 = c00;
    FloatVector c50 = c00;
    FloatVector c51 = c00;
    for (int p = 0; p < depth; p++) {
      int inner = p * across;
      FloatVector b0 = FloatVector.fromArray(SPECIES, panels, panel + p * COLUMNS);
      FloatVector b1 = FloatVector.fromArray(SPECIES, panels, panel + p * COLUMNS + LANES);
      FloatVector row = FloatVector.broadcast(SPECIES, a[from + inner]);
      c00 = row.fma(b0, c00);
      c01 = row.fma(b1, c01);
      row = FloatVector.broadcast(SPECIES, a[a1 + inner]);
      c10 = row.fma(b0, c10);
      c11 = row.fma(b1, c11);
      row = FloatVector.broadcast(SPECIES, a[a2 + inner]);
      c20 = row.fma(b0, c20);
      c21 = row.fma(b1, c21);
      row = FloatVector.broadcast(SPECIES, a[a3 + inner]);
      c30 = row.fma(b0, c30);
      c31 = row.fma(b1, c31);
      row = FloatVector.broadcast(SPECIES, a[a4 + inner]);
      c40 = row.fma(b0, c40);
      c41 = row.fma(b1, c41);
      row = FloatVector.broadcast(SPECIES, a[a5 + inner]);
      c50 = row.fma(b0, c50);
      c51 = row.fma(b1, c51);
    }
    if (add) {
      c00 = c00.add(FloatVector.fromArray(SPECIES, sums, to));
      c01 = c01.add(FloatVector.fromArray(SPECIES, sums, to + LANES));
      c10 = c10.add(FloatVector.fromArray(SPECIES, sums, to + PACKED));
      c11 = c11.add(FloatVector.fromArray(SPECIES, sums, to + PACKED + LANES));
      c20 = c20.add(FloatVector.fromArray(SPECIES, sums, to + 2 * PACKED));
      c21 = c21.add(FloatVector.fromArray(SPECIES, sums, to + 2 * PACKED + LANES));
      c30 = c30.add(FloatVector.fromArray(SPECIES, sums, to + 3 * PACKED));
      c31 = c31.add(FloatVector.fromArray(SPECIES, sums, to + 3 * PACKED + LANES));
      c40 = c40.add(FloatVector.fromArray(SPECIES, sums, to + 4 * PACKED));
      c41 = c41.add(FloatVector.fromArray(SPECIES, sums, to + 4 * PACKED + LANES));
      c50 = c50.add(FloatVector.fromArray(SPECIES, sums, to + 5 * PACKED));
      c51 = c51.add(FloatVector.fromArray(SPECIES, sums, to + 5 * PACKED + LANES));
    }
    c00.intoArray(sums, to);
    c01.intoArray(sums, to + LANES);
    c10.intoArray(sums, to + PACKED);
    c11.intoArray(sums, to + PACKED + LANES);
    c20.intoArray(sums, to + 2 * PACKED);
    c21.intoArray(sums, to + 2 * PACKED + LANES);
    c30.intoArray(sums, to + 3 * PACKED);
    c31.intoArray(sums, to + 3 * PACKED + LANES);
    c40.intoArray(sums, to + 4 * PACKED);
    c41.intoArray(sums, to + 4 * PACKED + LANES);
    c50.intoArray(sums, to + 5 * PACKED);
    c51.intoArray(sums, to + 5 * PACKED + LANES);
  }

  /** c ← alpha·sums + beta·c, the columns of c side by side; c is not read when beta is 0. */
  private void storeRows(
      int rows, int columns, float alpha, float beta, float[] c, int to, int down) {
    for (int r = 0; r < rows; r++) {
      int at = to + r * down;
      for (int j = 0; j < columns; j++) {
        float product = alpha * sums[r * PACKED + j];
        c[at + j] = beta == 0 ? product : product + beta * c[at + j];
      }
    }
  }

  /** c ← alpha·sums + beta·c, the rows of c side by side; c is not read when beta is 0. */
  private void storeColumns(
      int rows, int columns, float alpha, float beta, float[] c, int to, int across) {
    for (int j = 0; j < columns; j++) {
      int at = to + j * across;
      for (int r = 0; r < rows; r++) {
        float product = alpha * sums[r * PACKED + j];
        c[at + r] = beta == 0 ? product : product + beta * c[at + r];
      }
    }
  }
}
