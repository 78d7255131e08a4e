package org.ebflow.flow;

import java.util.ArrayList;
import java.util.List;
import org.ebflow.linalg.BFloat16Matrix;
import org.ebflow.linalg.Blas;
import org.ebflow.linalg.Factor;
import org.ebflow.linalg.Kernels;
import org.ebflow.linalg.Matrix;
import org.ebflow.linalg.MatrixPool;
import org.ebflow.linalg.PackedWeight;
import org.ebflow.linalg.Worker;
import org.jspecify.annotations.Nullable;

/**
 * What one layer keeps between forward and backward, the weights it reads and the arithmetic it
 * runs on, as one worker of a pass sees them.
 *
 * <p>Buffers are asked for by slot numbers of the layer's own choice, allocated at the first call
 * and the same ever after: a pass allocates nothing after its first use. Buffers are shared by the
 * workers of a pass, each of which sees its own rows.
 */
public final class Workspace {
  /**
   * Weights up to this size are multiplied by every worker for its own rows, larger ones column by
   * column together: docs/decisions/0003.
   */
  static final int SMALL_WEIGHT = 128 * 128;

  private final Worker worker;
  private final Compute compute;
  private final Parameters parameters;
  private final Shared shared;
  private final int rowFrom;
  private final int rowTo;
  private final List<@Nullable Jet> jets = new ArrayList<>();
  private final List<@Nullable Workspace> children = new ArrayList<>();
  private final List<@Nullable Matrix> constants = new ArrayList<>();
  private final List<Matrix @Nullable []> groups = new ArrayList<>();
  private @Nullable Jet input;

  /** Buffers of one layer common to all workers of a pass. */
  static final class Shared {
    final int batch;
    final int order;
    final boolean backward;
    private final MatrixPool pool;
    private final List<@Nullable Matrix> buffers = new ArrayList<>();
    private final List<@Nullable Shared> children = new ArrayList<>();

    Shared(MatrixPool pool, int batch, int order, boolean backward) {
      this.pool = pool;
      this.batch = batch;
      this.order = order;
      this.backward = backward;
    }

    private synchronized Matrix buffer(int slot, int rows, int width) {
      Matrix found = at(buffers, slot);
      if (found == null) {
        found = pool.matrix(rows, width);
        buffers.set(slot, found);
      }
      if (found.rows() != rows || found.columns() != width) {
        throw new IllegalArgumentException(
            "Workspace.jet: slot "
                + slot
                + " holds "
                + found
                + ", asked for ["
                + rows
                + ","
                + width
                + "]");
      }
      return found;
    }

    private synchronized Shared child(int slot) {
      Shared found = at(children, slot);
      if (found == null) {
        found = new Shared(pool, batch, order, backward);
        children.set(slot, found);
      }
      return found;
    }

    synchronized void zeroRow(int row) {
      for (Matrix buffer : buffers) {
        if (buffer != null) {
          for (int r = row; r < buffer.rows(); r += batch) {
            buffer.rows(r, r + 1).fill(0);
          }
        }
      }
      for (Shared child : children) {
        if (child != null) {
          child.zeroRow(row);
        }
      }
    }
  }

  Workspace(Worker worker, Compute compute, Parameters parameters, Shared shared) {
    this.worker = worker;
    this.compute = compute;
    this.parameters = parameters;
    this.shared = shared;
    this.rowFrom = worker.from(shared.batch);
    this.rowTo = worker.to(shared.batch);
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

  /** Values of one of the layer's parameters. */
  public Matrix value(Parameter parameter) {
    return parameters.of(parameter);
  }

  /** This worker's number of rows. */
  public int rows() {
    return rowTo - rowFrom;
  }

  /** Highest order of the pass. */
  public int order() {
    return shared.order;
  }

  /** Whether anything is read again after forward: by higher orders, or by backward. */
  public boolean readAgain() {
    return shared.backward;
  }

  /** Remembers the input of forward for backward. */
  public void keep(Jet x) {
    input = x;
  }

  /** The input of the last forward call. */
  public Jet kept() {
    if (input == null) {
      throw new IllegalStateException("backward was called before forward");
    }
    return input;
  }

  /** The buffer of a slot: a jet of the pass's order. */
  public Jet jet(int slot, int width) {
    return jet(slot, width, shared.order);
  }

  /** The buffer of a slot: a jet of the given order, 0 for one matrix [rows,width]. */
  public Jet jet(int slot, int width, int order) {
    Jet found = at(jets, slot);
    if (found == null) {
      Matrix all = shared.buffer(slot, (order + 1) * shared.batch, width);
      found = new Jet(all, shared.batch, rowFrom, rowTo);
      jets.set(slot, found);
    }
    return found;
  }

  /** A row [1,width] of this worker alone. */
  public Matrix row(int slot, int width) {
    return own(slot, 1, width);
  }

  /**
   * A matrix [height,width] of this worker alone, for what is computed from weights: its rows are
   * not those of the batch.
   */
  public Matrix own(int slot, int height, int width) {
    Matrix found = at(constants, slot);
    if (found == null) {
      found = shared.pool.matrix(height, width);
      constants.set(slot, found);
    }
    return found;
  }

  /**
   * The buffers of {@code count} slots from {@code slot} on, [rows,width] each; one group of slots
   * begins at one slot.
   */
  public Matrix[] matrices(int slot, int count, int width) {
    Matrix[] found = at(groups, slot);
    if (found == null) {
      found = new Matrix[count];
      for (int i = 0; i < count; i++) {
        found[i] = jet(slot + i, width, 0).stream(0);
      }
      groups.set(slot, found);
    }
    return found;
  }

  /** A part of the layer with buffers of its own. */
  public Workspace child(int slot) {
    Workspace found = at(children, slot);
    if (found == null) {
      found = new Workspace(worker, compute, parameters, shared.child(slot));
      children.set(slot, found);
    }
    return found;
  }

  /** A constant row [1,values.length] in the pass's precision, converted once. */
  public Matrix constant(int slot, double[] values) {
    Matrix found = at(constants, slot);
    if (found == null) {
      found = Matrix.of(values, 1, values.length).copy(parameters.precision());
      constants.set(slot, found);
    }
    return found;
  }

  /** y_k ← x_k·Wᵀ for the given orders; weight [out,in]. Every worker of the pass must call it. */
  public void multiplyTransposed(Jet x, Parameter weight, Jet y, int fromOrder, int toOrder) {
    BFloat16Matrix rounded = compute.rounded(weight);
    PackedWeight packed = compute.packed(weight);
    if (packed == null || (rounded != null && x.rounded() == null)) { // arranged for rounded rows
      product(true, x, value(weight), rounded, y, fromOrder, toOrder);
    } else {
      packed.multiply(factor(x, rounded, fromOrder, toOrder), y.whole(fromOrder, toOrder));
    }
  }

  /**
   * y_k ← x_k·Wᵀ for the given orders, and y_0 ← y_0 + b; weight [out,in], bias [1,out]. Every
   * worker of the pass must call it. Where only the norm of y matters, y may be turned: {@link
   * Compute#rowsAlike}.
   */
  public void applyAffine(
      Jet x, Parameter weight, Parameter bias, Jet y, int fromOrder, int toOrder) {
    multiplyTransposed(x, weight, y, fromOrder, toOrder);
    if (fromOrder == 0) {
      Matrix turned = compute.turnedBias(bias);
      kernels().rows().addToRows(y.stream(0), turned == null ? value(bias) : turned);
    }
  }

  /**
   * As {@link #multiplyTransposed(Jet, Parameter, Jet, int, int)} by a weight that is no parameter
   * but computed from some, by every worker the same: {@link #own}. It is never rounded.
   */
  public void multiplyTransposed(Jet x, Matrix weight, Jet y, int fromOrder, int toOrder) {
    product(true, x, weight, null, y, fromOrder, toOrder);
  }

  /** x_k ← y_k·W for the given orders; weight [out,in]. Every worker of the pass must call it. */
  public void multiply(Jet y, Parameter weight, Jet x, int fromOrder, int toOrder) {
    product(false, y, value(weight), compute.rounded(weight), x, fromOrder, toOrder);
  }

  /** As {@link #multiply(Jet, Parameter, Jet, int, int)} by a weight that is no parameter. */
  public void multiply(Jet y, Matrix weight, Jet x, int fromOrder, int toOrder) {
    product(false, y, weight, null, x, fromOrder, toOrder);
  }

  private void product(
      boolean transpose,
      Jet from,
      Matrix exact,
      @Nullable BFloat16Matrix rounded,
      Jet to,
      int fromOrder,
      int toOrder) {
    if (worker.size() > 1 && !large(exact)) {
      for (int k = fromOrder; k <= toOrder; k++) {
        blas().multiply(false, from.stream(k), transpose, exact, 1, 0, to.stream(k));
      }
      return;
    }
    Factor left = factor(from, rounded, fromOrder, toOrder);
    Factor right = rounded == null || left instanceof Matrix ? exact : rounded;
    worker.barrier(); // all rows of the input are written
    blas().multiply(worker, false, left, transpose, right, 1, 0, to.whole(fromOrder, toOrder));
    worker.barrier(); // all columns of the output are written
  }

  /** Streams of a jet, rounded just now if the weight is and the jet can be. */
  private Factor factor(Jet from, @Nullable BFloat16Matrix rounded, int fromOrder, int toOrder) {
    RoundedJet roundedFrom = from.rounded();
    if (rounded == null || roundedFrom == null) {
      return from.whole(fromOrder, toOrder);
    }
    compute.refresh(worker);
    roundedFrom.round(compute.kernels().bfloat16(), from, fromOrder, toOrder);
    return roundedFrom.whole(fromOrder, toOrder);
  }

  /** Whether products by a weight are shared by the workers. */
  static boolean large(Matrix weight) {
    return weight.size() > SMALL_WEIGHT;
  }

  private static <T> @Nullable T at(List<@Nullable T> list, int slot) {
    while (list.size() <= slot) {
      list.add(null);
    }
    return list.get(slot);
  }
}
