package org.ebflow.linalg.onednn;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SegmentAllocator;
import java.lang.invoke.MethodHandle;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Objects of oneDNN's C interface and the native memory that they refer to, freed together in the
 * reverse order of their creation.
 *
 * <p>Threading: for one thread at a time.
 */
final class OneDnnPrimitives implements Runnable {
  static final int FLOAT32 = 3;
  static final int BFLOAT16 = 2;

  /** Names of a primitive's operands. */
  static final int SOURCE = 1;

  static final int TARGET = 17;
  static final int WEIGHTS = 33;
  static final int SCRATCHPAD = 80;

  /** What {@link #description} may ask of a primitive. */
  static final int WEIGHTS_DESCRIPTION = 131;

  static final int SCRATCHPAD_DESCRIPTION = 136;

  private static final int CPU = 1;
  private static final int IN_ORDER = 1;
  private static final int ANY_LAYOUT = 1;
  private static final int OF_THE_CALLER = 1;
  private static final int MOST_DIMENSIONS = 12;
  private static final int UNIMPLEMENTED = 3;

  /** An operand's name, padded, and its memory object. */
  private static final long OPERAND_BYTES = 16;

  private static final Map<String, MethodHandle> FUNCTIONS = new ConcurrentHashMap<>();

  /** dnnl_primitive_execute; static final, or the JIT compiler would not inline the call. */
  private static final MethodHandle EXECUTE =
      OneDnnGemm.LIBRARY.function(
          "dnnl_primitive_execute",
          FunctionDescriptor.of(JAVA_INT, ADDRESS, ADDRESS, JAVA_INT, ADDRESS));

  private static final MethodHandle PLACE =
      OneDnnGemm.LIBRARY.function(
          "dnnl_memory_set_data_handle", FunctionDescriptor.of(JAVA_INT, ADDRESS, ADDRESS));

  private static final MemorySegment ENGINE = engine();

  private final Arena arena = Arena.ofShared();
  private final Deque<Runnable> destroyers = new ArrayDeque<>();

  /** What the library has no implementation for on this processor. */
  static final class Unimplemented extends Exception {
    private static final long serialVersionUID = 1;

    Unimplemented(String function) {
      super(function);
    }
  }

  /** Frees everything. */
  @Override
  public void run() {
    arena.close(); // throws while a call runs, before anything that it needs is gone
    destroyers.forEach(Runnable::run);
    destroyers.clear();
  }

  /** Layout of a matrix whose element (r, c) lies at r·down + c·across. */
  MemorySegment matrix(int type, long rows, long columns, long down, long across)
      throws Unimplemented {
    return create(
        "dnnl_memory_desc_create_with_strides",
        "dnnl_memory_desc_destroy",
        2,
        longs(rows, columns),
        type,
        longs(down, across));
  }

  /** Shape of a matrix whose layout the primitive chooses. */
  MemorySegment matrixOfAnyLayout(int type, long rows, long columns) throws Unimplemented {
    return create(
        "dnnl_memory_desc_create_with_tag",
        "dnnl_memory_desc_destroy",
        2,
        longs(rows, columns),
        type,
        ANY_LAYOUT);
  }

  /** Description of target = source·weights with a scratchpad of the caller's. */
  MemorySegment product(MemorySegment source, MemorySegment weights, MemorySegment target)
      throws Unimplemented {
    MemorySegment attributes = create("dnnl_primitive_attr_create", "dnnl_primitive_attr_destroy");
    check("dnnl_primitive_attr_set_scratchpad_mode", attributes, OF_THE_CALLER);
    return create(
        "dnnl_matmul_primitive_desc_create",
        "dnnl_primitive_desc_destroy",
        ENGINE,
        source,
        weights,
        MemorySegment.NULL,
        target,
        attributes);
  }

  /** Description of a copy from one layout to another. */
  MemorySegment reorder(MemorySegment from, MemorySegment to) throws Unimplemented {
    return create(
        "dnnl_reorder_primitive_desc_create",
        "dnnl_primitive_desc_destroy",
        from,
        ENGINE,
        to,
        ENGINE,
        MemorySegment.NULL);
  }

  /** The primitive of a description. */
  MemorySegment primitive(MemorySegment description) throws Unimplemented {
    return create("dnnl_primitive_create", "dnnl_primitive_destroy", description);
  }

  /** A layout that a primitive has chosen; lives as long as its description. */
  static MemorySegment description(MemorySegment primitiveDescription, int which) {
    return (MemorySegment)
        invoke("dnnl_primitive_desc_query_md", ADDRESS, primitiveDescription, which, 0);
  }

  /** Memory of a layout's size. */
  MemorySegment allocate(MemorySegment layout) {
    long bytes = (long) invoke("dnnl_memory_desc_get_size", JAVA_LONG, layout);
    return arena.allocate(Math.max(1, bytes), Long.BYTES * 8);
  }

  /** Says that a piece of memory has a layout; NULL for one that is told later: {@link #place}. */
  MemorySegment memory(MemorySegment layout, MemorySegment data) throws Unimplemented {
    return create("dnnl_memory_create", "dnnl_memory_destroy", layout, ENGINE, data);
  }

  /** An order of execution, for one thread at a time. */
  MemorySegment stream() throws Unimplemented {
    return create("dnnl_stream_create", "dnnl_stream_destroy", ENGINE, IN_ORDER);
  }

  /** Operands of an execution: names and memory objects in turns. */
  MemorySegment operands(Object... namesAndMemories) {
    MemorySegment result =
        arena.allocate(OPERAND_BYTES * (namesAndMemories.length / 2), Long.BYTES);
    for (int i = 0; i < namesAndMemories.length; i += 2) {
      long at = OPERAND_BYTES * (i / 2);
      result.set(JAVA_INT, at, (int) namesAndMemories[i]);
      result.set(ADDRESS, at + Long.BYTES, (MemorySegment) namesAndMemories[i + 1]);
    }
    return result;
  }

  /**
   * Runs a primitive on the calling thread alone; over when this returns. Not a critical call: it
   * may take long, and no memory of the heap is in it.
   */
  static void execute(
      MemorySegment primitive, MemorySegment stream, int count, MemorySegment operands) {
    int status;
    try {
      OneDnnGemm.SET_NUM_THREADS.invokeExact(1);
      status = (int) EXECUTE.invokeExact(primitive, stream, count, operands);
    } catch (Throwable thrown) {
      throw new IllegalStateException("oneDNN's primitive could not be called", thrown);
    }
    if (status != 0) {
      throw new IllegalStateException("dnnl_primitive_execute failed with status " + status);
    }
  }

  /** Tells a memory object where its numbers are, until told again. */
  static void place(MemorySegment memory, MemorySegment data) {
    int status;
    try {
      status = (int) PLACE.invokeExact(memory, data);
    } catch (Throwable thrown) {
      throw new IllegalStateException("oneDNN's memory could not be placed", thrown);
    }
    if (status != 0) {
      throw new IllegalStateException("dnnl_memory_set_data_handle failed with status " + status);
    }
  }

  private static MemorySegment engine() {
    try {
      return create(Arena.global(), "dnnl_engine_create", CPU, 0L);
    } catch (Unimplemented e) {
      throw new LinkageError("oneDNN has no engine for the CPU", e);
    }
  }

  /** Calls a function that writes the object it creates to its first argument. */
  @SuppressWarnings("restricted") // reinterpret: gives the address the arena's life and no size
  private MemorySegment create(String function, String destroyer, Object... arguments)
      throws Unimplemented {
    MemorySegment object = create((SegmentAllocator) arena, function, arguments);
    destroyers.push(() -> invoke(destroyer, JAVA_INT, object));
    return object.reinterpret(arena, null); // of no use any more once the arena is closed
  }

  private static MemorySegment create(SegmentAllocator memory, String function, Object... arguments)
      throws Unimplemented {
    MemorySegment result = memory.allocate(ADDRESS);
    Object[] all = new Object[arguments.length + 1];
    all[0] = result;
    System.arraycopy(arguments, 0, all, 1, arguments.length);
    check(function, all);
    return result.get(ADDRESS, 0);
  }

  private static void check(String function, Object... arguments) throws Unimplemented {
    int status = (int) invoke(function, JAVA_INT, arguments);
    if (status == UNIMPLEMENTED) {
      throw new Unimplemented(function);
    }
    if (status != 0) {
      throw new IllegalStateException(function + " failed with status " + status);
    }
  }

  /** Calls a function that is called seldom: its handle is made from the arguments' classes. */
  private static Object invoke(String function, MemoryLayout result, Object... arguments) {
    MethodHandle handle =
        FUNCTIONS.computeIfAbsent(
            function,
            name -> {
              MemoryLayout[] layouts = new MemoryLayout[arguments.length];
              for (int i = 0; i < layouts.length; i++) {
                layouts[i] = layout(arguments[i]);
              }
              return OneDnnGemm.LIBRARY.function(name, FunctionDescriptor.of(result, layouts));
            });
    try {
      // what is chosen for a number of threads must run under that number
      OneDnnGemm.SET_NUM_THREADS.invokeExact(1);
      return handle.invokeWithArguments(arguments);
    } catch (Throwable thrown) {
      throw new IllegalStateException(function + " could not be called", thrown);
    }
  }

  private static MemoryLayout layout(Object argument) {
    return switch (argument) {
      case MemorySegment _ -> ADDRESS;
      case Integer _ -> JAVA_INT;
      case Long _ -> JAVA_LONG;
      default -> throw new IllegalArgumentException("no layout for " + argument.getClass());
    };
  }

  private MemorySegment longs(long first, long second) {
    MemorySegment result = arena.allocate(JAVA_LONG, MOST_DIMENSIONS);
    result.setAtIndex(JAVA_LONG, 0, first);
    result.setAtIndex(JAVA_LONG, 1, second);
    return result;
  }
}
