package org.ebflow.flow.layer;

import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.Function;
import org.ebflow.flow.pass.Gradients;
import org.ebflow.flow.pass.Jet;
import org.ebflow.flow.pass.LogDet;
import org.ebflow.flow.pass.Parameter;
import org.ebflow.flow.pass.Workspace;
import org.ebflow.linalg.ElementwiseBijection;
import org.ebflow.linalg.ElementwiseFunctions;
import org.ebflow.linalg.Matrix;
import org.jspecify.annotations.Nullable;

/**
 * Marginal Gaussianization, y_c = Φ⁻¹(F_c(x_c)) with F_c the distribution function of column c and
 * Φ that of the standard normal distribution.
 *
 * <p>Source: Chen and Gopinath 2000, "Gaussianization"; forms of F, jets and fits:
 * docs/derivations/margins.md.
 *
 * <p>Shapes (row-major): x, y [batch,D] per order; logDet [batch] nats, Σ log f_c'(x_c). The table
 * of all columns is a parameter that no optimizer trains: [D,3n] for histograms of n cells,
 * [D,3n+2] for n quantiles.
 *
 * <p>Domain and inverse: all reals. Histograms jump in f' at the whole numbers and go on linearly
 * beyond their cells; quantiles have two continuous derivatives but for the outermost knots, where
 * they have one, and go on logarithmically. The inverse is exact but where f' is so small or so
 * large that rounding of x or y is.
 *
 * <p>Cost: a table look-up per element (a binary search among quantiles). Keeps two numbers per
 * element for histograms, for quantiles two and one more per order. Threading: immutable.
 */
public final class MarginalGaussianization implements Layer {
  static final String TYPE = "marginal_gaussianization";

  private final Form form;
  private final ElementwiseMap map;
  private final Parameter table;

  /** How the distribution functions are given. */
  public enum Form {
    /** F linear on cells [k, k+1): counts of whole numbers. */
    HISTOGRAM(ElementwiseFunctions::histogramGaussianization, 0, 2),
    /** Φ⁻¹(F) a monotone rational quadratic spline through quantiles, with logarithmic tails. */
    QUANTILES(ElementwiseFunctions::quantileGaussianization, 2, 2);

    private static final int PER_CELL = 3;

    @SuppressWarnings("ImmutableEnumChecker") // a method reference
    private final Function<ElementwiseFunctions, ElementwiseBijection> function;

    private final int further;
    private final int least;

    Form(Function<ElementwiseFunctions, ElementwiseBijection> function, int further, int least) {
      this.function = function;
      this.further = further;
      this.least = least;
    }

    /** Width of the table with so many cells or knots. */
    public int width(int cells) {
      return PER_CELL * cells + further;
    }

    private boolean fits(int width) {
      return width >= width(least) && (width - further) % PER_CELL == 0;
    }
  }

  /**
   * With the table that {@link ElementwiseFunctions#histogramGaussianization} or {@link
   * ElementwiseFunctions#quantileGaussianization} describes.
   *
   * @param table [D,·] float64, not copied
   */
  public MarginalGaussianization(Form form, Matrix table) {
    this(form, table.rows(), table.columns(), (values, draws) -> values.copyFrom(table));
  }

  private MarginalGaussianization(
      Form form, int dimension, int width, Parameter.Initializer initializer) {
    if (!form.fits(width)) {
      throw new IllegalArgumentException(
          "MarginalGaussianization: a table of " + form + " has no width of " + width);
    }
    this.form = form;
    map = new ElementwiseMap(form.function::apply);
    table = new Parameter("table", dimension, width, initializer, false);
  }

  static MarginalGaussianization of(Description description, Shape input) {
    Form form;
    try {
      form = Form.valueOf(description.text("form").toUpperCase(Locale.ROOT));
    } catch (IllegalArgumentException e) {
      throw new IllegalArgumentException(
          "form is " + description.text("form") + ", expected histogram or quantiles", e);
    }
    return new MarginalGaussianization(
        form, input.size(), description.count("width"), Initializers.constant(0));
  }

  @Override
  public Map<String, Object> description() {
    return Description.of(
        TYPE, "form", form.name().toLowerCase(Locale.ROOT), "width", table.columns());
  }

  @Override
  public List<Parameter> parameters() {
    return List.of(table);
  }

  @Override
  public int dimension() {
    return table.rows();
  }

  @Override
  public void forward(Jet x, Jet y, LogDet logDet, Workspace kept, int fromOrder, int toOrder) {
    map.forward(kept.parameters().of(table), x, y, logDet, kept, fromOrder, toOrder);
  }

  @Override
  public void backward(
      Jet yBar,
      LogDet logDetBar,
      Workspace kept,
      Jet xBar,
      int toOrder,
      @Nullable Gradients gradients) {
    if (toOrder >= 0) {
      map.backward(kept.parameters().of(table), yBar, logDetBar, kept, xBar, toOrder, null);
    }
  }

  @Override
  public void inverse(Matrix y, Matrix x, Workspace kept) {
    form.function.apply(kept.kernels().functions()).inverse(kept.parameters().of(table), y, x);
  }

  @Override
  public String toString() {
    return "MarginalGaussianization(" + dimension() + ", " + form + ")";
  }
}
