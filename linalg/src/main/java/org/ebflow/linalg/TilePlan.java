package org.ebflow.linalg;

/**
 * How the output [m,n] of a product is divided among the workers of a team: a grid of {@link #down}
 * by {@link #across} tiles, the same for the same shape and team size.
 *
 * <p>Worker {@code rank} has tile (rank / across, rank % across); workers beyond the grid have
 * none. Cuts lie on multiples of {@link #ROW_UNIT} rows and {@link #COLUMN_UNIT} columns, so that
 * only the last tiles have ragged edges. The inner dimension is never divided: the plan changes no
 * sum.
 */
final class TilePlan {
  /** Rows between possible cuts. */
  static final int ROW_UNIT = 8;

  /** Columns between possible cuts. */
  static final int COLUMN_UNIT = 16;

  /** What reading a row of a or a column of b costs, in multiplications by one element of c. */
  private static final long EDGE_COST = 16;

  private TilePlan() {}

  /**
   * Tiles along the rows: the grid whose largest tile is cheapest, counting its products and the
   * operands that it reads.
   */
  static int down(int m, int n, int workers) {
    int best = 1;
    long bestCost = Long.MAX_VALUE;
    for (int down = 1; down <= workers; down++) {
      long rows = largest(m, ROW_UNIT, down);
      long columns = largest(n, COLUMN_UNIT, workers / down);
      long cost = rows * columns + EDGE_COST * (rows + columns);
      if (cost < bestCost) {
        bestCost = cost;
        best = down;
      }
    }
    return best;
  }

  /** Tiles along the columns, given those along the rows. */
  static int across(int down, int workers) {
    return workers / down;
  }

  /**
   * First row or column of part {@code index}, which ends where the next begins; {@code index} may
   * equal {@code parts}.
   */
  static int bound(int size, int unit, int parts, int index) {
    long units = (size + unit - 1L) / unit;
    return (int) Math.min(size, units * index / parts * unit);
  }

  private static long largest(int size, int unit, int parts) {
    long units = (size + unit - 1L) / unit;
    return Math.min(size, (units + parts - 1) / parts * unit);
  }
}
