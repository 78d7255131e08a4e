package org.ebflow.flow.layer;

import java.util.List;
import java.util.Map;
import java.util.SequencedMap;
import org.ebflow.flow.pass.Gradients;
import org.ebflow.flow.pass.Jet;
import org.ebflow.flow.pass.LogDet;
import org.ebflow.flow.pass.Parameter;
import org.ebflow.flow.pass.Workspace;
import org.ebflow.linalg.Matrix;
import org.jspecify.annotations.Nullable;

/**
 * A layer that acts on a contiguous range of columns. The other columns pass unchanged. The layers
 * after a multi-scale split act so on the part of the image that goes on.
 *
 * <p>Shapes (row-major): x, y [batch,D] per order, of which the layer sees [batch,to-from]. log|det
 * ∂y/∂x| is the layer's.
 *
 * <p>Cost: the layer's, and two copies of every stream. Threading: immutable.
 */
public final class ColumnRange implements Layer {
  static final String TYPE = "column_range";
  private static final int INPUT = 0;
  private static final int OUTPUT = 1;
  private static final int INNER = 0;

  private final Shape shape;
  private final int from;
  private final int to;
  private final int dimension;
  private final Layer layer;

  /**
   * Applies a layer to columns {@code from} to {@code from + shape.size()} (exclusive).
   *
   * @param dimension numbers per whole row
   * @param shape of those columns, as the layer sees them
   */
  public ColumnRange(int dimension, int from, Shape shape, Layer layer) {
    if (from < 0 || from + shape.size() > dimension) {
      throw new IllegalArgumentException(
          "ColumnRange: columns "
              + from
              + " to "
              + (from + shape.size())
              + ", expected some of 0 to "
              + dimension);
    }
    if (layer.outputShape(shape).size() != shape.size()) {
      throw new IllegalArgumentException(
          "ColumnRange: layer " + layer + ", expected one of dimension " + shape.size());
    }
    this.dimension = dimension;
    this.from = from;
    this.to = from + shape.size();
    this.shape = shape;
    this.layer = layer;
  }

  static ColumnRange of(Description description, Shape input) {
    Shape shape =
        new Shape(
            description.count("channels"), description.count("height"), description.count("width"));
    return new ColumnRange(
        input.size(), description.index("from"), shape, description.layer("layer", shape));
  }

  @Override
  public List<Parameter> parameters() {
    return layer.parameters();
  }

  @Override
  public SequencedMap<String, Parameter> parametersByName() {
    return layer.parametersByName();
  }

  @Override
  public int dimension() {
    return dimension;
  }

  @Override
  public long hiddenNumbers() {
    return 2L * (to - from) + layer.hiddenNumbers();
  }

  /**
   * A plain row, since the columns outside of the range belong to no image; the layer's own shape
   * where the range is the whole row.
   */
  @Override
  public Shape outputShape(Shape input) {
    Layer.super.outputShape(input);
    return to - from == dimension ? layer.outputShape(shape) : Shape.plain(dimension);
  }

  @Override
  public List<ConstantJacobian> constantParts() {
    return layer.constantParts();
  }

  @Override
  public boolean hasConstantJacobian() {
    return layer.hasConstantJacobian();
  }

  @Override
  public Map<String, Object> description() {
    return Description.of(
        TYPE,
        "from",
        from,
        "channels",
        shape.channels(),
        "height",
        shape.height(),
        "width",
        shape.width(),
        "layer",
        LayerTypes.describe(layer));
  }

  @Override
  public void initialize(Jet x, Jet y, LogDet logDet, Workspace kept) {
    copyIn(x, kept, 0, 0);
    layer.initialize(input(kept), output(kept), logDet, kept.child(INNER));
    copyOut(x, y, kept, 0, 0);
  }

  @Override
  public void forward(Jet x, Jet y, LogDet logDet, Workspace kept, int fromOrder, int toOrder) {
    copyIn(x, kept, fromOrder, toOrder);
    layer.forward(input(kept), output(kept), logDet, kept.child(INNER), fromOrder, toOrder);
    copyOut(x, y, kept, fromOrder, toOrder);
  }

  private void copyIn(Jet x, Workspace kept, int fromOrder, int toOrder) {
    for (int k = fromOrder; k <= toOrder; k++) {
      kept.kernels().rows().copyColumns(x.stream(k), from, input(kept).stream(k), 0, to - from);
    }
  }

  /** Copies the layer's output, and x outside of the range, to y. */
  private void copyOut(Jet x, Jet y, Workspace kept, int fromOrder, int toOrder) {
    for (int k = fromOrder; k <= toOrder; k++) {
      pass(kept, x.stream(k), output(kept).stream(k), y.stream(k));
    }
  }

  private void pass(Workspace kept, Matrix outside, Matrix inside, Matrix target) {
    var rows = kept.kernels().rows();
    rows.copyColumns(outside, 0, target, 0, from);
    rows.copyColumns(inside, 0, target, from, to - from);
    rows.copyColumns(outside, to, target, to, dimension - to);
  }

  @Override
  public void backward(
      Jet yBar,
      LogDet logDetBar,
      Workspace kept,
      Jet xBar,
      int toOrder,
      @Nullable Gradients gradients) {
    int order = yBar.order();
    Jet outputBar = kept.boundaryBar(OUTPUT, to - from, order);
    Jet inputBar = kept.boundaryBar(INPUT, to - from, order);
    for (int k = 0; k <= order; k++) {
      kept.kernels().rows().copyColumns(yBar.stream(k), from, outputBar.stream(k), 0, to - from);
    }
    layer.backward(outputBar, logDetBar, kept.child(INNER), inputBar, toOrder, gradients);
    for (int k = 0; k <= toOrder; k++) {
      pass(kept, yBar.stream(k), inputBar.stream(k), xBar.stream(k));
    }
  }

  @Override
  public void inverse(Matrix y, Matrix x, Workspace kept) {
    Matrix output = kept.own(OUTPUT, kept.rows(), to - from);
    Matrix input = kept.own(INPUT, kept.rows(), to - from);
    kept.kernels().rows().copyColumns(y, from, output, 0, to - from);
    layer.inverse(output, input, kept.child(INNER));
    pass(kept, y, input, x);
  }

  private Jet input(Workspace kept) {
    return kept.boundary(INPUT, to - from);
  }

  private Jet output(Workspace kept) {
    return kept.boundary(OUTPUT, to - from);
  }

  @Override
  public String toString() {
    return "ColumnRange(" + from + " to " + to + ", " + layer + ")";
  }
}
