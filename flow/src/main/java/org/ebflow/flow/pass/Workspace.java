package org.ebflow.flow.pass;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;
import org.ebflow.linalg.Blas;
import org.ebflow.linalg.Kernels;
import org.ebflow.linalg.Matrix;
import org.ebflow.linalg.MatrixPool;
import org.ebflow.linalg.PackedWeight;
import org.ebflow.linalg.Team;
import org.ebflow.linalg.Worker;
import org.jspecify.annotations.Nullable;

/**
 * One layer's memory in a pass, as one worker sees it: what forward leaves for backward. The layer
 * also gets the weights and the arithmetic of the pass here.
 *
 * <p>A layer numbers its buffers itself, by slots. The first call for a slot allocates the buffer,
 * later calls return the same one, so that a pass allocates nothing after its first use. The
 * workers of a pass share the buffers, and each of them sees its own rows.
 */
public final class Workspace {
  private final Worker worker;
  private final Compute compute;
  private final Parameters parameters;
  private final LayerBuffers buffers;
  private final int rowFrom;
  private final int rowTo;
  private final List<@Nullable Jet> jets = new ArrayList<>();
  private final List<@Nullable Workspace> children = new ArrayList<>();
  private final List<@Nullable Matrix> constants = new ArrayList<>();
  private final List<Matrix @Nullable []> groups = new ArrayList<>();
  private final List<Jet @Nullable []> jetGroups = new ArrayList<>();
  private final List<@Nullable Jet> cotangents = new ArrayList<>();
  private final List<Jet @Nullable []> cotangentGroups = new ArrayList<>();
  private final List<@Nullable Jet> passing = new ArrayList<>();
  private final List<@Nullable Jet> boundaries = new ArrayList<>();
  private final List<@Nullable Jet> boundaryBars = new ArrayList<>();
  private final List<@Nullable Object> objects = new ArrayList<>();
  private final ExactProducts exact;
  private final State state;
  private @Nullable Jet input;
  private @Nullable Jet output;

  /** What all workspaces of one worker's pass share. */
  private static final class State {
    boolean afterScore;
    final List<@Nullable Matrix> scratch = new ArrayList<>();
    final List<@Nullable Matrix> passing = new ArrayList<>();
  }

  /**
   * Workspaces of all workers of a team for one layer and its parts, in the order of their ranks.
   *
   * @param parameters the weights of the pass
   * @param batch rows of all workers
   * @param order highest order of the pass
   * @param backward whether backward follows forward; else nothing is kept for it
   */
  public static Workspace[] forTeam(
      Compute compute, Parameters parameters, Team team, int batch, int order, boolean backward) {
    MatrixPool pool =
        backward
            ? MatrixPool.cacheAligned(parameters.precision())
            : MatrixPool.unaligned(parameters.precision());
    LayerBuffers buffers =
        new LayerBuffers(pool, compute.products().roundsJets(parameters), batch, order, backward);
    Workspace[] result = new Workspace[team.size()];
    for (int rank = 0; rank < result.length; rank++) {
      result[rank] = new Workspace(team.worker(rank), compute, parameters, buffers, new State());
    }
    return result;
  }

  private Workspace(
      Worker worker, Compute compute, Parameters parameters, LayerBuffers buffers, State state) {
    this.worker = worker;
    this.compute = compute;
    this.parameters = parameters;
    this.buffers = buffers;
    this.state = state;
    this.exact = new ExactProducts(compute.blas());
    this.rowFrom = worker.from(buffers.batch);
    this.rowTo = worker.to(buffers.batch);
  }

  /** Kernels of the pass's precision. */
  public Kernels kernels() {
    return compute.kernels();
  }

  /** Products and factorisations. */
  public Blas blas() {
    return compute.blas();
  }

  /** The weights of the pass. */
  public Parameters parameters() {
    return parameters;
  }

  /** Values of one of the layer's parameters, to be added to rows or to scale them. */
  public Matrix value(Parameter parameter) {
    return compute.products().value(parameters, parameter);
  }

  /** Number of this worker's first row in the batch. */
  public int firstRow() {
    return rowFrom;
  }

  /** This worker's number of rows. */
  public int rows() {
    return rowTo - rowFrom;
  }

  /** Highest order of the pass. */
  public int order() {
    return buffers.order;
  }

  /**
   * Whether what forward keeps is read again, by a later call of forward for higher orders or by
   * backward.
   */
  public boolean readAgain() {
    return buffers.backward;
  }

  /**
   * Whether the backward pass that runs now follows the score's backward pass of the same forward
   * pass. Then the cotangents of the highest order are those of the score. They lie where the
   * score's pass left them, in {@link #boundaryBar} and {@link #cotangents}, and need not be
   * computed again.
   */
  public boolean afterScore() {
    return state.afterScore;
  }

  /** Sets {@link #afterScore()} for all layers of this worker's pass. */
  public void afterScore(boolean value) {
    state.afterScore = value;
  }

  /** Remembers the input of forward for backward. */
  public void keep(Jet x) {
    input = x;
  }

  /** Remembers input and output of forward for backward. */
  public void keep(Jet x, Jet y) {
    input = x;
    output = y;
  }

  /** The output of the last forward call, of a layer that keeps it. */
  public Jet output() {
    if (output == null) {
      throw new IllegalStateException("backward was called before forward");
    }
    return output;
  }

  /** The input of the last forward call. */
  public Jet jet() {
    if (input == null) {
      throw new IllegalStateException("backward was called before forward");
    }
    return input;
  }

  /** The buffer of a slot: a jet of the pass's order. */
  public Jet jet(int slot, int width) {
    return jet(slot, width, buffers.order);
  }

  /** The buffer of a slot: a jet of the given order, 0 for one matrix [rows,width]. */
  public Jet jet(int slot, int width, int order) {
    Jet found = Slots.at(jets, slot);
    if (found == null) {
      Matrix all = buffers.buffer(slot, (order + 1) * buffers.batch, width);
      found = new Jet(all, buffers.batch, rowFrom, rowTo);
      jets.set(slot, found);
    }
    Slots.requireShape(slot, found, width, order);
    return found;
  }

  /**
   * The jet between layers number {@code i - 1} and {@code i} of a sequence, with memory for its
   * copy in bfloat16 where products round. In a pass that goes forward only, boundary i reuses the
   * memory of boundary i - 2.
   */
  public Jet boundary(int i, int width) {
    int number = buffers.backward ? i : i % 2;
    Jet found = Slots.at(boundaries, number);
    if (found == null) {
      found = buffers.boundary(number, width).jet(0, buffers.batch, rowFrom, rowTo);
      boundaries.set(number, found);
    }
    return found;
  }

  /**
   * Cotangents at {@link #boundary}, as a jet of that order. The jets of all orders end with the
   * same stream of one memory. So the jet of order 0, which the score's pass writes, is the highest
   * stream of every longer one.
   */
  public Jet boundaryBar(int i, int width, int order) {
    int slot = i * (buffers.order + 1) + order;
    Jet found = Slots.at(boundaryBars, slot);
    if (found == null) {
      found =
          buffers.boundaryBar(i, width).jet(buffers.order - order, buffers.batch, rowFrom, rowTo);
      boundaryBars.set(slot, found);
    }
    return found;
  }

  /**
   * Zeroes one of this worker's rows in everything that is kept for backward, in the layer's parts
   * too.
   */
  public void zeroRow(int row) {
    buffers.zeroRow(rowFrom + row);
  }

  /** An object of this worker's own, made at the first call for a slot. */
  @SuppressWarnings("unchecked") // a slot is always asked for the same type
  public <T> T object(int slot, Supplier<T> make) {
    Object found = Slots.at(objects, slot);
    if (found == null) {
      found = make.get();
      objects.set(slot, found);
    }
    return (T) found;
  }

  /** A row [1,width] of this worker alone, in a slot of {@link #own}. */
  public Matrix row(int slot, int width) {
    return own(slot, 1, width);
  }

  /**
   * A matrix [height,width] of this worker alone, for what is computed from weights: its rows are
   * not those of the batch.
   */
  public Matrix own(int slot, int height, int width) {
    Matrix found = Slots.at(constants, slot);
    if (found == null) {
      found = buffers.pool.matrix(height, width);
      constants.set(slot, found);
    }
    Slots.requireShape(slot, found, height, width);
    return found;
  }

  /**
   * A matrix [height,width] of this worker alone, for what lies between the steps of one
   * computation: all layers overwrite the memory of one number. Makes a view, so it is to be asked
   * for once.
   */
  public Matrix scratch(int number, int height, int width) {
    return scratch(state.scratch, number, height, width);
  }

  private Matrix scratch(List<@Nullable Matrix> among, int number, int height, int width) {
    int size = Math.multiplyExact(height, width);
    Matrix memory = Slots.at(among, number);
    if (memory == null || memory.columns() < size) {
      memory = buffers.pool.matrix(1, size);
      among.set(number, memory);
    }
    return memory.columns(0, size).reshape(height, width);
  }

  /**
   * A jet between two maps of which the second reads it at once and nobody reads it again. It holds
   * this worker's rows alone. All layers share its memory, which stays in the processor's cache;
   * only those of even and of odd {@code slot} have different memory.
   */
  public Jet passing(int slot, int width, int order) {
    int number = slot * (buffers.order + 1) + order;
    Jet found = Slots.at(passing, number);
    if (found == null) {
      int height = Math.max(1, rows());
      found =
          new Jet(scratch(state.passing, slot % 2, (order + 1) * height, width), height, 0, rows());
      passing.set(number, found);
    }
    return found;
  }

  /** Whether operands of products are rounded to bfloat16. */
  public boolean rounds() {
    return compute.rounds();
  }

  /**
   * A matrix [height,width] for each worker of the pass, in the order of their ranks: what each
   * computes of its own share, for the others to read. To be asked for once, since it takes a lock.
   */
  public Matrix[] parts(int slot, int height, int width) {
    return buffers.parts(slot, worker.size(), height, width);
  }

  /**
   * The buffers of {@code count} slots from {@code slot} on, [rows,width] each. Every call for a
   * slot must give the same count.
   */
  public Matrix[] matrices(int slot, int count, int width) {
    Matrix[] found = Slots.at(groups, slot);
    if (found == null) {
      found = new Matrix[count];
      for (int i = 0; i < count; i++) {
        found[i] = jet(slot + i, width, 0).stream(0);
      }
      groups.set(slot, found);
    }
    return found;
  }

  /** The buffers of {@code count} slots from {@code slot} on, jets of the pass's order. */
  public Jet[] jets(int slot, int count, int width) {
    Jet[] found = Slots.at(jetGroups, slot);
    if (found == null) {
      found = new Jet[count];
      for (int i = 0; i < count; i++) {
        found[i] = jet(slot + i, width);
      }
      jetGroups.set(slot, found);
    }
    return found;
  }

  /**
   * Cotangents inside of a layer, as a jet of that order. Their slot is one of those of {@link
   * #jet(int, int)} that holds nothing else. As in {@link #boundaryBar}, the jet of order 0 is the
   * highest stream of every longer one.
   */
  public Jet cotangents(int slot, int width, int order) {
    int number = slot * (buffers.order + 1) + order;
    Jet found = Slots.at(cotangents, number);
    if (found == null) {
      int height = (buffers.order + 1) * buffers.batch;
      Matrix all = buffers.buffer(slot, height, width);
      found =
          new Jet(
              all.rows((buffers.order - order) * buffers.batch, height),
              buffers.batch,
              rowFrom,
              rowTo);
      cotangents.set(number, found);
    }
    return found;
  }

  /** As {@link #cotangents(int, int, int)}, of {@code count} slots from {@code slot} on. */
  public Jet[] cotangents(int slot, int count, int width, int order) {
    int number = slot * (buffers.order + 1) + order;
    Jet[] found = Slots.at(cotangentGroups, number);
    if (found == null) {
      found = new Jet[count];
      for (int i = 0; i < count; i++) {
        found[i] = cotangents(slot + i, width, order);
      }
      cotangentGroups.set(number, found);
    }
    return found;
  }

  /** A part of the layer with buffers of its own. */
  public Workspace child(int slot) {
    Workspace found = Slots.at(children, slot);
    if (found == null) {
      found = new Workspace(worker, compute, parameters, buffers.child(slot), state);
      children.set(slot, found);
    }
    return found;
  }

  /**
   * A constant row [1,values.length] in the pass's precision, converted once. Its slots are those
   * of {@link #own}.
   */
  public Matrix constant(int slot, double[] values) {
    Matrix found = Slots.at(constants, slot);
    if (found == null) {
      found = Matrix.of(values, 1, values.length).copy(parameters.precision());
      constants.set(slot, found);
    }
    Slots.requireShape(slot, found, 1, values.length);
    return found;
  }

  /** y_k ← x_k·Wᵀ for the given orders; weight [out,in]. Every worker of the pass must call it. */
  public void multiplyTransposed(Jet x, Parameter weight, Jet y, int fromOrder, int toOrder) {
    compute.products().multiply(worker, parameters, true, x, weight, y, fromOrder, toOrder);
  }

  /**
   * As {@link #multiplyTransposed(Jet, Parameter, Jet, int, int)} by a weight that is computed from
   * parameters ({@link #own}). Every worker computes the same values. They are never rounded.
   */
  public void multiplyTransposed(Jet x, Matrix weight, Jet y, int fromOrder, int toOrder) {
    exact.multiply(worker, true, x, weight, y, fromOrder, toOrder);
  }

  /** x_k ← y_k·W for the given orders; weight [out,in]. Every worker of the pass must call it. */
  public void multiply(Jet y, Parameter weight, Jet x, int fromOrder, int toOrder) {
    compute.products().multiply(worker, parameters, false, y, weight, x, fromOrder, toOrder);
  }

  /** As {@link #multiply(Jet, Parameter, Jet, int, int)} by a weight that is no parameter. */
  public void multiply(Jet y, Matrix weight, Jet x, int fromOrder, int toOrder) {
    exact.multiply(worker, false, y, weight, x, fromOrder, toOrder);
  }

  /**
   * What brings operands of products by what is derived from a weight ({@link Parameter#derived})
   * into their form; a new one. The layer makes these products of this worker's rows itself.
   */
  public OperandCopy operandCopy(Parameter weight) {
    return compute.products().copy(weight);
  }

  /**
   * Memory for copies of jets that products by what is derived from a weight read, kept for
   * backward; null where such products do not round, or nothing is read again. To be asked for once
   * by every worker, since it makes views.
   *
   * @param slot in a numbering of its own
   */
  public @Nullable RoundedJet copies(Parameter weight, int slot, int width) {
    return readAgain() && operandCopy(weight).rounds()
        ? new RoundedJet(buffers.copies(slot, width), buffers.batch, rowFrom, rowTo)
        : null;
  }

  /**
   * Packed copies of the matrices of {@link DerivedOperands#forward}, to be multiplied by in their
   * place; empty where there are none.
   */
  public List<PackedWeight> packed(Parameter weight) {
    return compute.products().packed(weight);
  }
}
