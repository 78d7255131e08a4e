package org.ebflow.linalg.onednn;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;

/**
 * Native memory for the rows of products, lent for the length of one: there are as many blocks as
 * products ever ran at once, each as large as the largest needed, however many weights and scorers
 * come and go. The allocator would keep for itself what every scorer's threads had freed.
 *
 * <p>Threading: thread-safe.
 */
final class NativeBlocks {
  /** Blocks begin on a line of the cache, of so many bytes. */
  static final long LINE = 64;

  private static final Queue<MemorySegment> IDLE = new ConcurrentLinkedQueue<>();

  private NativeBlocks() {}

  /** A block of at least so many bytes, whose content is arbitrary. */
  static MemorySegment borrow(long bytes) {
    MemorySegment block = IDLE.poll();
    return block != null && block.byteSize() >= bytes
        ? block
        : Arena.ofAuto().allocate(bytes, LINE); // what is too small is freed
  }

  /** Ends the use of a borrowed block. */
  static void giveBack(MemorySegment block) {
    IDLE.add(block);
  }
}
