package org.ebflow.linalg.onednn;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;

/**
 * Native memory for the rows of products, lent for the length of one: there are as many blocks as
 * products ever ran at once, each as large as the largest it served, however many weights and
 * scorers come and go, until the process ends. The allocator would keep for itself what every
 * scorer's threads had freed.
 *
 * <p>Threading: thread-safe.
 */
final class NativeBlocks {
  /** Blocks begin on a line of the cache, of so many bytes. */
  static final long LINE = 64;

  private static final Queue<Block> IDLE = new ConcurrentLinkedQueue<>();

  /** Memory of at least the size that was asked for; its content is arbitrary. */
  static final class Block {
    private final Arena arena = Arena.ofShared();
    private final MemorySegment memory;

    private Block(long bytes) {
      memory = arena.allocate(bytes, LINE);
    }

    MemorySegment memory() {
      return memory;
    }
  }

  private NativeBlocks() {}

  /** A block of at least so many bytes. */
  static Block borrow(long bytes) {
    Block block = IDLE.poll();
    if (block != null) {
      if (block.memory.byteSize() >= bytes) {
        return block;
      }
      block.arena.close();
    }
    return new Block(bytes);
  }

  /** Ends the use of a borrowed block. */
  static void giveBack(Block block) {
    IDLE.add(block);
  }
}
