package org.ebflow.flow.layer;

import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import org.ebflow.flow.pass.Gradients;
import org.ebflow.flow.pass.Jet;
import org.ebflow.flow.pass.LogDet;
import org.ebflow.flow.pass.Parameter;
import org.ebflow.flow.pass.Parameters;
import org.ebflow.flow.pass.Workspace;
import org.ebflow.linalg.Blas;
import org.ebflow.linalg.Lu;
import org.ebflow.linalg.Matrix;
import org.ebflow.linalg.Precision;
import org.ebflow.linalg.RowKernels;
import org.jspecify.annotations.Nullable;

/**
 * Block-diagonal linear layer: the columns are divided into groups of m, and each group is
 * multiplied by a matrix of its own, y_g = x_g W_gᵀ, then y ← y + b.
 *
 * <p>Source: derived here, docs/derivations/dense.md. The groups are any: patches of an image
 * ({@link #tiles}), pixels some distance apart ({@link #lattices}), groups of a table's columns
 * ({@link ColumnPermutation#of(int...)}). Groups of different sizes are layers in {@link
 * ColumnRange}s.
 *
 * <p>Shapes (row-major): x, y [batch,D] per order, b [1,D]; the weight [D,m] is the stack of all
 * W_g [m,m], of which row g·m + i belongs to the i-th column of group g.
 *
 * <p>Domain and inverse: all reals; invertible iff every |det W_g| &gt; 0. log|det ∂y/∂x| = Σ_g
 * log|det W_g| nats, the same for every x: part of log Z. The inverse solves by LU of every W_g in
 * float64 and is accurate to cond(W_g)·ε of the weights' precision.
 *
 * <p>Cost: 2·D·m FLOP per row and order, and two copies of the row; 8/3·D·m² FLOP for the gradient
 * of log|det|. Keeps nothing but a reference to its input.
 *
 * <p>Threading: immutable. Every worker multiplies its own rows, whatever the size of the weight
 * (docs/decisions/0034).
 */
public final class BlockDiagonal implements ConstantJacobian {
  static final String TYPE = "block_diagonal";
  private static final int INPUT = 0;
  private static final int OUTPUT = 1;
  private static final int PRODUCT = 0;

  /** A slot for every order of cotangents. */
  private static final int GRADIENT_INPUT = 2;

  private static final int GRADIENT_OUTPUT = GRADIENT_INPUT + 3;

  private final ColumnPermutation order;
  private final int[][] groups;
  private final Parameter weight;
  private final Parameter bias;

  /**
   * The identity: every W_g = I, b = 0.
   *
   * @param order puts the columns of a group side by side: the first m columns of its output are
   *     the first group. The layer's own output has the order of its input
   * @param size columns of a group, m; divides the number of columns
   */
  public BlockDiagonal(ColumnPermutation order, int size) {
    int dimension = order.dimension();
    if (size < 1 || dimension % size != 0) {
      throw new IllegalArgumentException(
          "BlockDiagonal: groups of "
              + size
              + " columns, expected a divisor of the number of columns, "
              + dimension);
    }
    this.order = order;
    this.groups = new int[dimension / size][size];
    for (int i = 0; i < dimension; i++) {
      groups[i / size][i % size] = order.source(i);
    }
    weight = new Parameter("blocks", dimension, size, Initializers.identities());
    bias = new Parameter("bias", 1, dimension, Initializers.constant(0));
  }

  /**
   * Patches of an image: each is mixed with all its channels.
   *
   * @see ColumnPermutation#tiles
   */
  public static BlockDiagonal tiles(Shape image, int side, int down, int across) {
    return new BlockDiagonal(
        ColumnPermutation.tiles(image, side, down, across), side * side * image.channels());
  }

  /**
   * Pixels of an image a fixed distance apart: each set is mixed with all its channels.
   *
   * @see ColumnPermutation#lattices
   */
  public static BlockDiagonal lattices(Shape image, int down, int across) {
    return new BlockDiagonal(
        ColumnPermutation.lattices(image, down, across), image.size() / (down * across));
  }

  static BlockDiagonal of(Description description, Shape input) {
    return new BlockDiagonal(
        ColumnPermutation.of(description.part("order"), input), description.count("size"));
  }

  /** All W_g, [D,m]. */
  public Parameter weight() {
    return weight;
  }

  /** b, [1,D]. */
  public Parameter bias() {
    return bias;
  }

  @Override
  public List<Parameter> parameters() {
    return List.of(weight, bias);
  }

  @Override
  public int dimension() {
    return weight.rows();
  }

  @Override
  public Map<String, Object> description() {
    return Description.of(TYPE, "size", weight.columns(), "order", order.description());
  }

  /** The largest of the groups': each loses its own digits. */
  @Override
  public OptionalDouble condition(Parameters parameters, Blas blas) {
    return parameters.lus(weight, blas, Precision.FLOAT64).stream()
        .mapToDouble(Lu::condition)
        .max();
  }

  @Override
  public double logAbsDeterminant(Parameters parameters, Blas blas) {
    double sum = 0;
    List<Lu> lus = parameters.lus(weight, blas, Precision.FLOAT64);
    for (int i = 0; i < lus.size(); i++) { // an iterator would be an allocation
      sum += lus.get(i).logAbsDeterminant();
    }
    return sum;
  }

  @Override
  public double addLogDetGradient(
      double factor, Parameters parameters, Blas blas, Gradients gradients) {
    List<Lu> lus = parameters.lus(weight, blas, parameters.precision());
    List<Matrix> blockBars = gradients.sums().squares(weight);
    double sum = 0;
    for (int g = 0; g < groups.length; g++) {
      Lu lu = lus.get(g);
      if (!lu.singular()) {
        lu.addInverseTransposed(factor, blockBars.get(g)); // ∂ log|det W_g|/∂W_g = W_g⁻ᵀ
      }
      sum += lu.logAbsDeterminant();
    }
    return sum;
  }

  @Override
  public void forward(Jet x, Jet y, LogDet logDet, Workspace kept, int fromOrder, int toOrder) {
    for (int k = fromOrder; k <= toOrder; k++) {
      multiply(true, x.stream(k), y.stream(k), kept); // y_k = W_g x_k
    }
    if (fromOrder == 0) {
      kept.kernels().rows().addToRows(y.stream(0), kept.value(bias)); // y_0 += b
    }
    kept.keep(x);
  }

  @Override
  public void backward(
      Jet yBar,
      LogDet logDetBar,
      Workspace kept,
      Jet xBar,
      int toOrder,
      @Nullable Gradients gradients) {
    if (gradients != null) {
      gradients.addColumnSums(bias, 1, yBar, 0); // y_0 += b          b̄ += Σ ȳ_0
      Product term = kept.object(PRODUCT, Product::new);
      term.note(this, yBar, kept);
      gradients.add(term); // y_k = W_g x_k  W̄_g += Σ_k ȳ_kᵀ x_k
    }
    for (int k = 0; k <= toOrder; k++) {
      multiply(false, yBar.stream(k), xBar.stream(k), kept); // y_k = W_g x_k  x̄_k = W_gᵀ ȳ_k
    }
  }

  @Override
  public void inverse(Matrix y, Matrix x, Workspace kept) {
    RowKernels rows = kept.kernels().rows();
    rows.subtractFromRows(y, kept.value(bias), x);
    List<Lu> lus = kept.parameters().lus(weight, kept.blas(), Precision.FLOAT64);
    Matrix group = group(INPUT, kept);
    for (int g = 0; g < groups.length; g++) {
      rows.gatherColumns(x, groups[g], group);
      lus.get(g).solveRows(group); // x_g = W_g⁻¹ (y - b)_g
      rows.scatterColumns(group, groups[g], x);
    }
  }

  /** to_g ← from_g·W_gᵀ when {@code transpose}, else from_g·W_g, of this worker's rows. */
  private void multiply(boolean transpose, Matrix from, Matrix to, Workspace kept) {
    RowKernels rows = kept.kernels().rows();
    Blas blas = kept.blas();
    List<Matrix> blocks = kept.parameters().squares(weight);
    Matrix input = group(INPUT, kept);
    Matrix output = group(OUTPUT, kept);
    for (int g = 0; g < groups.length; g++) {
      rows.gatherColumns(from, groups[g], input);
      blas.multiply(false, input, transpose, blocks.get(g), 1, 0, output);
      rows.scatterColumns(output, groups[g], to);
    }
  }

  /** Memory for one group's columns of this worker's rows: it stays in the first cache. */
  private Matrix group(int slot, Workspace kept) {
    return kept.own(slot, kept.rows(), weight.columns());
  }

  /** W̄_g = Σ_k ȳ_kᵀ x_k over the orders of yBar and all rows; the workers share the groups. */
  @SuppressWarnings("NullAway.Init") // set when it is noted
  private static final class Product implements Gradients.Term {
    private BlockDiagonal layer;
    private Matrix x;
    private Matrix yBar;
    private Matrix input;
    private Matrix output;

    void note(BlockDiagonal noted, Jet newYBar, Workspace kept) {
      layer = noted;
      int top = newYBar.order();
      x = kept.jet().whole(0, top);
      yBar = newYBar.whole(0, top);
      int size = noted.weight.columns();
      input = kept.own(GRADIENT_INPUT + top, x.rows(), size);
      output = kept.own(GRADIENT_OUTPUT + top, yBar.rows(), size);
    }

    @Override
    public void sumInto(Gradients gradients) {
      RowKernels rows = gradients.compute().kernels().rows();
      Blas blas = gradients.compute().blas();
      List<Matrix> blockBars = gradients.sums().squares(layer.weight);
      int keep = gradients.isFirst(layer.weight) ? 0 : 1;
      int to = gradients.worker().to(layer.groups.length);
      for (int g = gradients.worker().from(layer.groups.length); g < to; g++) {
        rows.gatherColumns(x, layer.groups[g], input);
        rows.gatherColumns(yBar, layer.groups[g], output);
        blas.multiply(true, output, false, input, 1, keep, blockBars.get(g));
      }
    }
  }

  @Override
  public String toString() {
    return "BlockDiagonal(" + groups.length + " blocks of " + weight.columns() + ")";
  }
}
