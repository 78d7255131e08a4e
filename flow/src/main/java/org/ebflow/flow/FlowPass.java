package org.ebflow.flow;

import org.ebflow.flow.layer.Sequence;
import org.ebflow.flow.pass.Compute;
import org.ebflow.flow.pass.Gradients;
import org.ebflow.flow.pass.Jet;
import org.ebflow.flow.pass.LogDet;
import org.ebflow.flow.pass.Workspace;
import org.ebflow.linalg.Matrix;
import org.ebflow.linalg.RowKernels;
import org.ebflow.linalg.Team;

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
  private final Sequence layers;
  private final RowKernels kernels;
  private final int order;
  private final boolean backward;
  private final Workspace workspace;
  private final Jet input;
  private final Jet output;
  private final LogDet density;
  private final LogDet latentSquares;
  private final LogDet one;
  private boolean latentRotated;

  private FlowPass(Flow flow, Workspace workspace, boolean backward) {
    this.flow = flow;
    this.layers = flow.sequence();
    this.kernels = workspace.kernels().rows();
    this.workspace = workspace;
    this.order = workspace.order();
    this.backward = backward;
    int last = layers.layers().size();
    input = workspace.boundary(0, flow.dimension());
    output = workspace.boundary(last, flow.dimension());
    density = new LogDet(order, rows());
    latentSquares = new LogDet(0, rows());
    one = new LogDet(0, rows());
    one.fill(0, 1);
  }

  /** The passes of all workers of a team over one batch, in the order of their ranks. */
  public static FlowPass[] forTeam(Flow flow, Compute compute, Team team, int batch, int order) {
    return forTeam(flow, compute, team, batch, order, true);
  }

  /**
   * Passes of order 0 that only go forward, as those that score or invert. They keep nothing for a
   * backward pass and refuse one. {@link #forward} may overwrite the input.
   */
  public static FlowPass[] forwardOnly(Flow flow, Compute compute, Team team, int batch) {
    return forTeam(flow, compute, team, batch, 0, false);
  }

  private static FlowPass[] forTeam(
      Flow flow, Compute compute, Team team, int batch, int order, boolean backward) {
    Workspace[] workspaces =
        Workspace.forTeam(compute, flow.parameters(), team, batch, order, backward);
    FlowPass[] passes = new FlowPass[workspaces.length];
    for (int rank = 0; rank < passes.length; rank++) {
      passes[rank] = new FlowPass(flow, workspaces[rank], backward);
    }
    return passes;
  }

  /**
   * Says that the latent of this pass is the flow's only up to an orthogonal map, see {@link
   * ScoringPlan}, and returns the pass.
   */
  FlowPass withRotatedLatent() {
    latentRotated = true;
    return this;
  }

  /** This worker's number of rows. */
  public int rows() {
    return workspace.rows();
  }

  /** Number of this worker's first row in the batch. */
  public int firstRow() {
    return workspace.firstRow();
  }

  /** Zeroed seeds for {@link #backward}, of this pass's shape. */
  public LogDet newSeed() {
    return new LogDet(order, rows());
  }

  /** The input jet, written by the caller. */
  public Jet input() {
    return input;
  }

  /**
   * The output jet of the last layer.
   *
   * @throws IllegalStateException if the pass is one of a {@link ScoringPlan} that gives the norm
   *     of the latent but not the latent
   */
  public Jet output() {
    if (latentRotated) {
      throw new IllegalStateException(
          "FlowPass.output: this pass computes the latent up to a rotation, only its norm is the flow's");
    }
    return output;
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
    layers.forward(input, output, density, workspace, fromOrder, toOrder);
  }

  /**
   * Pushes the streams of the given orders through all layers and adds the base density: {@link
   * #density} holds φ.
   */
  public void forward(int fromOrder, int toOrder) {
    push(fromOrder, toOrder);
    Jet z = output;
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
   * s = ∇ℓ at the input's order-0 stream, [rows,dimension]. Its cotangents stay at every boundary,
   * where {@link #backwardAfterScore} takes them for those of the highest order.
   */
  public Matrix score() {
    requireBackward();
    Matrix z = output.stream(0);
    Jet zBar = outputBar(0);
    kernels.combine(-1, z, 0, z, zBar.stream(0));
    workspace.afterScore(false);
    layers.backward(zBar, one, workspace, inputBar(0), 0, null);
    return inputBar(0).stream(0);
  }

  /** What {@link #score} returned, as long as no {@link #backward} has overwritten it. */
  public Matrix scoreCotangent() {
    requireBackward();
    return inputBar(0).stream(0);
  }

  /**
   * Gradient of Σ_rows Σ_k seed_k·φ_k after {@link #score}. The cotangents of the highest order are
   * those of the score and are not computed again. So the seed of the highest order must be one in
   * every row, or zero in those of {@link #zeroRow}.
   *
   * @param seed per order and row, read
   */
  public void backwardAfterScore(LogDet seed, Gradients gradients) {
    requireBackward();
    seedLowerStreams(seed);
    workspace.afterScore(true);
    layers.backward(outputBar(), seed, workspace, inputBar(), -1, gradients);
  }

  /**
   * Gradient of Σ_rows Σ_k seed_k·φ_k in the parameters, and in the input when {@code wantInput}:
   * then {@link #inputBar} holds it.
   *
   * @param seed per order and row, read
   */
  public void backward(LogDet seed, boolean wantInput, Gradients gradients) {
    requireBackward();
    Jet z = output;
    kernels.scaleRows(-1, seed.order(order), z.stream(0), outputBar().stream(order));
    seedLowerStreams(seed);
    pull(seed, wantInput ? order : -1, gradients);
  }

  /**
   * Pulls cotangents of the output, written by the caller to {@link #outputBar}, back to the
   * parameters; for flows whose Jacobian is constant.
   */
  public void pullBack(Gradients gradients) {
    requireBackward();
    pull(density, -1, gradients);
  }

  /** z̄1 = -c1 z0 - 2 c2 z1, z̄0 = -c0 z0 - c1 z1 - c2 z2, of all orders but the highest. */
  private void seedLowerStreams(LogDet seed) {
    Jet z = output;
    Jet zBar = outputBar();
    if (order == 2) {
      kernels.scaleRows(-1, seed.order(1), z.stream(0), zBar.stream(1));
      kernels.addScaledRows(-2, seed.order(2), z.stream(1), zBar.stream(1));
    }
    if (order >= 1) {
      kernels.scaleRows(-1, seed.order(0), z.stream(0), zBar.stream(0));
      for (int k = 1; k <= order; k++) {
        kernels.addScaledRows(-1, seed.order(k), z.stream(k), zBar.stream(0));
      }
    }
  }

  private void requireBackward() {
    if (!backward) {
      throw new IllegalStateException("FlowPass: this one was made for forward passes only");
    }
  }

  private void pull(LogDet seed, int inputOrder, Gradients gradients) {
    workspace.afterScore(false);
    layers.backward(outputBar(), seed, workspace, inputBar(), inputOrder, gradients);
  }

  /** Cotangents of the input. */
  public Jet inputBar() {
    requireBackward();
    return inputBar(order);
  }

  /** Cotangents of the output. */
  public Jet outputBar() {
    requireBackward();
    return outputBar(order);
  }

  private Jet inputBar(int barOrder) {
    return workspace.boundaryBar(0, flow.dimension(), barOrder);
  }

  private Jet outputBar(int barOrder) {
    return workspace.boundaryBar(layers.layers().size(), flow.dimension(), barOrder);
  }

  /**
   * Zeroes a row in everything that a backward pass reads, so that a row whose loss is not finite
   * adds nothing to a gradient. The caller zeroes its seeds too.
   */
  public void zeroRow(int row) {
    requireBackward();
    workspace.zeroRow(row);
  }

  /**
   * Lets the layers set their data-dependent weights one after the other, each from the order-0
   * stream that reaches it.
   */
  void initialize() {
    layers.initialize(input, output, density, workspace);
  }

  /** x = g⁻¹(z): reads {@code z} and overwrites {@code x}, both [rows,dimension] of this worker. */
  public void inverse(Matrix z, Matrix x) {
    layers.inverse(z, x, workspace);
  }

  /** The pass's highest order of streams. */
  public int order() {
    return order;
  }
}
