package org.ebflow.flow;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.IdentityHashMap;
import java.util.List;
import org.ebflow.linalg.Blas;
import org.ebflow.linalg.Factor;
import org.ebflow.linalg.Kernels;
import org.ebflow.linalg.Matrix;
import org.ebflow.linalg.Worker;
import org.jspecify.annotations.Nullable;

/**
 * Gradients of a loss in all parameters, as one worker accumulates them: sums over the batch, and
 * one {@link #scale} that makes them the gradient of a mean. Whoever reads the sums applies it, on
 * a pass over them that it makes anyway; the products that fill them have the factor 1, the only
 * one with which oneDNN's bfloat16 products are fast (docs/tried-and-rejected.md).
 *
 * <p>Backward passes only note what is to be summed over the batch; {@link #finish} does it once
 * all rows are there, each worker its own part of every block: one meeting of the workers for a
 * whole step, and no zeroing. The noted jets must stay as they are until then.
 */
public final class Gradients {
  private final Worker worker;
  private final Compute compute;
  private final Parameters sums;
  private final IdentityHashMap<Parameter, Integer> index = new IdentityHashMap<>();
  private final boolean[] written;
  private final IdentityHashMap<Parameter, OwnRows> ownRows = new IdentityHashMap<>();
  private final IdentityHashMap<Jet, Matrix> ownColumns = new IdentityHashMap<>();
  private final List<Term> terms = new ArrayList<>();
  private int noted;
  private double scale = 1;

  /**
   * leftᵀ·right when they are given, pulled back from a normalised weight to its direction (the
   * parameter) and magnitude when there is one; else factor times the column sums of stream k of
   * yBar.
   */
  private static final class Term {
    Parameter parameter;
    Jet yBar;
    @Nullable Factor left;
    @Nullable Factor right;
    @Nullable Parameter magnitude;
    @Nullable Parameters weights;
    int order;
    double factor;

    Term(Parameter parameter, Jet yBar) {
      this.parameter = parameter;
      this.yBar = yBar;
    }
  }

  /**
   * What this worker sums of a normalised weight's cotangent, and the same rows of its direction's.
   */
  private record OwnRows(int from, Matrix weightBar, Matrix directionBar) {}

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

  /** Starts a step: forgets what was summed. The gradient will be {@code scale} times the sums. */
  public void begin(double scale) {
    this.scale = scale;
    noted = 0;
    Arrays.fill(written, false);
  }

  /** Notes W̄ += Σ_k ȳ_kᵀ x_k over the orders of yBar. */
  public void addProduct(Parameter weight, Jet yBar, Jet x) {
    Term term = next(weight, yBar);
    int order = yBar.order();
    term.left = yBar.whole(0, order);
    term.right = x.whole(0, order);
    RoundedJet roundedYBar = yBar.rounded();
    RoundedJet roundedX = x.rounded();
    if (compute.rounded(weight) != null && roundedYBar != null && roundedX != null) {
      roundedYBar.round(compute.kernels().bfloat16(), yBar, 0, order);
      roundedX.round(compute.kernels().bfloat16(), x, 0, order);
      term.left = roundedYBar.whole(0, order);
      term.right = roundedX.whole(0, order);
    }
  }

  /**
   * Notes W̄ = Σ_k ȳ_kᵀ x_k over the orders of yBar for a weight W whose rows are those of {@code
   * direction} scaled to the lengths in {@code magnitude}: v̄ += (g/‖v‖)(W̄ - (W̄·v̂)v̂) and ḡ +=
   * W̄·v̂ per row, v̂ = v/‖v‖.
   *
   * @param weights where the values of both are, unchanged until {@link #finish}
   */
  public void addNormalisedProduct(
      Parameter direction, Parameter magnitude, Parameters weights, Jet yBar, Jet x) {
    Term term = next(direction, yBar);
    term.left = ownColumns(yBar);
    term.right = x.whole(0, yBar.order());
    term.magnitude = magnitude;
    term.weights = weights;
  }

  /** This worker's share of the columns of all orders, as each has its own rows of W̄. */
  private Matrix ownColumns(Jet yBar) {
    Matrix found = ownColumns.get(yBar);
    if (found == null) {
      Matrix all = yBar.whole(0, yBar.order());
      found = all.columns(worker.from(all.columns()), worker.to(all.columns()));
      ownColumns.put(yBar, found);
    }
    return found;
  }

  private OwnRows ownRows(Parameter direction) {
    OwnRows found = ownRows.get(direction);
    if (found == null) {
      int from = worker.from(direction.rows());
      int to = worker.to(direction.rows());
      found =
          new OwnRows(
              from,
              Matrix.allocate(sums.precision(), to - from, direction.columns()),
              sums.of(direction).rows(from, to));
      ownRows.put(direction, found);
    }
    return found;
  }

  /** Notes b̄ += factor·Σ_rows of the stream of that order. */
  public void addColumnSums(Parameter bias, double factor, Jet yBar, int order) {
    Term term = next(bias, yBar);
    term.left = null;
    term.right = null;
    term.order = order;
    term.factor = factor;
  }

  private Term next(Parameter parameter, Jet yBar) {
    if (noted == terms.size()) {
      terms.add(new Term(parameter, yBar));
    }
    Term term = terms.get(noted++);
    term.parameter = parameter;
    term.yBar = yBar;
    term.magnitude = null;
    term.weights = null;
    return term;
  }

  /**
   * Sums all that was noted since the step began or the last call. Every worker calls it;
   * afterwards all blocks are complete for all.
   */
  public void finish() {
    worker.barrier();
    Kernels kernels = compute.kernels();
    Blas blas = compute.blas();
    for (int i = 0; i < noted; i++) {
      Term term = terms.get(i);
      Matrix sum = sums.of(term.parameter);
      boolean first = first(term.parameter);
      Factor left = term.left;
      Factor right = term.right;
      if (term.magnitude != null && term.weights != null && left != null && right != null) {
        addNormalised(left, right, term.parameter, term.magnitude, term.weights, first);
      } else if (left != null && right != null) {
        blas.multiply(worker, true, left, false, right, 1, first ? 0 : 1, sum);
      } else {
        int from = worker.from(sum.columns());
        int to = worker.to(sum.columns());
        if (first) {
          zero(sum, from, to);
        }
        kernels
            .rows()
            .addColumnSums(term.factor, term.yBar.whole(term.order, term.order), sum, from, to);
      }
    }
    noted = 0;
    if (worker.rank() == 0) {
      for (Parameter parameter : sums.blocks()) {
        if (first(parameter)) {
          sums.of(parameter).fill(0);
        }
      }
    }
    worker.barrier();
  }

  /**
   * This worker's rows of W̄, which need no other worker's: norms and dots are per row. The
   * pull-back is linear in W̄, so every term goes through it by itself.
   */
  private void addNormalised(
      Factor yBar,
      Factor x,
      Parameter direction,
      Parameter magnitude,
      Parameters weights,
      boolean firstOfDirection) {
    OwnRows own = ownRows(direction);
    Matrix magnitudeBar = sums.of(magnitude);
    if (firstOfDirection) {
      own.directionBar.fill(0);
    }
    if (first(magnitude)) {
      zero(magnitudeBar, own.from, own.from + own.weightBar.rows());
    }
    compute.blas().multiply(true, yBar, false, x, 1, 0, own.weightBar);
    compute
        .kernels()
        .rows()
        .pullBackNormalisedRows(
            weights.of(direction),
            weights.of(magnitude),
            own.weightBar,
            sums.of(direction),
            magnitudeBar,
            own.from);
  }

  private boolean first(Parameter parameter) {
    Integer i = index.get(parameter);
    if (i == null) {
      throw new IllegalArgumentException(
          "Gradients: no block " + parameter.name() + " of this flow");
    }
    boolean first = !written[i];
    written[i] = true;
    return first;
  }

  private static void zero(Matrix row, int from, int to) {
    for (int c = from; c < to; c++) {
      row.set(0, c, 0);
    }
  }

  /** The gradient is so many times the sums. */
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
