package org.ebflow.linalg;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;

/**
 * Memory segments of an array from some index on, for native calls. Each is made once, because the
 * JIT compiler can't be relied on to remove the allocation of one made for every call.
 */
final class SegmentCache {
  private static final Slice[] NONE = {};

  private final MemorySegment whole;
  private final int bytes;

  /** Replaced, never changed. Threads in a race make a segment twice at worst. */
  private volatile Slice[] made = NONE;

  /** Of an array with elements of that many bytes. */
  SegmentCache(MemorySegment whole, int bytes) {
    this.whole = whole;
    this.bytes = bytes;
  }

  /** The array from that index on. */
  MemorySegment from(int index) {
    for (Slice slice : made) {
      if (slice.from == index) {
        return slice.segment;
      }
    }
    return add(index).segment;
  }

  private Slice add(int index) {
    Slice slice = new Slice(index, whole.asSlice((long) index * bytes));
    Slice[] old = made;
    Slice[] longer = Arrays.copyOf(old, old.length + 1);
    longer[old.length] = slice;
    made = longer;
    return slice;
  }

  private record Slice(int from, MemorySegment segment) {}
}
