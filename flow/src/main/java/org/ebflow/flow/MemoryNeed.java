package org.ebflow.flow;

import java.lang.management.ManagementFactory;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import org.ebflow.flow.layer.ConstantJacobian;
import org.ebflow.flow.layer.ConstantJacobian.AffineMap;
import org.ebflow.flow.layer.Layer;
import org.ebflow.flow.pass.Parameter;
import org.ebflow.linalg.MatrixPool;
import org.ebflow.linalg.Precision;

/**
 * What something needs of memory, known before any of it is taken: by the layers of a flow alone.
 *
 * @param heap bytes of the Java heap
 * @param outside bytes beside it: packed weights and factorisations, which are the BLAS's
 */
public record MemoryNeed(long heap, long outside) {
  /** Of the Java heap, for everything else. */
  private static final long BASE_HEAP = 1L << 24;

  /** Outside of it, for the JVM itself and the buffers of the BLAS. */
  private static final long BASE_OUTSIDE = 1L << 28;

  /** Share of the heap that large arrays leave unused between them. */
  private static final double UNUSED = 0.1;

  private static final double GIBIBYTE = 1L << 30;

  /** The weights of those layers, in that precision. */
  public static MemoryNeed ofWeights(List<Layer> layers, Precision precision) {
    long numbers = 0;
    for (Parameter block : blocks(layers)) {
      numbers += (long) block.rows() * MatrixPool.weightStride(block.rows(), block.columns());
    }
    return new MemoryNeed(numbers * precision.bytes(), 0);
  }

  /**
   * The jets of a pass through those layers: for every layer its input, its output and what lies
   * between its parts.
   *
   * @param dimension numbers per row
   * @param streams of each jet, values and cotangents counted apart
   */
  public static MemoryNeed ofPass(
      List<Layer> layers, int dimension, int rows, int streams, Precision precision) {
    return new MemoryNeed(numbers(layers, dimension) * rows * streams * precision.bytes(), 0);
  }

  /**
   * Copies rounded to bfloat16 that a pass keeps: of the weights, by each worker of those that its
   * products are derived from, and of jets. Copies of both sides of every layer take half of the
   * pass's memory at most, and the pass counts the jet between two layers twice.
   *
   * @param pass the jets in float32
   */
  public static MemoryNeed ofRounding(List<Layer> layers, MemoryNeed pass, int workers) {
    long numbers = 0;
    for (Parameter block : blocks(layers)) {
      numbers += size(block) * (block.derived() == null ? 1 : workers);
    }
    return new MemoryNeed(numbers * Short.BYTES + pass.heap() / 4, 0);
  }

  /** Numbers of a row, of one order, in the jets of a pass through those layers. */
  public static long numbers(List<Layer> layers, int dimension) {
    long numbers = 0;
    for (Layer layer : layers) {
      numbers += 2L * dimension + layer.hiddenNumbers();
    }
    return numbers;
  }

  /** What drawing initial values takes for a while: those of the largest block in float64. */
  public static MemoryNeed ofInitialDraws(List<Layer> layers) {
    long most = blocks(layers).stream().mapToLong(MemoryNeed::size).max().orElse(0);
    return new MemoryNeed(most * Double.BYTES, 0);
  }

  /** The factorisations that log Z and the inverse of those layers are computed from. */
  public static MemoryNeed ofFactorizations(List<Layer> layers) {
    long bytes = 0;
    for (Layer layer : layers) {
      for (ConstantJacobian part : layer.constantParts()) {
        bytes += part.factorizationBytes();
      }
    }
    return new MemoryNeed(0, bytes);
  }

  /**
   * What a {@link ScoringPlan} holds while it is made, beside the weights: factorisations, packed
   * weights, and for the R of the last layer two more of its size in the heap and one in float64.
   */
  public static MemoryNeed ofScoringPlan(List<Layer> layers, Precision precision) {
    long packed = 0;
    for (Parameter block : blocks(layers)) {
      long numbers = block.rows() == 1 ? 0 : size(block);
      packed += precision.bytes() * (block.derived() == null ? numbers : block.derived().numbers());
    }
    AffineMap last =
        layers.getLast() instanceof ConstantJacobian constant ? constant.affineMap() : null;
    long square = last == null ? 0 : size(last.weight());
    return ofFactorizations(layers)
        .plus(new MemoryNeed(2 * square * precision.bytes(), packed + square * Double.BYTES));
  }

  private static Set<Parameter> blocks(List<Layer> layers) {
    Set<Parameter> blocks = new HashSet<>();
    layers.forEach(layer -> blocks.addAll(layer.parameters()));
    return blocks;
  }

  private static long size(Parameter block) {
    return (long) block.rows() * block.columns();
  }

  /** Both. */
  public MemoryNeed plus(MemoryNeed other) {
    return new MemoryNeed(heap + other.heap, outside + other.outside);
  }

  /** This so many times. */
  public MemoryNeed times(int count) {
    return new MemoryNeed(count * heap, count * outside);
  }

  /** One after the other: the larger of each. */
  public MemoryNeed or(MemoryNeed other) {
    return new MemoryNeed(Math.max(heap, other.heap), Math.max(outside, other.outside));
  }

  /**
   * Compares with the Java heap and with the memory of the machine, or of the container.
   *
   * @param what is to be done, for the message
   * @throws InvalidInputException with both figures, if there is less
   */
  public void requireFits(String what) {
    requireFits(what, Runtime.getRuntime().maxMemory(), totalMemory());
  }

  void requireFits(String what, long heapThere, long totalThere) {
    long heapNeeded = (long) ((1 + UNUSED) * heap) + BASE_HEAP;
    long needed = heapNeeded + outside + BASE_OUTSIDE;
    if (needed > totalThere || heapNeeded > heapThere) {
      throw new InvalidInputException(
          String.format(
              Locale.ROOT,
              "%s: expected %.1f GiB of memory, %.1f GiB of it Java heap, found %.1f GiB, of which the heap may take %.1f GiB%s",
              what,
              needed / GIBIBYTE,
              heapNeeded / GIBIBYTE,
              totalThere / GIBIBYTE,
              heapThere / GIBIBYTE,
              needed > totalThere ? "" : " (EBFLOW_JAVA_OPTS=-Xmx… allows more)"));
    }
  }

  private static long totalMemory() {
    try {
      return ManagementFactory.getOperatingSystemMXBean()
              instanceof com.sun.management.OperatingSystemMXBean system
          ? system.getTotalMemorySize()
          : Long.MAX_VALUE;
    } catch (LinkageError _) { // a Java without this module
      return Long.MAX_VALUE;
    }
  }
}
