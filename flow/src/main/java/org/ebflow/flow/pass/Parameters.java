package org.ebflow.flow.pass;

import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashSet;
import java.util.IdentityHashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SequencedMap;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import org.ebflow.linalg.Blas;
import org.ebflow.linalg.Lu;
import org.ebflow.linalg.Matrix;
import org.ebflow.linalg.MatrixPool;
import org.ebflow.linalg.Precision;
import org.jspecify.annotations.Nullable;

/**
 * The weights of a flow: one flat array, of which every parameter block is a view, so that an
 * optimizer, an average or a checkpoint is one pass over memory.
 *
 * <p>Factorisations of blocks are cached with the version of the weights: whoever writes weights
 * calls {@link #changed()}.
 *
 * <p>Threading: reading is thread-safe; writers are ordered by the caller.
 */
public final class Parameters {
  private static final int ALIGNMENT = 16;

  private final List<Parameter> blocks;
  private final List<String> names;
  private final Matrix flat;
  private final int trainedLength;
  private final Set<Parameter> frozen;
  private final IdentityHashMap<Parameter, Matrix> values = new IdentityHashMap<>();
  private final Map<Parameter, List<Matrix>> squares = new ConcurrentHashMap<>();
  private final Map<Parameter, Versioned> factorizations = new ConcurrentHashMap<>();
  private final List<Reparameterization> computed = new ArrayList<>();
  private final AtomicLong version = new AtomicLong();
  private volatile boolean initializedByData;

  /** What was computed from a block, of the version of the weights that was last asked for. */
  private static final class Versioned {
    private final Factorization factorization;
    private long version;

    Versioned(Factorization factorization, long version) {
      this.factorization = factorization;
      this.version = version;
    }

    synchronized Factorization of(long wanted) {
      if (version != wanted) {
        factorization.factorize();
        version = wanted;
      }
      return factorization;
    }
  }

  /** LU factors of one block's squares. */
  private record Squares(List<Matrix> matrices, List<Lu> lus, Precision precision)
      implements Factorization {
    @Override
    public void factorize() {
      for (int i = 0; i < lus.size(); i++) { // an iterator would be an allocation
        lus.get(i).factorize(matrices.get(i));
      }
    }

    @Override
    public void close() {
      lus.forEach(Lu::close);
    }
  }

  private Parameters(
      List<Parameter> blocks, List<String> names, Set<Parameter> frozen, Precision precision) {
    this.blocks = blocks;
    this.names = names;
    this.frozen = frozen;
    List<Parameter> order = new ArrayList<>(blocks);
    order.sort(Comparator.comparing(this::trains).reversed()); // stable: trained ones first
    long size = 0;
    long trained = 0;
    for (Parameter block : order) {
      size += aligned((long) block.rows() * stride(block));
      trained = trains(block) ? size : trained;
    }
    if (size > Integer.MAX_VALUE - 8) {
      throw new IllegalArgumentException(
          "Parameters: " + size + " weights do not fit one Java array");
    }
    flat = MatrixPool.cacheAligned(precision).matrix(1, (int) size);
    trainedLength = (int) trained;
    int offset = 0;
    for (Parameter block : order) {
      int stride = stride(block);
      int count = block.rows() * stride;
      values.put(
          block,
          flat.columns(offset, offset + count)
              .reshape(block.rows(), stride)
              .columns(0, block.columns()));
      if (block.reparameterization() != null) {
        computed.add(block.reparameterization());
      }
      offset += (int) aligned(count);
    }
  }

  private static int stride(Parameter block) {
    return MatrixPool.weightStride(block.rows(), block.columns());
  }

  private static long aligned(long count) {
    return (count + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
  }

  /**
   * Fresh weights, drawn in float64 and rounded.
   *
   * @param named blocks by name, in their order; a block that has two names gets the first
   */
  public static Parameters initial(
      SequencedMap<String, Parameter> named, Precision precision, long seed) {
    Map<Parameter, String> found = new LinkedHashMap<>();
    named.forEach((name, block) -> found.putIfAbsent(block, name));
    Parameters result =
        new Parameters(
            List.copyOf(found.keySet()), List.copyOf(found.values()), Set.of(), precision);
    for (int i = 0; i < result.blocks.size(); i++) {
      result.of(result.blocks.get(i)).copyFrom(new InitialDraws(seed, result.blocks, i).values());
    }
    result.changed();
    return result;
  }

  /**
   * A copy with further blocks behind these, which start as {@link #initial} would draw them.
   *
   * @param further by name; no name may be taken
   */
  public Parameters with(SequencedMap<String, Parameter> further, long seed) {
    List<Parameter> allBlocks = new ArrayList<>(blocks);
    List<String> allNames = new ArrayList<>(names);
    further.forEach(
        (name, block) -> {
          if (allNames.contains(name)) {
            throw new IllegalArgumentException("Parameters.with: " + name + " is there already");
          }
          allBlocks.add(block);
          allNames.add(name);
        });
    Parameters result =
        new Parameters(List.copyOf(allBlocks), List.copyOf(allNames), frozen, precision());
    for (int i = 0; i < result.blocks.size(); i++) {
      Parameter block = result.blocks.get(i);
      Matrix start =
          i < blocks.size() ? of(block) : new InitialDraws(seed, result.blocks, i).values();
      result.of(block).copyFrom(start);
    }
    result.initializedByData = initializedByData;
    result.changed();
    return result;
  }

  /** Zeroed numbers of the same layout and precision: moments, averages, gradients. */
  public Parameters zeros() {
    return new Parameters(blocks, names, frozen, precision());
  }

  /** A copy in the given precision. */
  public Parameters copy(Precision precision) {
    Parameters result = new Parameters(blocks, names, frozen, precision);
    result.copyFrom(this);
    return result;
  }

  /**
   * A copy in which those blocks are not trained: no optimizer moves them, and they have no
   * gradients.
   */
  public Parameters freezing(Collection<Parameter> further) {
    Set<Parameter> all = new HashSet<>(frozen);
    all.addAll(further);
    Parameters result = new Parameters(blocks, names, Set.copyOf(all), precision());
    values.forEach((block, values) -> result.of(block).copyFrom(values));
    result.initializedByData = initializedByData;
    return result;
  }

  /** Whether an optimizer updates the block: it is {@link Parameter#trained} and not frozen. */
  public boolean trains(Parameter block) {
    return block.trained() && !frozen.contains(block);
  }

  /** Whether an optimizer updates the block, or the one that it is computed from. */
  boolean wantsGradient(Parameter block) {
    Reparameterization reparameterization = block.reparameterization();
    return trains(reparameterization == null ? block : reparameterization.original());
  }

  /**
   * Overwrites all weights with those of the same layout, and takes over whether data initialised
   * them.
   */
  public void copyFrom(Parameters other) {
    flat.copyFrom(other.flat);
    initializedByData = other.initializedByData;
    changed();
  }

  /** The values of one block, a view. */
  public Matrix of(Parameter block) {
    Matrix view = values.get(block);
    if (view == null) {
      throw new IllegalArgumentException(
          "Parameters.of: no block " + block.name() + " of this flow");
    }
    return view;
  }

  /**
   * The square matrices [columns,columns] that a block [rows,columns] is a stack of, from the first
   * rows on: views, made once. They are the diagonal of a block-diagonal matrix [rows,rows].
   *
   * @throws IllegalArgumentException unless the rows are a multiple of the columns
   */
  public List<Matrix> squares(Parameter block) {
    List<Matrix> found = squares.get(block);
    return found == null ? squares.computeIfAbsent(block, this::cutIntoSquares) : found;
  }

  private List<Matrix> cutIntoSquares(Parameter block) {
    Matrix all = of(block);
    int size = block.columns();
    if (size == 0 || block.rows() % size != 0) {
      throw new IllegalArgumentException(
          "Parameters.squares: block " + block.name() + " is " + all + ", no stack of squares");
    }
    List<Matrix> result = new ArrayList<>();
    for (int from = 0; from < block.rows(); from += size) {
      result.add(all.rows(from, from + size));
    }
    return List.copyOf(result);
  }

  /** The blocks in the order of the layers. */
  public List<Parameter> blocks() {
    return blocks;
  }

  /** Names in the order of {@link #blocks}, as {@code layerIndex.name} in those of a flow. */
  public List<String> names() {
    return names;
  }

  /** Values by name, in order: views, for checkpoints. */
  public Map<String, Matrix> byName() {
    Map<String, Matrix> result = new LinkedHashMap<>();
    for (int i = 0; i < blocks.size(); i++) {
      result.put(names.get(i), of(blocks.get(i)));
    }
    return Collections.unmodifiableMap(result);
  }

  /** All weights as one row. Zeros fill the gaps between aligned blocks and between padded rows. */
  public Matrix flat() {
    return flat;
  }

  /** How many numbers of {@link #flat}, from its first on, are trained; the others are not. */
  public int trainedLength() {
    return trainedLength;
  }

  /**
   * Number of weights of {@link Parameter#trained} blocks, frozen or not, without alignment and what
   * is always zero.
   */
  public long count() {
    return blocks.stream()
        .filter(Parameter::trained)
        .mapToLong(
            block ->
                block.reparameterization() == null
                    ? (long) block.rows() * block.columns()
                    : block.reparameterization().count())
        .sum();
  }

  /** Format of the weights. */
  public Precision precision() {
    return flat.precision();
  }

  /**
   * Tells that weights were written, so that cached factorisations and log Z are stale. Computes the
   * weights that are a {@link Reparameterization} of others.
   */
  public void changed() {
    for (int i = 0; i < computed.size(); i++) { // an iterator would be an allocation
      computed.get(i).compute(this);
    }
    version.incrementAndGet();
  }

  /**
   * Begins a training step: {@link Reparameterization#beginStep}. The caller runs it alone, before
   * the workers read weights.
   */
  public void beginStep() {
    if (!computed.isEmpty()) {
      for (int i = 0; i < computed.size(); i++) {
        computed.get(i).beginStep(this);
      }
      changed();
    }
  }

  /** Grows with every {@link #changed()}. */
  public long version() {
    return version.get();
  }

  /** Whether data-dependent initial values have been set (ActNorm); saved with the weights. */
  public boolean initializedByData() {
    return initializedByData;
  }

  /** Sets {@link #initializedByData}. */
  public void initializedByData(boolean done) {
    initializedByData = done;
  }

  /**
   * LU factorisation of a square block in the given precision, computed once per version of the
   * weights. A new version reuses the memory of the last one, so that what was returned before is
   * overwritten.
   */
  public Lu lu(Parameter block, Blas blas, Precision precision) {
    List<Lu> lus = lus(block, blas, precision);
    if (lus.size() != 1) {
      throw new IllegalArgumentException(
          "Parameters.lu: block " + block.name() + " is " + of(block) + ", expected a square");
    }
    return lus.getFirst();
  }

  /** As {@link #lu}, of each of the block's {@link #squares}. */
  public List<Lu> lus(Parameter block, Blas blas, Precision precision) {
    Squares cached = factorization(block, Squares.class, precision);
    if (cached == null) {
      List<Matrix> matrices = squares(block);
      List<Lu> fresh = new ArrayList<>();
      for (Matrix matrix : matrices) {
        fresh.add(blas.factorize(matrix, precision));
      }
      cached = keep(block, new Squares(matrices, List.copyOf(fresh), precision));
    }
    return cached.lus;
  }

  /**
   * The factorisation of a block that {@link #keep} was last given, of the present weights: it is
   * computed anew when they have changed.
   *
   * @return null if there is none of that type and precision
   */
  public <F extends Factorization> @Nullable F factorization(
      Parameter block, Class<F> type, Precision precision) {
    Versioned found = factorizations.get(block);
    return found != null
            && type.isInstance(found.factorization)
            && found.factorization.precision() == precision
        ? type.cast(found.of(version.get()))
        : null;
  }

  /**
   * Keeps a factorisation of a block in place of the last one.
   *
   * @param factorization of the present weights
   * @return the same
   */
  public <F extends Factorization> F keep(Parameter block, F factorization) {
    factorizations.put(block, new Versioned(factorization, version.get()));
    return factorization;
  }

  /**
   * Forgets all factorisations and frees their memory; what {@link #lu} returned may not be used
   * any more.
   */
  public void releaseFactorizations() {
    factorizations.values().forEach(kept -> kept.factorization.close());
    factorizations.clear();
  }

  /** Names of blocks that hold a value that is not finite. */
  public List<String> nonFinite() {
    List<String> found = new ArrayList<>();
    byName()
        .forEach(
            (name, matrix) -> {
              for (int r = 0; r < matrix.rows(); r++) {
                for (int c = 0; c < matrix.columns(); c++) {
                  if (!Double.isFinite(matrix.get(r, c))) {
                    found.add(name);
                    return;
                  }
                }
              }
            });
    return found;
  }
}
