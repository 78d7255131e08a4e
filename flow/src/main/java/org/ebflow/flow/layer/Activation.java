package org.ebflow.flow.layer;

import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.ebflow.flow.pass.Gradients;
import org.ebflow.flow.pass.Jet;
import org.ebflow.flow.pass.Parameter;
import org.ebflow.flow.pass.Workspace;
import org.ebflow.linalg.ElementwiseFunction;
import org.ebflow.linalg.ElementwiseFunctions;
import org.ebflow.linalg.Matrix;
import org.jspecify.annotations.Nullable;

/**
 * Elementwise activation of a network.
 *
 * <p>Jets: docs/derivations/elementwise.md. Keeps what the function keeps and, for the gradient of
 * trainable parameters, one more matrix [batch,width].
 */
public final class Activation implements DifferentiableMap {
  static final String TYPE = "activation";
  private static final String SLOPE = "slope";
  private static final int SLOPE_BAR = ElementwiseMap.FREE_SLOT;
  private static final int UNWANTED = SLOPE_BAR + 1;
  private static final int CONSTANTS = 0;

  private final Kind kind;
  private final int width;
  private final ElementwiseMap map;
  private final @Nullable Parameter slope;
  private final double[] constants;

  /** Every activation that there is; files and recipes name it in lower case. */
  public enum Kind {
    /** x·sigmoid(βx), β trainable per unit. */
    SWISH(ElementwiseFunctions::swish),
    /** x for x &gt; 0, else eˣ - 1. */
    ELU(ElementwiseFunctions::elu),
    /** x for x &gt; 0, else a·x, with a = 1/100 unless told otherwise. */
    LEAKY_RELU(ElementwiseFunctions::leakyRelu, 0.01),
    /** x for x &gt; 0, else 0. */
    RELU(ElementwiseFunctions::leakyRelu, 0),
    /** tanh x. */
    TANH(ElementwiseFunctions::tanh, 1, 1);

    @SuppressWarnings("ImmutableEnumChecker") // a method reference
    private final Function<ElementwiseFunctions, ElementwiseFunction> function;

    @SuppressWarnings("ImmutableEnumChecker") // never written nor handed out
    private final double[] constants;

    Kind(Function<ElementwiseFunctions, ElementwiseFunction> function, double... constants) {
      this.function = function;
      this.constants = constants;
    }

    /** As files name it. */
    public String fileName() {
      return name().toLowerCase(Locale.ROOT);
    }

    /**
     * The activation of that name, in any case.
     *
     * @throws IllegalArgumentException if there is none
     */
    public static Kind named(String name) {
      return Arrays.stream(values())
          .filter(kind -> kind.fileName().equals(name.toLowerCase(Locale.ROOT)))
          .findFirst()
          .orElseThrow(
              () ->
                  new IllegalArgumentException(
                      "activation is "
                          + name
                          + ", expected one of "
                          + Arrays.stream(values())
                              .map(Kind::fileName)
                              .collect(Collectors.joining(", "))));
    }
  }

  /** On rows of {@code width} numbers. */
  public Activation(Kind kind, int width) {
    this(kind, width, kind.constants);
  }

  /**
   * The leaky ReLU of that slope below zero.
   *
   * @param slope at least 0
   */
  public static Activation leakyRelu(int width, double slope) {
    if (!(slope >= 0 && slope <= 1)) {
      throw new IllegalArgumentException(
          "Activation.leakyRelu: slope is " + slope + ", expected 0 to 1");
    }
    return new Activation(Kind.LEAKY_RELU, width, slope);
  }

  private Activation(Kind kind, int width, double... constants) {
    this.kind = kind;
    this.constants = constants;
    this.width = width;
    this.map = new ElementwiseMap(kind.function);
    this.slope =
        kind == Kind.SWISH ? new Parameter("beta", 1, width, Initializers.constant(1)) : null;
  }

  static Activation of(Description description, Shape input) {
    Kind kind = Kind.named(description.text("kind"));
    return kind == Kind.LEAKY_RELU && description.has(SLOPE)
        ? leakyRelu(input.size(), description.number(SLOPE))
        : new Activation(kind, input.size());
  }

  /** The slope of a leaky ReLU is said only where it is not the usual one. */
  @Override
  public Map<String, Object> description() {
    return Arrays.equals(constants, kind.constants)
        ? Description.of(TYPE, "kind", kind.fileName())
        : Description.of(TYPE, "kind", kind.fileName(), SLOPE, constants[0]);
  }

  @Override
  public List<Parameter> parameters() {
    return slope == null ? List.of() : List.of(slope);
  }

  @Override
  public int inputs() {
    return width;
  }

  @Override
  public int outputs() {
    return width;
  }

  /** An image stays one. */
  @Override
  public Shape outputShape(Shape input) {
    DifferentiableMap.super.outputShape(input);
    return input;
  }

  @Override
  public void forward(Jet x, Jet y, Workspace kept, int fromOrder, int toOrder) {
    map.forward(values(kept), x, y, null, kept, fromOrder, toOrder);
  }

  @Override
  public void backward(
      Jet yBar, Workspace kept, Jet xBar, int toOrder, @Nullable Gradients gradients) {
    boolean slopeWanted = slope != null && gradients != null;
    if (toOrder < 0 && !slopeWanted) {
      return;
    }
    // the kernels always give the lowest one
    Jet target = toOrder < 0 ? kept.jet(UNWANTED, width, 0) : xBar;
    Matrix[] slopeBar = slopeWanted ? kept.matrices(SLOPE_BAR, 1, width) : null;
    map.backward(values(kept), yBar, null, kept, target, Math.max(0, toOrder), slopeBar);
    if (slope != null && gradients != null) {
      gradients.addColumnSums(slope, 1, kept.jet(SLOPE_BAR, width, 0), 0);
    }
  }

  @Override
  public boolean readsOutputAgain() {
    return false;
  }

  /** With a slope that is constant on each side, a cotangent depends on that of its own order. */
  @Override
  public boolean readsCotangentsAgain(Workspace kept, boolean gradients) {
    return !map.function(kept).piecewiseLinear();
  }

  private Matrix values(Workspace kept) {
    return slope == null ? kept.constant(CONSTANTS, constants) : kept.value(slope);
  }

  @Override
  public String toString() {
    return "Activation(" + kind.fileName() + ")";
  }
}
