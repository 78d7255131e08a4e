package org.ebflow.linalg.onednn;

import static org.ebflow.linalg.onednn.OneDnnPrimitives.BFLOAT16;
import static org.ebflow.linalg.onednn.OneDnnPrimitives.FLOAT32;
import static org.ebflow.linalg.onednn.OneDnnPrimitives.SCRATCHPAD;
import static org.ebflow.linalg.onednn.OneDnnPrimitives.SCRATCHPAD_DESCRIPTION;
import static org.ebflow.linalg.onednn.OneDnnPrimitives.SOURCE;
import static org.ebflow.linalg.onednn.OneDnnPrimitives.TARGET;
import static org.ebflow.linalg.onednn.OneDnnPrimitives.WEIGHTS;
import static org.ebflow.linalg.onednn.OneDnnPrimitives.WEIGHTS_DESCRIPTION;

import java.lang.foreign.MemorySegment;
import java.lang.ref.Cleaner;
import java.lang.ref.Reference;
import java.util.HashMap;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.ebflow.linalg.Factor;
import org.ebflow.linalg.Matrix;
import org.ebflow.linalg.backend.PackedFactor;
import org.ebflow.linalg.onednn.OneDnnPrimitives.Unimplemented;
import org.jspecify.annotations.Nullable;

/**
 * A weight in the layout that oneDNN's matmul primitive likes best, arranged once: a product then
 * arranges nothing (benchmarks/results/2026-11-25-packed). Rows are copied to native memory and
 * back.
 */
final class OneDnnPackedFactor implements PackedFactor {
  private static final Cleaner CLEANER = Cleaner.create();
  private static final int OPERANDS = 4;

  private final OneDnnPrimitives objects;
  private final Cleaner.Cleanable memory;
  private final int type;
  private final int columns;
  private final int inner;
  private final MemorySegment layout;
  private final MemorySegment weights;
  private final Map<Integer, MemorySegment> descriptions = new HashMap<>();
  private final Map<Integer, Queue<Call>> idle = new ConcurrentHashMap<>();

  /** Primitive and operands of products of one number of rows, for one thread at a time. */
  private record Call(
      MemorySegment primitive,
      MemorySegment stream,
      MemorySegment operands,
      MemorySegment source,
      MemorySegment target) {}

  private OneDnnPackedFactor(OneDnnPrimitives objects, int rows, Factor weight)
      throws Unimplemented {
    this.objects = objects;
    type = weight instanceof Matrix ? FLOAT32 : BFLOAT16;
    columns = weight.rows();
    inner = weight.columns();
    MemorySegment description = product(rows, objects.matrixOfAnyLayout(type, inner, columns));
    layout = OneDnnPrimitives.description(description, WEIGHTS_DESCRIPTION);
    weights = objects.memory(layout, objects.allocate(layout));
    descriptions.put(rows, description);
    pack(weight);
    memory = CLEANER.register(this, objects);
  }

  /** Null where the library has no such product. */
  static @Nullable OneDnnPackedFactor of(int rows, Factor weight) {
    OneDnnPrimitives objects = new OneDnnPrimitives();
    boolean made = false;
    try {
      OneDnnPackedFactor result = new OneDnnPackedFactor(objects, rows, weight);
      made = true;
      return result;
    } catch (Unimplemented e) {
      return null;
    } finally {
      if (!made) {
        objects.run();
      }
    }
  }

  private void pack(Factor weight) throws Unimplemented {
    OneDnnPrimitives temporary = new OneDnnPrimitives();
    try {
      MemorySegment plain = temporary.matrix(type, inner, columns, 1, inner); // weightᵀ
      MemorySegment copy = temporary.allocate(plain);
      copyRows(weight, copy, true);
      OneDnnPrimitives.execute(
          temporary.primitive(temporary.reorder(plain, layout)),
          temporary.stream(),
          2,
          temporary.operands(SOURCE, temporary.memory(plain, copy), TARGET, weights));
    } finally {
      temporary.run();
    }
  }

  private MemorySegment product(int rows, MemorySegment weightLayout) throws Unimplemented {
    return objects.product(
        objects.matrix(type, rows, inner, inner, 1),
        weightLayout,
        objects.matrix(FLOAT32, rows, columns, columns, 1));
  }

  @Override
  public void multiply(Factor x, Matrix y) {
    int rows = x.rows();
    Queue<Call> calls = idle.computeIfAbsent(rows, _ -> new ConcurrentLinkedQueue<>());
    long sourceBytes = bytes(rows, inner, type == FLOAT32 ? Float.BYTES : Short.BYTES);
    long targetBytes = bytes(rows, columns, Float.BYTES);
    NativeBlocks.Block block = NativeBlocks.borrow(sourceBytes + targetBytes);
    try {
      Call call = calls.poll();
      if (call == null) {
        call = newCall(rows);
      }
      MemorySegment source = block.memory().asSlice(0, sourceBytes);
      MemorySegment target = block.memory().asSlice(sourceBytes, targetBytes);
      OneDnnPrimitives.place(call.source, source);
      OneDnnPrimitives.place(call.target, target);
      copyRows(x, source, true);
      OneDnnPrimitives.execute(call.primitive, call.stream, OPERANDS, call.operands);
      copyRows(y, target, false);
      calls.add(call);
    } finally {
      NativeBlocks.giveBack(block);
      Reference.reachabilityFence(this); // the primitive is an address and keeps nothing alive
    }
  }

  /** Size of a matrix, up to the next line of the cache. */
  private static long bytes(long rows, long columns, long elementBytes) {
    return (rows * columns * elementBytes + NativeBlocks.LINE - 1)
        / NativeBlocks.LINE
        * NativeBlocks.LINE;
  }

  private synchronized Call newCall(int rows) {
    try {
      MemorySegment description = descriptions.get(rows);
      if (description == null) {
        description = product(rows, layout);
        descriptions.put(rows, description);
      }
      MemorySegment scratch = OneDnnPrimitives.description(description, SCRATCHPAD_DESCRIPTION);
      MemorySegment source =
          objects.memory(objects.matrix(type, rows, inner, inner, 1), MemorySegment.NULL);
      MemorySegment target =
          objects.memory(objects.matrix(FLOAT32, rows, columns, columns, 1), MemorySegment.NULL);
      MemorySegment operands =
          objects.operands(
              SOURCE,
              source,
              WEIGHTS,
              weights,
              TARGET,
              target,
              SCRATCHPAD,
              objects.memory(scratch, objects.allocate(scratch)));
      return new Call(objects.primitive(description), objects.stream(), operands, source, target);
    } catch (Unimplemented e) {
      throw new IllegalStateException("oneDNN has no product of " + rows + " rows", e);
    }
  }

  /** Copies all rows of a matrix to native memory, where they lie side by side, or from there. */
  private static void copyRows(Factor matrix, MemorySegment other, boolean toOther) {
    MemorySegment own = matrix.segment(matrix.offset());
    long elementBytes = matrix instanceof Matrix ? Float.BYTES : Short.BYTES;
    long bytes = matrix.columns() * elementBytes;
    long step = matrix.stride() * elementBytes;
    for (int r = 0; r < matrix.rows(); r++) {
      if (toOther) {
        MemorySegment.copy(own, r * step, other, r * bytes, bytes);
      } else {
        MemorySegment.copy(other, r * bytes, own, r * step, bytes);
      }
    }
  }

  @Override
  public void close() {
    memory.clean();
  }
}
