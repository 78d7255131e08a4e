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
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.ebflow.linalg.Matrix;
import org.ebflow.linalg.Operand;
import org.ebflow.linalg.backend.PackedOperand;
import org.ebflow.linalg.onednn.OneDnnPrimitives.Unimplemented;
import org.jspecify.annotations.Nullable;

/**
 * A weight in the layout that oneDNN's matmul primitive prefers. It is packed once, so that no
 * product packs it again (benchmarks/results/2026-11-25-packed). Rows are copied to native memory
 * and back.
 *
 * <p>An upper triangular weight is packed in strips of rows, each without the columns that are zero
 * in all of its rows (docs/decisions/0009).
 */
final class OneDnnPackedOperand implements PackedOperand {
  private static final Cleaner CLEANER = Cleaner.create();
  private static final int OPERANDS = 4;

  /** Least number of rows of a strip: narrower strips run slower than the skipped zeros save. */
  private static final int STRIP = 192;

  private static final int MOST_STRIPS = 8;

  /**
   * Strips begin at multiples of it, which are cache-aligned in either format. Rows of x are filled
   * up to a multiple with zeros: kernels for AMX read so many bfloat16 numbers at a time, and a NaN
   * behind a row's end would reach its sums as 0·NaN.
   */
  private static final int UNIT = 32;

  private final OneDnnPrimitives objects;
  private final Cleaner.Cleanable memory;
  private final int type;
  private final int columns;
  private final int inner;
  private final int sourceStride;
  private final List<Strip> strips = new ArrayList<>();
  private final Map<Integer, Queue<Call>> idle = new ConcurrentHashMap<>();

  /** Primitives and operands of products of one number of rows, for one thread at a time. */
  private record Call(MemorySegment stream, List<Part> parts) {}

  /** One strip's share of a call. */
  private record Part(
      Strip strip,
      MemorySegment primitive,
      MemorySegment operands,
      MemorySegment source,
      MemorySegment target) {}

  /** Rows of the weight from {@code first} on, without their first {@code skipped} columns. */
  private final class Strip {
    private final int first;
    private final int rows;
    private final int skipped;
    private final MemorySegment layout;
    private final MemorySegment weights;
    private final Map<Integer, MemorySegment> descriptions = new HashMap<>();

    Strip(int count, Operand weight, int first, int rows, int skipped) throws Unimplemented {
      this.first = first;
      this.rows = rows;
      this.skipped = skipped;
      MemorySegment description =
          product(count, objects.matrixOfAnyLayout(type, inner - skipped, rows));
      layout = OneDnnPrimitives.description(description, WEIGHTS_DESCRIPTION);
      weights = objects.memory(layout, objects.allocate(layout));
      descriptions.put(count, description);
      pack(weight);
    }

    private void pack(Operand weight) throws Unimplemented {
      OneDnnPrimitives temporary = new OneDnnPrimitives();
      try {
        int width = inner - skipped;
        MemorySegment plain = temporary.matrix(type, width, rows, 1, width); // weightᵀ
        MemorySegment copy = temporary.allocate(plain);
        MemorySegment own = weight.segment(weight.offset());
        for (int r = 0; r < rows; r++) {
          long from = (long) (first + r) * weight.stride() + skipped;
          MemorySegment.copy(
              own, from * elementBytes(), copy, r * rowBytes(width), rowBytes(width));
        }
        OneDnnPrimitives.execute(
            temporary.primitive(temporary.reorder(plain, layout)),
            temporary.stream(),
            2,
            temporary.operands(SOURCE, temporary.memory(plain, copy), TARGET, weights));
      } finally {
        temporary.run();
      }
    }

    private MemorySegment product(int count, MemorySegment weightLayout) throws Unimplemented {
      return objects.product(source(count), weightLayout, target(count));
    }

    private MemorySegment source(int count) throws Unimplemented {
      return objects.matrix(type, count, inner - skipped, sourceStride, 1);
    }

    private MemorySegment target(int count) throws Unimplemented {
      return objects.matrix(FLOAT32, count, rows, columns, 1);
    }

    Part newPart(int count) throws Unimplemented {
      MemorySegment description = descriptions.get(count);
      if (description == null) {
        description = product(count, layout);
        descriptions.put(count, description);
      }
      MemorySegment scratch = OneDnnPrimitives.description(description, SCRATCHPAD_DESCRIPTION);
      MemorySegment source = objects.memory(source(count), MemorySegment.NULL);
      MemorySegment target = objects.memory(target(count), MemorySegment.NULL);
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
      return new Part(this, objects.primitive(description), operands, source, target);
    }
  }

  private OneDnnPackedOperand(OneDnnPrimitives objects, int rows, boolean upper, Operand weight)
      throws Unimplemented {
    this.objects = objects;
    type = weight instanceof Matrix ? FLOAT32 : BFLOAT16;
    columns = weight.rows();
    inner = weight.columns();
    sourceStride = Math.ceilDiv(inner, UNIT) * UNIT;
    int count = upper ? Math.clamp(columns / STRIP, 1, MOST_STRIPS) : 1;
    for (int i = 0; i < count; i++) {
      int first = bound(i, count);
      strips.add(new Strip(rows, weight, first, bound(i + 1, count) - first, upper ? first : 0));
    }
    memory = CLEANER.register(this, objects);
  }

  /** First row of a strip. */
  private int bound(int strip, int count) {
    return strip == count ? columns : (int) ((long) columns * strip / count) / UNIT * UNIT;
  }

  /** Null where the library has no such product. */
  static @Nullable OneDnnPackedOperand of(int rows, boolean upper, Operand weight) {
    OneDnnPrimitives objects = new OneDnnPrimitives();
    boolean made = false;
    try {
      OneDnnPackedOperand result = new OneDnnPackedOperand(objects, rows, upper, weight);
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

  private long elementBytes() {
    return type == FLOAT32 ? Float.BYTES : Short.BYTES;
  }

  private long rowBytes(int width) {
    return width * elementBytes();
  }

  @Override
  public void multiply(Operand x, Matrix y, int rows) {
    Queue<Call> calls = idle.computeIfAbsent(rows, _ -> new ConcurrentLinkedQueue<>());
    long sourceBytes = rows * rowBytes(sourceStride);
    long targetBytes = (long) rows * columns * Float.BYTES;
    NativeBlocks.Block block = NativeBlocks.borrow(sourceBytes + targetBytes);
    try {
      Call call = calls.poll();
      if (call == null) {
        call = newCall(rows);
      }
      MemorySegment source = block.memory().asSlice(0, sourceBytes);
      MemorySegment target = block.memory().asSlice(sourceBytes, targetBytes);
      copyFrom(x, source);
      for (Part part : call.parts) {
        long read = part.strip.skipped * elementBytes();
        long written = (long) part.strip.first * Float.BYTES;
        OneDnnPrimitives.place(part.source, source.asSlice(read));
        OneDnnPrimitives.place(part.target, target.asSlice(written));
        OneDnnPrimitives.execute(part.primitive, call.stream, OPERANDS, part.operands);
      }
      copyTo(y, target);
      calls.add(call);
    } finally {
      NativeBlocks.giveBack(block);
      Reference.reachabilityFence(this); // the primitive is an address and keeps nothing alive
    }
  }

  private synchronized Call newCall(int rows) {
    try {
      List<Part> parts = new ArrayList<>();
      for (Strip strip : strips) {
        parts.add(strip.newPart(rows));
      }
      return new Call(objects.stream(), List.copyOf(parts));
    } catch (Unimplemented e) {
      throw new IllegalStateException("oneDNN has no product of " + rows + " rows", e);
    }
  }

  private void copyFrom(Operand x, MemorySegment source) {
    MemorySegment own = x.segment(x.offset());
    long padding = rowBytes(sourceStride - inner);
    for (int r = 0; r < x.rows(); r++) {
      long from = (long) r * x.stride() * elementBytes();
      long to = r * rowBytes(sourceStride);
      MemorySegment.copy(own, from, source, to, rowBytes(inner));
      source.asSlice(to + rowBytes(inner), padding).fill((byte) 0);
    }
    source.asSlice(x.rows() * rowBytes(sourceStride)).fill((byte) 0);
  }

  private void copyTo(Matrix y, MemorySegment target) {
    MemorySegment own = y.segment(y.offset());
    long bytes = (long) columns * Float.BYTES;
    for (int r = 0; r < y.rows(); r++) {
      MemorySegment.copy(target, r * bytes, own, (long) r * y.stride() * Float.BYTES, bytes);
    }
  }

  @Override
  public void close() {
    memory.clean();
  }
}
