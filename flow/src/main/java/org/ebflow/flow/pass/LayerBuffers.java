package org.ebflow.flow.pass;

import java.util.ArrayList;
import java.util.List;
import org.ebflow.linalg.BFloat16Matrix;
import org.ebflow.linalg.Matrix;
import org.ebflow.linalg.MatrixPool;
import org.jspecify.annotations.Nullable;

/**
 * Buffers of one layer and of its parts, shared by all workers of a pass. Each is allocated at the
 * first call for its slot; each kind has slots of its own.
 *
 * <p>Threading: thread-safe; workers write rows of their own.
 */
final class LayerBuffers {
  final int batch;
  final int order;
  final boolean backward;
  final MatrixPool pool;
  private final boolean rounds;
  private final List<@Nullable Matrix> buffers = new ArrayList<>();
  private final List<@Nullable BFloat16Matrix> copies = new ArrayList<>();
  private final List<Matrix @Nullable []> parts = new ArrayList<>();
  private final List<@Nullable StreamMemory> boundaries = new ArrayList<>();
  private final List<@Nullable StreamMemory> boundaryBars = new ArrayList<>();
  private final List<@Nullable LayerBuffers> children = new ArrayList<>();

  /** Memory for the streams of all rows between two layers, and for copies rounded to bfloat16. */
  record StreamMemory(Matrix all, @Nullable BFloat16Matrix rounded) {
    /** Streams from an order on, as a worker sees them. */
    Jet jet(int fromOrder, int batch, int rowFrom, int rowTo) {
      int from = fromOrder * batch;
      return new Jet(
          all.rows(from, all.rows()),
          rounded == null ? null : rounded.rows(from, all.rows()),
          batch,
          rowFrom,
          rowTo);
    }
  }

  /**
   * @param rounds whether there are copies rounded to bfloat16
   * @param batch rows of all workers
   * @param order highest order of the pass
   * @param backward whether backward follows forward
   */
  LayerBuffers(MatrixPool pool, boolean rounds, int batch, int order, boolean backward) {
    this.pool = pool;
    this.rounds = rounds;
    this.batch = batch;
    this.order = order;
    this.backward = backward;
  }

  /** The matrix [rows,width] of a slot. */
  synchronized Matrix buffer(int slot, int rows, int width) {
    Matrix found = Slots.at(buffers, slot);
    if (found == null) {
      found = pool.matrix(rows, width);
      buffers.set(slot, found);
    }
    Slots.requireShape(slot, found, rows, width);
    return found;
  }

  /** Copies, rounded to bfloat16, of a jet of the pass's order. */
  synchronized BFloat16Matrix copies(int slot, int width) {
    BFloat16Matrix found = Slots.at(copies, slot);
    if (found == null) {
      found = BFloat16Matrix.allocate((order + 1) * batch, width);
      copies.set(slot, found);
    }
    return found;
  }

  /** {@code count} matrices [height,width]. */
  synchronized Matrix[] parts(int slot, int count, int height, int width) {
    Matrix[] found = Slots.at(parts, slot);
    if (found == null) {
      found = new Matrix[count];
      for (int rank = 0; rank < count; rank++) {
        found[rank] = pool.matrix(height, width);
      }
      parts.set(slot, found);
    }
    return found;
  }

  /** Memory between two layers of a sequence. */
  synchronized StreamMemory boundary(int number, int width) {
    return streams(boundaries, number, width);
  }

  /** The same for cotangents. */
  synchronized StreamMemory boundaryBar(int number, int width) {
    return streams(boundaryBars, number, width);
  }

  private StreamMemory streams(List<@Nullable StreamMemory> among, int number, int width) {
    StreamMemory found = Slots.at(among, number);
    if (found == null) {
      int height = (order + 1) * batch;
      found =
          new StreamMemory(
              pool.matrix(height, width), rounds ? BFloat16Matrix.allocate(height, width) : null);
      among.set(number, found);
    }
    return found;
  }

  /** Those of a part of the layer. */
  synchronized LayerBuffers child(int slot) {
    LayerBuffers found = Slots.at(children, slot);
    if (found == null) {
      found = new LayerBuffers(pool, rounds, batch, order, backward);
      children.set(slot, found);
    }
    return found;
  }

  /** Zeroes a row of the batch in all buffers but {@link #parts}, and in those of the parts. */
  synchronized void zeroRow(int row) {
    for (Matrix buffer : buffers) {
      if (buffer != null) {
        zeroRow(buffer, row);
      }
    }
    for (BFloat16Matrix copy : copies) {
      if (copy != null) {
        for (int r = row; r < copy.rows(); r += batch) {
          copy.rows(r, r + 1).clear();
        }
      }
    }
    zeroRow(boundaries, row);
    zeroRow(boundaryBars, row);
    for (LayerBuffers child : children) {
      if (child != null) {
        child.zeroRow(row);
      }
    }
  }

  private void zeroRow(List<@Nullable StreamMemory> among, int row) {
    for (StreamMemory streams : among) {
      if (streams != null) {
        zeroRow(streams.all, row);
      }
    }
  }

  private void zeroRow(Matrix buffer, int row) {
    for (int r = row; r < buffer.rows(); r += batch) {
      buffer.rows(r, r + 1).fill(0);
    }
  }
}
