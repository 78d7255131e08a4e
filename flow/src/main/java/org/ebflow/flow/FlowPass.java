package org.ebflow.flow;

import java.util.List;
import org.ebflow.linalg.BFloat16Matrix;
import org.ebflow.linalg.Matrix;
import org.ebflow.linalg.MatrixPool;
import org.ebflow.linalg.RowKernels;
import org.ebflow.linalg.Team;
import org.ebflow.linalg.Worker;
import org.jspecify.annotations.Nullable;

/**
 * One batch on its way through a flow and back: the jets at every layer boundary, their cotangents
 * and the layers' workspaces, as one worker sees them.
 *
 * <p>With ℓ(x) = log p_u(g(x)) + Σ log|det| of the layers whose Jacobian depends on the input, φ(t)
 * = ℓ(x(t)) along the curve of the input jet has the derivatives φ0 = ℓ, φ1 = x1·∇ℓ, φ2 = x1ᵀH x1 +
 * x2·∇ℓ: {@link #density}.
 *
 * <p>Threading: the workers of a team each use their own pass of one {@link #forTeam}; all of them
 * make the same calls.
 */
public final class FlowPass {
  private static final double HALF_LOG_TWO_PI = 0.5 * Math.log(2 * Math.PI);

  private final Flow flow;
  private final RowKernels kernels;
  private final int order;
  private final int firstRow;
  private final int rows;
  private final Jet[] values;
  private final Jet[] cotangents;
  private final Jet[] topCotangents;
  private final Workspace[] workspaces;
  private final @Nullable Matrix[] scratch;
  private final Workspace.Shared[] shared;
  private final LogDet density;
  private final LogDet latentSquares;
  private final LogDet one;

  private FlowPass(
      Flow flow,
      Compute compute,
      Worker worker,
      int order,
      Workspace.Shared[] shared,
      Streams[] values,
      Streams[] cotangents) {
    this.flow = flow;
    this.kernels = compute.kernels().rows();
    this.order = order;
    this.shared = shared;
    List<Layer> layers = flow.layers();
    int batch = shared[layers.size()].batch;
    int from = worker.from(batch);
    int to = worker.to(batch);
    this.firstRow = from;
    this.rows = to - from;
    this.values = new Jet[values.length];
    for (int i = 0; i < values.length; i++) {
      this.values[i] = values[i].jet(batch, from, to);
    }
    this.cotangents = new Jet[cotangents.length];
    topCotangents = new Jet[cotangents.length];
    for (int i = 0; i < cotangents.length; i++) {
      this.cotangents[i] = cotangents[i].jet(batch, from, to);
      topCotangents[i] =
          cotangents[i].rows(order * batch, (order + 1) * batch).jet(batch, from, to);
    }
    workspaces = new Workspace[layers.size()];
    for (int i = 0; i < workspaces.length; i++) {
      workspaces[i] = new Workspace(worker, compute, flow.parameters(), shared[i]);
    }
    scratch = new Matrix[layers.size() + 1];
    density = new LogDet(order, rows);
    latentSquares = new LogDet(0, rows);
    one = new LogDet(0, rows);
    one.fill(0, 1);
  }

  /** Memory for the streams of all rows at one layer boundary. */
  private record Streams(Matrix all, @Nullable BFloat16Matrix rounded) {
    Streams rows(int from, int to) {
      return new Streams(all.rows(from, to), rounded == null ? null : rounded.rows(from, to));
    }

    Jet jet(int batch, int from, int to) {
      return new Jet(all, rounded, batch, from, to);
    }
  }

  /** The passes of all workers of a team over one batch, in the order of their ranks. */
  public static FlowPass[] forTeam(Flow flow, Compute compute, Team team, int batch, int order) {
    return forTeam(flow, compute, team, batch, order, true);
  }

  /**
   * As {@link #forTeam} for order 0 and what needs no backward pass: keeps nothing for one, and
   * refuses it. Boundaries share two buffers in turns, so that a forward pass overwrites its input.
   */
  public static FlowPass[] forwardOnly(Flow flow, Compute compute, Team team, int batch) {
    return forTeam(flow, compute, team, batch, 0, false);
  }

  private static FlowPass[] forTeam(
      Flow flow, Compute compute, Team team, int batch, int order, boolean backward) {
    int boundaries = flow.layers().size() + 1;
    MatrixPool pool =
        backward ? MatrixPool.onLines(flow.precision()) : MatrixPool.anywhere(flow.precision());
    Workspace.Shared[] shared = new Workspace.Shared[boundaries];
    for (int i = 0; i < boundaries; i++) {
      shared[i] = new Workspace.Shared(pool, batch, order, backward);
    }
    int height = (order + 1) * batch;
    Streams[] values = streams(flow, compute, pool, height, boundaries, backward ? boundaries : 2);
    Streams[] cotangents =
        streams(flow, compute, pool, height, backward ? boundaries : 0, boundaries);
    FlowPass[] passes = new FlowPass[team.size()];
    for (int rank = 0; rank < passes.length; rank++) {
      passes[rank] =
          new FlowPass(flow, compute, team.worker(rank), order, shared, values, cotangents);
    }
    return passes;
  }

  /**
   * Memory for so many boundaries, of which those that lie {@code different} apart share theirs.
   */
  private static Streams[] streams(
      Flow flow, Compute compute, MatrixPool pool, int height, int boundaries, int different) {
    boolean rounds = compute.rounds(flow.parameters());
    Streams[] result = new Streams[boundaries];
    for (int i = 0; i < boundaries; i++) {
      result[i] =
          i >= different
              ? result[i - different]
              : new Streams(
                  pool.matrix(height, flow.dimension()),
                  rounds ? BFloat16Matrix.allocate(height, flow.dimension()) : null);
    }
    return result;
  }

  /** This worker's number of rows. */
  public int rows() {
    return rows;
  }

  /** Number of this worker's first row in the batch. */
  public int firstRow() {
    return firstRow;
  }

  /** Zeroed seeds for {@link #backward}, of this pass's shape. */
  public LogDet newSeed() {
    return new LogDet(order, rows);
  }

  /** The input jet, written by the caller. */
  public Jet input() {
    return values[0];
  }

  /** The output jet of the last layer. */
  public Jet output() {
    return values[values.length - 1];
  }

  /** φ0 = ℓ, φ1, φ2 of the pushed orders, float64 per row, in nats. */
  public LogDet density() {
    return density;
  }

  /**
   * Pushes the streams of the given orders through all layers. {@link #density} then holds the
   * log-determinants alone.
   */
  public void push(int fromOrder, int toOrder) {
    for (int k = fromOrder; k <= toOrder; k++) {
      density.fill(k, 0);
    }
    List<Layer> layers = flow.layers();
    for (int i = 0; i < layers.size(); i++) {
      layers.get(i).forward(values[i], values[i + 1], density, workspaces[i], fromOrder, toOrder);
    }
  }

  /**
   * Pushes the streams of the given orders through all layers and adds the base density: {@link
   * #density} holds φ.
   */
  public void forward(int fromOrder, int toOrder) {
    push(fromOrder, toOrder);
    Jet z = output();
    if (fromOrder == 0) {
      latentSquares.fill(0, 0);
      kernels.addRowDots(1, z.stream(0), z.stream(0), latentSquares.order(0));
      addBaseDensity(latentSquares.order(0).doubles(), density.order(0).doubles());
    }
    if (fromOrder <= 1 && toOrder >= 1) {
      kernels.addRowDots(-1, z.stream(0), z.stream(1), density.order(1));
    }
    if (toOrder == 2) {
      kernels.addRowDots(-1, z.stream(1), z.stream(1), density.order(2));
      kernels.addRowDots(-1, z.stream(0), z.stream(2), density.order(2));
    }
  }

  /** ‖z‖² of each of this worker's rows, after {@link #forward}; float64 [1,rows]. */
  public Matrix latentSquares() {
    return latentSquares.order(0);
  }

  private void addBaseDensity(double[] squares, double[] logProb) {
    double constant = -flow.dimension() * HALF_LOG_TWO_PI;
    for (int r = 0; r < squares.length; r++) {
      logProb[r] = logProb[r] - 0.5 * squares[r] + constant;
    }
  }

  /**
   * s = ∇ℓ at the input's order-0 stream, [rows,dimension]. The score's cotangents stay at every
   * boundary: they are those of the highest stream in {@link #backward}.
   */
  public Matrix score() {
    requireBackward();
    int last = values.length - 1;
    kernels.combine(-1, output().stream(0), 0, output().stream(0), topCotangents[last].stream(0));
    for (int i = last - 1; i >= 0; i--) {
      flow.layers()
          .get(i)
          .backward(topCotangents[i + 1], one, workspaces[i], topCotangents[i], 0, null);
    }
    return topCotangents[0].stream(0);
  }

  /** What {@link #score} returned, as long as no {@link #backward} has overwritten it. */
  public Matrix scoreCotangent() {
    requireBackward();
    return topCotangents[0].stream(0);
  }

  /**
   * Gradient of Σ_rows Σ_k seed_k·φ_k after {@link #score}: the seed of the highest order must be
   * one in every row (zero in those of {@link #zeroRow}), its cotangents are those of the score and
   * are not computed again.
   *
   * @param seed per order and row, read
   */
  public void backwardAfterScore(LogDet seed, Gradients gradients) {
    requireBackward();
    seedLowerStreams(seed, order - 1);
    pull(seed, order - 1, -1, gradients);
  }

  /**
   * Gradient of Σ_rows Σ_k seed_k·φ_k in the parameters, and in the input when {@code wantInput}:
   * then {@link #inputBar} holds it.
   *
   * @param seed per order and row, read
   */
  public void backward(LogDet seed, boolean wantInput, Gradients gradients) {
    requireBackward();
    Jet z = output();
    Jet zBar = cotangents[cotangents.length - 1];
    kernels.scaleRows(-1, seed.order(order), z.stream(0), zBar.stream(order));
    seedLowerStreams(seed, order - 1);
    pull(seed, order, wantInput ? order : -1, gradients);
  }

  /**
   * Pulls cotangents of the output, written by the caller to {@link #outputBar}, back to the
   * parameters; for flows whose Jacobian is constant.
   */
  public void pullBack(Gradients gradients) {
    requireBackward();
    pull(density, order, -1, gradients);
  }

  /** z̄1 = -c1 z0 - 2 c2 z1, z̄0 = -c0 z0 - c1 z1 - c2 z2, of the orders up to {@code toOrder}. */
  private void seedLowerStreams(LogDet seed, int toOrder) {
    Jet z = output();
    Jet zBar = cotangents[cotangents.length - 1];
    if (toOrder >= 1) {
      kernels.scaleRows(-1, seed.order(1), z.stream(0), zBar.stream(1));
      kernels.addScaledRows(-2, seed.order(2), z.stream(1), zBar.stream(1));
    }
    if (toOrder >= 0) {
      kernels.scaleRows(-1, seed.order(0), z.stream(0), zBar.stream(0));
      for (int k = 1; k <= order; k++) {
        kernels.addScaledRows(-1, seed.order(k), z.stream(k), zBar.stream(0));
      }
    }
  }

  private void requireBackward() {
    if (cotangents.length == 0) {
      throw new IllegalStateException("FlowPass: this one was made for forward passes only");
    }
  }

  private void pull(LogDet seed, int toOrder, int inputOrder, Gradients gradients) {
    for (int i = flow.layers().size() - 1; i >= 0; i--) {
      flow.layers()
          .get(i)
          .backward(
              cotangents[i + 1],
              seed,
              workspaces[i],
              cotangents[i],
              i == 0 ? inputOrder : toOrder,
              gradients);
    }
  }

  /** Cotangents of the input. */
  public Jet inputBar() {
    requireBackward();
    return cotangents[0];
  }

  /** Cotangents of the output. */
  public Jet outputBar() {
    requireBackward();
    return cotangents[cotangents.length - 1];
  }

  /**
   * Makes a row vanish from everything a backward pass reads: a row whose loss is not finite counts
   * as nothing. Its seeds must be zero too.
   */
  public void zeroRow(int row) {
    requireBackward();
    for (int i = 0; i < values.length; i++) {
      shared[i].zeroRow(firstRow + row);
      for (int k = 0; k <= order; k++) {
        values[i].stream(k).rows(row, row + 1).fill(0);
        cotangents[i].stream(k).rows(row, row + 1).fill(0);
      }
    }
  }

  /**
   * Lets one layer set its data-dependent weights from the order-0 stream that reaches it, then
   * pushes that on. Boundaries before it were pushed already.
   */
  void initializeLayer(int i) {
    Layer layer = flow.layers().get(i);
    layer.initialize(values[i].stream(0), flow.parameters());
    layer.forward(values[i], values[i + 1], density, workspaces[i], 0, 0);
  }

  /** x = g⁻¹(z): reads {@code z} and overwrites {@code x}, both [rows,dimension] of this worker. */
  public void inverse(Matrix z, Matrix x) {
    List<Layer> layers = flow.layers();
    Matrix y = z;
    for (int i = layers.size() - 1; i >= 0; i--) {
      Matrix target = i == 0 ? x : scratch(i);
      layers.get(i).inverse(y, target, workspaces[i]);
      y = target;
    }
  }

  private Matrix scratch(int boundary) {
    Matrix found = scratch[boundary];
    if (found == null) {
      found = Matrix.allocate(flow.precision(), rows, flow.dimension());
      scratch[boundary] = found;
    }
    return found;
  }

  /** The pass's highest order of streams. */
  public int order() {
    return order;
  }
}
