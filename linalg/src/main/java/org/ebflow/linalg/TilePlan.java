package org.ebflow.linalg;

/**
 * How the output [m,n] of a product is divided among the workers of a team: a grid of {@link #down}
 * by {@link #across} tiles, the same for the same shape and team size.
 *
 * <p>Worker {@code rank} has tile (rank / across, rank % across); workers beyond the grid have
 * none. Cuts lie on multiples of {@link #ROW_UNIT} rows and {@link #COLUMN_UNIT} columns, so that
 * only the last tiles have ragged edges. A worker computes its tile in calls of a bounded size. The
 * inner dimension is never divided: the plan changes no sum.
 */
final class TilePlan {
  /** Rows between possible cuts. */
  static final int ROW_UNIT = 8;

  /** Columns between possible cuts. */
  static final int COLUMN_UNIT = 16;

  /** Cost of reading a row of a or a column of b, relative to computing one element of c. */
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

  /**
   * Rows of a tile in one call, when a call computes at most {@code most} elements. Each call of a
   * BLAS packs what it reads. So of all ways to divide the tile this is the one whose calls
   * together read the fewest rows and columns of the operands.
   */
  static int rowsPerCall(int rows, int columns, double most) {
    if ((double) rows * columns <= most) {
      return rows;
    }
    int best = rows;
    long bestCost = Long.MAX_VALUE;
    boolean narrower = true;
    for (int calls = 1; narrower; calls++) {
      int height = Math.min(rows, Math.ceilDiv(Math.ceilDiv(rows, ROW_UNIT), calls) * ROW_UNIT);
      int width = columnsPerCall(columns, most / height);
      boolean lowest = height <= ROW_UNIT;
      if (lowest || (double) height * width <= most) {
        long down = Math.ceilDiv(rows, height);
        long across = Math.ceilDiv(columns, width);
        long cost = across * rows + down * columns;
        if (cost < bestCost) {
          bestCost = cost;
          best = height;
        }
        narrower = !lowest && down * columns < bestCost; // else lower calls can only read more
      }
    }
    return best;
  }

  /**
   * Columns of a tile in one call of at most so many per row: all of them if they fit, else a
   * multiple of the unit that divides them evenly.
   */
  static int columnsPerCall(int columns, double most) {
    if (columns <= most) {
      return columns;
    }
    int units = Math.ceilDiv(columns, COLUMN_UNIT);
    int calls = Math.ceilDiv(units, Math.max(1, (int) (most / COLUMN_UNIT)));
    return Math.min(columns, Math.ceilDiv(units, calls) * COLUMN_UNIT);
  }

  private static long largest(int size, int unit, int parts) {
    long units = (size + unit - 1L) / unit;
    return Math.min(size, (units + parts - 1) / parts * unit);
  }
}
