package org.ebflow.flow.pass;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.function.Supplier;
import org.ebflow.linalg.Matrix;
import org.ebflow.linalg.Operand;
import org.ebflow.linalg.Worker;
import org.jspecify.annotations.Nullable;

/**
 * Gradients of a loss in all parameters, as one worker of a team sees them.
 *
 * <p>What is stored are sums over the rows of the batch. The gradient of the mean loss is {@link
 * #scale} times these sums, and whoever reads them multiplies: the optimizer does so on its pass.
 * The products that fill the sums are unscaled, because oneDNN's bfloat16 products are slow with
 * any factor but 1 (docs/tried-and-rejected.md).
 *
 * <p>A backward pass sums nothing over the batch. It notes {@link Term}s, and {@link #finish} sums
 * them when all rows have been pulled back. Each worker then sums its own part of every block, so
 * that gradients cost no meeting of the workers at each layer. The first term of a block overwrites
 * it, so that no step zeroes the sums. The noted jets must stay unchanged until {@link #finish}.
 */
public final class Gradients {
  private final Worker worker;
  private final Compute compute;
  private final Parameters sums;
  private final IdentityHashMap<Parameter, Integer> index = new IdentityHashMap<>();
  private final boolean[] written;
  private final List<Term> noted = new ArrayList<>();
  private final List<Term> pullBacks = new ArrayList<>();
  private final Pool<ProductTerm> products = new Pool<>(ProductTerm::new);
  private final Pool<ColumnSumsTerm> columnSums = new Pool<>(ColumnSumsTerm::new);
  private double scale = 1;
  private @Nullable WeightRule rule;

  /**
   * A sum over the batch that is a part of the gradient of one block, or of a few blocks. A layer
   * makes its terms once ({@link Workspace#object}), so that a step allocates nothing.
   */
  @FunctionalInterface
  public interface Term {
    /**
     * Adds this worker's part of the sum to {@link Gradients#of}, or overwrites it where {@link
     * Gradients#isFirst} says so. Every worker calls it, after all rows of the batch were pulled
     * back.
     */
    void sumInto(Gradients gradients);
  }

  /** Terms that are used again in every step. */
  private static final class Pool<T extends Term> {
    private final Supplier<T> make;
    private final List<T> terms = new ArrayList<>();
    private int used;

    Pool(Supplier<T> make) {
      this.make = make;
    }

    T next() {
      if (used == terms.size()) {
        terms.add(make.get());
      }
      return terms.get(used++);
    }
  }

  /** For one worker; {@code sums} is shared by the team. */
  public Gradients(Worker worker, Compute compute, Parameters sums) {
    this.worker = worker;
    this.compute = compute;
    this.sums = sums;
    this.written = new boolean[sums.blocks().size()];
    for (int i = 0; i < sums.blocks().size(); i++) {
      index.put(sums.blocks().get(i), i);
    }
  }

  /**
   * Starts a step: the first term of each block will overwrite what is there. The gradient will be
   * {@code scale} times the sums.
   */
  public void begin(double scale) {
    begin(scale, null);
  }

  /** As {@link #begin(double)}; dense layers that are trained follow that rule. */
  public void begin(double scale, @Nullable WeightRule rule) {
    this.scale = scale;
    this.rule = rule;
    forgetTerms();
    Arrays.fill(written, false);
  }

  private void forgetTerms() {
    noted.clear();
    pullBacks.clear();
    products.used = 0;
    columnSums.used = 0;
  }

  /**
   * Whether the gradient of that block is wanted: {@link Parameters#trains} says so of it, or of the
   * block that it is computed from.
   */
  public boolean wants(Parameter block) {
    return sums.wantsGradient(block);
  }

  /** What dense layers sum in place of their weights' gradients; null for the gradients. */
  public @Nullable WeightRule weightRule() {
    return rule;
  }

  /** Notes a term of a layer's own. */
  public void add(Term term) {
    noted.add(term);
  }

  /**
   * Notes what pulls the complete gradient of a computed weight back to the block that it is
   * computed from, or takes from it what is always zero. A term that was noted before is not noted again.
   */
  public void addPullBack(Term term) {
    if (!pullBacks.contains(term)) {
      pullBacks.add(term);
    }
  }

  /** Notes W̄ += Σ_k ȳ_kᵀ x_k over the orders of yBar. */
  public void addProduct(Parameter weight, Jet yBar, Jet x) {
    ProductTerm term = products.next();
    term.weight = weight;
    term.left = compute.products().operand(worker, yBar, weight, 0, yBar.order());
    term.right = compute.products().operand(worker, x, weight, 0, yBar.order());
    add(term);
  }

  /** Notes b̄ += factor·Σ_rows of the stream of that order. */
  public void addColumnSums(Parameter bias, double factor, Jet yBar, int order) {
    ColumnSumsTerm term = columnSums.next();
    term.bias = bias;
    term.factor = factor;
    term.rows = yBar.whole(order, order);
    add(term);
  }

  /** leftᵀ·right, whose columns the workers share. */
  @SuppressWarnings("NullAway.Init") // set when it is noted
  private static final class ProductTerm implements Term {
    private Parameter weight;
    private Operand left;
    private Operand right;

    @Override
    public void sumInto(Gradients gradients) {
      int keep = gradients.isFirst(weight) ? 0 : 1;
      gradients
          .compute
          .blas()
          .multiply(gradients.worker, true, left, false, right, 1, keep, gradients.of(weight));
    }
  }

  /** A factor times the column sums of a matrix; each worker sums some columns. */
  @SuppressWarnings("NullAway.Init") // set when it is noted
  private static final class ColumnSumsTerm implements Term {
    private Parameter bias;
    private Matrix rows;
    private double factor;

    @Override
    public void sumInto(Gradients gradients) {
      Matrix sum = gradients.of(bias);
      int from = gradients.worker.from(sum.columns());
      int to = gradients.worker.to(sum.columns());
      if (gradients.isFirst(bias)) {
        gradients.zero(bias, from, to);
      }
      gradients.compute.kernels().rows().addColumnSums(factor, rows, sum, from, to);
    }
  }

  /**
   * Sums all that was noted since the step began or the last call, and pulls it back to the blocks
   * that weights are computed from. Every worker calls it; afterwards all blocks are complete for
   * all.
   */
  public void finish() {
    sum();
    pullBack();
  }

  /**
   * The first half of {@link #finish}, after which a caller may add to the sums of any weight, in
   * one worker. The workers must meet before {@link #pullBack}.
   */
  public void sum() {
    worker.barrier();
    for (int i = 0; i < noted.size(); i++) {
      noted.get(i).sumInto(this);
    }
    noted.clear();
    if (worker.rank() == 0) {
      for (int i = 0; i < written.length; i++) { // an iterator would be an allocation
        if (!written[i]) {
          written[i] = true;
          sums.of(sums.blocks().get(i)).fill(0);
        }
      }
    }
    worker.barrier();
  }

  /** The second half of {@link #finish}. */
  public void pullBack() {
    boolean any = !pullBacks.isEmpty(); // of every worker alike
    for (int i = 0; i < pullBacks.size(); i++) {
      pullBacks.get(i).sumInto(this);
    }
    forgetTerms();
    if (any) {
      worker.barrier();
    }
  }

  /**
   * Whether the caller's term is the first of that block in this step. The block then still holds
   * the last step's sum, and the caller overwrites its part of it. Only the first call in a step
   * returns true.
   */
  public boolean isFirst(Parameter parameter) {
    Integer i = index.get(parameter);
    if (i == null) {
      throw new IllegalArgumentException(
          "Gradients: no block " + parameter.name() + " of this flow");
    }
    boolean first = !written[i];
    written[i] = true;
    return first;
  }

  /** Zeroes columns {@code from} to {@code to} (exclusive) of the sum of a row [1,*]. */
  public void zero(Parameter row, int from, int to) {
    Matrix sum = of(row);
    for (int c = from; c < to; c++) {
      sum.set(0, c, 0);
    }
  }

  /** The worker whose parts these are. */
  public Worker worker() {
    return worker;
  }

  /** The arithmetic that computes the sums. */
  public Compute compute() {
    return compute;
  }

  /** The factor that turns the sums into the gradient. */
  public double scale() {
    return scale;
  }

  /** The sums of one block, shared by the workers; complete after {@link #finish}. */
  public Matrix of(Parameter parameter) {
    return sums.of(parameter);
  }

  /** All sums. */
  public Parameters sums() {
    return sums;
  }
}
