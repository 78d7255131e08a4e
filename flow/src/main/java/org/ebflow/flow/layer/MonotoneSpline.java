package org.ebflow.flow.layer;

import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.ebflow.flow.pass.Gradients;
import org.ebflow.flow.pass.Jet;
import org.ebflow.flow.pass.LogDet;
import org.ebflow.flow.pass.Parameter;
import org.ebflow.flow.pass.Workspace;
import org.ebflow.linalg.ElementwiseFunctions;
import org.ebflow.linalg.Matrix;
import org.ebflow.linalg.MonotoneSplineFunction;
import org.ebflow.linalg.Worker;
import org.jspecify.annotations.Nullable;

/**
 * Learned elementwise bijection, y_c = f_c(x_c) with f_c'(x) = Σ_k exp(θ_{k,c})·B_k(x) and f_c(0) =
 * 0, where B_k are the cubic B-splines on K+1 uniform knots from -R to R.
 *
 * <p>Derived here: docs/derivations/spline.md. θ = 0 is the identity. f' lies between the least and
 * the largest exp θ and is twice continuously differentiable; f'''' jumps at knots. Beyond the last
 * knots the outermost coefficients are repeated, so that f is linear from two knot distances beyond
 * ±R on, with the slopes of {@link #tails}.
 *
 * <p>Shapes (row-major): x, y [batch,D] per order; θ [K+3,D], of which the first and the last two
 * rows are blocks of their own when the tails are frozen; logDet [batch] nats, log|det ∂y/∂x| = Σ
 * log f'(x).
 *
 * <p>Domain and inverse: a bijection of the reals; the inverse is the root of a quartic within its
 * interval, to full precision.
 *
 * <p>Cost: per element that of about 50 FLOP and five gathered numbers, whatever K is; per pass and
 * worker a table of about 5·(K+6) numbers per column. Keeps one matrix [batch,D] per order for the
 * gradient.
 *
 * <p>Numerics: all terms of f and f' are positive, so their relative accuracy is full wherever θ is
 * moderate. NaN stays NaN, ±Inf stays ±Inf.
 *
 * <p>Threading: immutable but for its parameters.
 */
public final class MonotoneSpline implements Layer {
  static final String TYPE = "monotone_spline";
  private static final int MOST_INTERVALS = 1000;

  /** Within it, and the other way round, the cube of a knot distance is a float32. */
  private static final double MOST_RANGE = 1e6;

  /** Outermost coefficients of either side that make a tail. */
  private static final int TAIL = 2;

  private static final int BARS = ElementwiseMap.FREE_SLOT;
  private static final int UNWANTED = BARS + 3;
  private static final int TABLE = 0;
  private static final int GRADIENT = 0;

  private final int dimension;
  private final int intervals;
  private final double range;
  private final Tails tails;
  private final ElementwiseMap map;
  private final Parameter inner;
  private final List<Parameter> parameters;

  /** What becomes of the two outermost coefficients on either side, and so of the tails' slopes. */
  public enum Tails {
    /**
     * They keep their values and are untrained blocks. The default: few rows, or none, lie out
     * there, so that the likelihood drives free slopes without bound, and an unseen row that lies
     * further out is then given no density at all.
     */
    FROZEN,
    /** They are trained like the others. */
    FREE;

    /** As files name it. */
    public String fileName() {
      return name().toLowerCase(Locale.ROOT);
    }
  }

  /**
   * The identity.
   *
   * @param dimension numbers per row
   * @param intervals K, at least 1; at least 2 when the tails are frozen, else nothing is trained
   * @param range R, the knots lie between -R and R
   */
  public MonotoneSpline(int dimension, int intervals, double range, Tails tails) {
    check(intervals, range, tails);
    this.dimension = dimension;
    this.intervals = intervals;
    this.range = range;
    this.tails = tails;
    this.map = new ElementwiseMap(ElementwiseFunctions::monotoneSpline);
    int count = MonotoneSplineFunction.coefficients(intervals);
    if (tails == Tails.FREE) {
      inner = new Parameter("theta", count, dimension, Initializers.constant(0));
      parameters = List.of(inner);
    } else {
      inner = new Parameter("theta", count - 2 * TAIL, dimension, Initializers.constant(0));
      parameters = List.of(tail("left_tail"), inner, tail("right_tail"));
    }
  }

  /**
   * Refuses impossible values of a spline.
   *
   * @throws IllegalArgumentException naming the value
   */
  public static void check(int intervals, double range, Tails tails) {
    int least = tails == Tails.FROZEN ? 2 : 1;
    if (intervals < least || intervals > MOST_INTERVALS) {
      throw new IllegalArgumentException(
          "intervals is "
              + intervals
              + ", expected "
              + least
              + " to "
              + MOST_INTERVALS
              + " with "
              + tails.fileName()
              + " tails");
    }
    if (!(range >= 1 / MOST_RANGE && range <= MOST_RANGE)) {
      throw new IllegalArgumentException(
          "range is " + range + ", expected " + 1 / MOST_RANGE + " to " + MOST_RANGE);
    }
  }

  private Parameter tail(String name) {
    return new Parameter(name, TAIL, dimension, Initializers.constant(0), false);
  }

  static MonotoneSpline of(Description description, Shape input) {
    String tails = description.text("tails");
    return new MonotoneSpline(
        input.size(),
        description.count("intervals"),
        description.number("range"),
        Arrays.stream(Tails.values())
            .filter(value -> value.fileName().equals(tails))
            .findFirst()
            .orElseThrow(
                () ->
                    new IllegalArgumentException(
                        "tails is " + tails + ", expected frozen or free")));
  }

  @Override
  public Map<String, Object> description() {
    return Description.of(TYPE, "intervals", intervals, "range", range, "tails", tails.fileName());
  }

  @Override
  public List<Parameter> parameters() {
    return parameters;
  }

  @Override
  public int dimension() {
    return dimension;
  }

  /** K, the number of intervals between the first and the last knot. */
  public int intervals() {
    return intervals;
  }

  /** R, the last knot. */
  public double range() {
    return range;
  }

  /** Whether the outermost slopes are trained. */
  public Tails tails() {
    return tails;
  }

  @Override
  public void forward(Jet x, Jet y, LogDet logDet, Workspace kept, int fromOrder, int toOrder) {
    Matrix table = fromOrder == 0 ? tabulated(kept) : table(kept);
    map.forward(table, x, y, logDet, kept, fromOrder, toOrder);
  }

  @Override
  public void backward(
      Jet yBar,
      LogDet logDetBar,
      Workspace kept,
      Jet xBar,
      int toOrder,
      @Nullable Gradients gradients) {
    if (toOrder < 0 && gradients == null) {
      return;
    }
    // the kernels always give the lowest one
    Jet target = toOrder < 0 ? kept.jet(UNWANTED, dimension, 0) : xBar;
    Matrix[] bars = gradients == null ? null : kept.matrices(BARS, kept.order() + 1, dimension);
    map.backward(table(kept), yBar, logDetBar, kept, target, Math.max(0, toOrder), bars);
    if (gradients != null) {
      Gradient term = kept.object(GRADIENT, Gradient::new);
      term.note(this, yBar, kept); // y, log f' as functions of the table, pulled back to θ
      gradients.add(term);
    }
  }

  @Override
  public void inverse(Matrix y, Matrix x, Workspace kept) {
    function(kept).inverse(tabulated(kept), y, x);
  }

  /** The table of the pass's weights. */
  private Matrix tabulated(Workspace kept) {
    MonotoneSplineFunction function = function(kept);
    Matrix table = table(kept);
    int row = 0;
    for (int i = 0; i < parameters.size(); i++) {
      Parameter block = parameters.get(i);
      function.exponentiate(kept.value(block), table, row); // e = exp θ
      row += block.rows();
    }
    function.tabulate(intervals, range, table);
    return table;
  }

  /** Its memory, every worker's own. */
  private Matrix table(Workspace kept) {
    return kept.own(TABLE, function(kept).tableRows(intervals), dimension);
  }

  private static MonotoneSplineFunction function(Workspace kept) {
    return kept.kernels().functions().monotoneSpline();
  }

  /**
   * Sums the cotangents of all elements of this worker's columns into those of the table, and pulls
   * these back through it: f at a knot depends on all coefficients between zero and it.
   */
  @SuppressWarnings("NullAway.Init") // set when it is noted
  private static final class Gradient implements Gradients.Term {
    private MonotoneSpline layer;
    private MonotoneSplineFunction function;
    private Matrix table;
    private Matrix x;
    private Matrix fBar0;
    private Matrix[] fBars;
    private @Nullable Matrix tableBar;

    void note(MonotoneSpline noted, Jet yBar, Workspace kept) {
      layer = noted;
      function = function(kept);
      table = noted.table(kept);
      x = kept.jet().whole(0, 0);
      fBar0 = yBar.whole(0, 0);
      if (fBars == null) {
        fBars = new Matrix[kept.order() + 1];
        for (int k = 0; k < fBars.length; k++) {
          fBars[k] = kept.jet(BARS + k, noted.dimension, 0).whole(0, 0);
        }
      }
    }

    @Override
    public void sumInto(Gradients gradients) {
      Worker worker = gradients.worker();
      int from = worker.from(layer.dimension);
      int to = worker.to(layer.dimension);
      Matrix own = tableBar;
      if (own == null) {
        own = Matrix.allocate(table.precision(), table.rows(), to - from);
        tableBar = own;
      }
      function.sumCotangents(table, x, fBar0, fBars, from, own);
      function.pullBackTable(table, own);
      int row = 0;
      for (int i = 0; i < layer.parameters.size(); i++) {
        Parameter block = layer.parameters.get(i);
        if (gradients.wants(block)) {
          Matrix sum = gradients.of(block);
          if (gradients.isFirst(block)) {
            zero(sum, from, to);
          }
          function.addGradient(table, own, row, from, sum);
        }
        row += block.rows();
      }
    }

    private static void zero(Matrix sum, int from, int to) {
      for (int r = 0; r < sum.rows(); r++) {
        for (int c = from; c < to; c++) {
          sum.set(r, c, 0);
        }
      }
    }
  }

  @Override
  public String toString() {
    return "MonotoneSpline(" + dimension + ", " + intervals + " intervals)";
  }
}
