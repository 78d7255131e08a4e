package org.ebflow.flow;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import org.ebflow.flow.layer.ConstantJacobian;
import org.ebflow.flow.layer.ConstantJacobian.AffineMap;
import org.ebflow.flow.layer.Layer;
import org.ebflow.flow.pass.Compute;
import org.ebflow.flow.pass.DerivedOperands;
import org.ebflow.flow.pass.Parameter;
import org.ebflow.flow.pass.Parameters;
import org.ebflow.linalg.BFloat16Matrix;
import org.ebflow.linalg.Blas;
import org.ebflow.linalg.KernelChoice;
import org.ebflow.linalg.Matrix;
import org.ebflow.linalg.Operand;
import org.ebflow.linalg.PackedWeight;
import org.ebflow.linalg.Precision;
import org.ebflow.linalg.Team;
import org.jspecify.annotations.Nullable;

/**
 * How the densities of many rows are computed. Passes of one thread each run side by side. The bits
 * of a row's density depend neither on the other rows nor on its place among them.
 *
 * <p>Four things are decided here and nowhere else:
 *
 * <ul>
 *   <li>Batch invariance. Products by packed weights are the BLAS's. All products are the BLAS's
 *       where it packs no weight, every weight is large, and it is batch-invariant for each of them
 *       ({@link Blas#isBatchInvariant}). All other products are computed by {@link
 *       Blas#batchInvariant}.
 *   <li>Packed weights. Large weights are copied once to native memory, in the layout in which the
 *       BLAS reads them, where it has such a layout and is batch-invariant with it.
 *   <li>Derived operands ({@link Parameter#derived}), such as those of convolutions. They are made
 *       once, and products by them are the BLAS's where it is batch-invariant for them.
 *   <li>The last layer by QR. log p depends on the latent z = W x + b only through ‖z‖, and no
 *       orthogonal map changes that norm. With W = Q·R the plan multiplies by R in place of W, adds
 *       Qᵀb in place of b, and leaves out products with the zeros of R: docs/decisions/0009.
 * </ul>
 *
 * <p>The weights may not change. Threading: thread-safe, but for {@link #close}.
 */
public final class ScoringPlan implements AutoCloseable {
  private final Flow flow;
  private final Blas blas;
  private final int few;
  private final int batch;
  private final Map<Parameter, List<PackedWeight>> packed = new ConcurrentHashMap<>();
  private final Map<Parameter, Matrix> rotatedBiases = new ConcurrentHashMap<>();
  private final Compute compute;
  private final double logZ;

  private ScoringPlan(
      Flow flow,
      Blas blas,
      int few,
      int batch,
      Team team,
      Compute base,
      Map<Parameter, ? extends Operand> large) {
    this.flow = flow;
    this.blas = blas;
    this.few = few;
    this.batch = batch;
    pack(large, base.rounds(), team);
    this.logZ = flow.logZ(blas);
    this.compute = base.packed(blasOfOthers(large), packed, rotatedBiases);
  }

  /**
   * For batches of two sizes.
   *
   * @param few rows of the smaller batches, for requests of few rows; at most {@code batch}
   * @param batch rows of the larger batches
   * @param team divides the work of packing, and that of log Z
   */
  public static ScoringPlan of(Flow flow, Blas blas, int few, int batch, Team team) {
    Parameters weights = flow.parameters();
    Map<Parameter, Matrix> large = new LinkedHashMap<>();
    for (Parameter block : weights.blocks()) {
      if (Compute.isLarge(weights, block)) {
        large.put(block, weights.of(block));
      }
    }
    return new ScoringPlan(
        flow, blas, few, batch, team, Compute.of(weights.precision(), blas), large);
  }

  /**
   * As {@link #of} with the operands of products by large weights and of convolutions rounded to
   * bfloat16, except for fully connected networks of couplings.
   *
   * @throws IllegalArgumentException if the weights are float64 or the BLAS has no such products,
   *     or they are not batch-invariant
   */
  public static ScoringPlan bfloat16(Flow flow, Blas blas, int few, int batch, Team team) {
    Compute base = Compute.bfloat16(flow.parameters(), blas, team);
    ScoringPlan plan = new ScoringPlan(flow, blas, few, batch, team, base, base.roundedBlocks());
    for (Parameter block : flow.parameters().blocks()) {
      boolean rounded = base.roundedBlocks().containsKey(block) || block.derived() != null;
      if (rounded && !plan.packed.containsKey(block)) {
        plan.close();
        throw new IllegalArgumentException(
            "ScoringPlan.bfloat16: a row's bfloat16 product by "
                + flow.parameters().names().get(flow.parameters().blocks().indexOf(block))
                + " depends on its place among others with backend "
                + blas.name()
                + " on this processor; score in float32");
      }
    }
    return plan;
  }

  private void pack(Map<Parameter, ? extends Operand> large, boolean rounds, Team team) {
    List<Runnable> tasks = new ArrayList<>();
    for (Parameter block : flow.parameters().blocks()) {
      DerivedOperands derived = block.derived();
      if (derived != null) {
        tasks.add(() -> prepare(block, derived, rounds));
      }
    }
    large.forEach(
        (block, weight) -> tasks.addFirst(() -> pack(block, weight))); // the longest first
    tasks.add(() -> flow.logZ(blas));
    AtomicInteger next = new AtomicInteger();
    try {
      team.run(
          worker -> {
            for (int i = next.getAndIncrement(); i < tasks.size(); i = next.getAndIncrement()) {
              tasks.get(i).run();
            }
          });
    } catch (RuntimeException | Error e) {
      close();
      throw e;
    }
  }

  private void pack(Parameter block, Operand weight) {
    AffineMap last = rotatable(block, weight);
    PackedWeight found = last == null ? blas.pack(few, batch, weight) : rotated(last, weight);
    if (found != null) {
      packed.put(block, List.of(found));
    }
  }

  /** Prepares all that is derived from a block, or nothing. */
  private void prepare(Parameter block, DerivedOperands derived, boolean rounds) {
    int rowsOfFew = derived.rowsOfProducts(few);
    int rowsOfBatch = derived.rowsOfProducts(batch);
    if (rowsOfFew < 0 || rowsOfBatch < 0) {
      return;
    }
    List<PackedWeight> prepared = new ArrayList<>();
    for (Matrix matrix : derived.forward(flow.parameters().of(block))) {
      Operand operand = rounds ? rounded(matrix) : matrix;
      PackedWeight one = blas.keep(rowsOfFew, rowsOfBatch, operand);
      if (one == null && rounds) { // in float32 the batch-invariant BLAS is about as fast
        one = blas.pack(rowsOfFew, rowsOfBatch, operand);
      }
      if (one == null) {
        prepared.forEach(PackedWeight::close);
        return;
      }
      prepared.add(one);
    }
    packed.put(block, List.copyOf(prepared));
  }

  /**
   * The last layer if it is fully connected, the block is its weight, and no other layer has it
   * too; else null.
   */
  private @Nullable AffineMap rotatable(Parameter block, Operand weight) {
    Layer layer = flow.layers().getLast();
    AffineMap last = layer instanceof ConstantJacobian constant ? constant.affineMap() : null;
    boolean alone =
        flow.layers().stream().filter(other -> other.parameters().contains(block)).count() == 1;
    return last != null
            && last.weight().equals(block)
            && alone
            && blas.packsUpperTriangular(few, batch, weight)
        ? last
        : null;
  }

  /**
   * Packs R of W = Q·R and keeps Qᵀb. Both are computed in float64 and rounded to the weights'
   * precision.
   */
  private @Nullable PackedWeight rotated(AffineMap last, Operand weight) {
    Parameters weights = flow.parameters();
    int d = flow.dimension();
    Matrix both = Matrix.allocate(weights.precision(), d, d + 1);
    both.columns(0, d).copyFrom(weights.of(last.weight()));
    Matrix bias = weights.of(last.bias());
    for (int r = 0; r < d; r++) {
      both.set(r, d, bias.get(0, r));
    }
    Matrix factor = Matrix.allocate(weights.precision(), d, d + 1);
    blas.triangularFactor(both, factor); // [W b] = Q·[R Qᵀb]
    Matrix rotatedBias = Matrix.allocate(weights.precision(), 1, d);
    for (int r = 0; r < d; r++) {
      rotatedBias.set(0, r, factor.get(r, d));
    }
    Matrix triangle = factor.columns(0, d);
    PackedWeight found =
        blas.packUpperTriangular(
            few, batch, weight instanceof Matrix ? triangle : rounded(triangle));
    if (found != null) {
      rotatedBiases.put(last.bias(), rotatedBias);
    }
    return found;
  }

  private static BFloat16Matrix rounded(Matrix exact) {
    BFloat16Matrix result = BFloat16Matrix.allocate(exact.rows(), exact.columns());
    KernelChoice.fastest(Precision.FLOAT32).bfloat16().round(exact, result);
    return result;
  }

  /**
   * What computes the products that no packed weight does: the BLAS itself if nothing is packed,
   * all weights are large and it is batch-invariant for each of them, else the batch-invariant one.
   */
  private Blas blasOfOthers(Map<Parameter, ? extends Operand> large) {
    Parameters weights = flow.parameters();
    for (Parameter block : weights.blocks()) {
      Matrix weight = weights.of(block);
      boolean row = weight.rows() == 1; // biases and scales: no operands of products
      if (!row
          && (!large.containsKey(block)
              || packed.containsKey(block)
              || !blas.isBatchInvariant(few, batch, weight))) {
        return Blas.batchInvariant();
      }
    }
    return blas;
  }

  /** A pass that goes forward only, for one thread. */
  public FlowPass pass(Team solo, int rows) {
    FlowPass pass = FlowPass.forwardOnly(flow, compute, solo, rows)[0];
    return rotatedBiases.isEmpty() ? pass : pass.withRotatedLatent();
  }

  /** log Z in nats. */
  public double logZ() {
    return logZ;
  }

  /** Whether that block was packed, or what is derived from it was prepared. */
  boolean packs(Parameter block) {
    return packed.containsKey(block);
  }

  /** Whether the latent is the flow's only up to an orthogonal map. */
  boolean rotatesLatent() {
    return !rotatedBiases.isEmpty();
  }

  /** What computes products by weights that are not packed. */
  Blas blas() {
    return compute.blas();
  }

  /** Frees native memory; no pass may run beside or follow. */
  @Override
  public void close() {
    packed.values().forEach(copies -> copies.forEach(PackedWeight::close));
    packed.clear();
    rotatedBiases.clear();
  }
}
