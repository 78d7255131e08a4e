package org.ebflow.linalg.onednn;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;

/**
 * Native memory for the rows of products, borrowed for the length of one product. Blocks live until
 * the process ends. There are as many as products ever ran at once, each as large as the largest
 * product it served, however many weights and scorers come and go. If the threads of each scorer
 * freed their memory, the allocator would keep it.
 *
 * <p>Threading: thread-safe.
 */
final class NativeBlocks {
  /** Bytes of a cache line, to which blocks are aligned. */
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
