package org.ebflow.flow.layer;

import java.util.Map;
import org.ebflow.flow.pass.Gradients;
import org.ebflow.flow.pass.Jet;
import org.ebflow.flow.pass.LogDet;
import org.ebflow.flow.pass.Parameters;
import org.ebflow.flow.pass.Workspace;
import org.ebflow.linalg.Blas;
import org.ebflow.linalg.Matrix;
import org.ebflow.linalg.RowKernels;
import org.jspecify.annotations.Nullable;

/**
 * A fixed order of columns, y_i = x_{source(i)}: the squeeze of an image, and the order that puts
 * the channels a multi-scale split keeps side by side.
 *
 * <p>Shapes (row-major): x, y [batch,D] per order. log|det ∂y/∂x| = 0.
 *
 * <p>Cost: one copy of every stream. Threading: immutable.
 */
public final class ColumnPermutation implements ConstantJacobian {
  static final String TYPE = "column_permutation";

  private final int[] source;
  private final int[] inverse;
  private final Map<String, Object> description;
  private final @Nullable Shape image;
  private final Shape output;

  /** The image that rows must be, or null where their shape does not matter. */
  private ColumnPermutation(
      int[] source, @Nullable Shape image, Shape output, Map<String, Object> description) {
    this.source = source;
    this.inverse = new int[source.length];
    this.image = image;
    this.output = output;
    this.description = description;
    boolean[] used = new boolean[source.length];
    for (int i = 0; i < source.length; i++) {
      int from = source[i];
      if (from < 0 || from >= source.length || used[from]) {
        throw new IllegalArgumentException(
            "ColumnPermutation: column "
                + i
                + " comes from "
                + from
                + ", expected each column once");
      }
      used[from] = true;
      inverse[from] = i;
    }
  }

  /** Column i of the output is column {@code source[i]} of the input. */
  public static ColumnPermutation of(int... source) {
    int[] copy = source.clone();
    return new ColumnPermutation(
        copy,
        null,
        Shape.plain(copy.length),
        Description.of(TYPE, "order", "given", "source", copy));
  }

  /**
   * The squeeze of an image: every 2×2 pixels become one with four times the channels, those of the
   * upper left pixel first, then upper right, lower left, lower right.
   *
   * <p>Source: Dinh et al. 2017 (Real NVP), section 3.6.
   *
   * @param image of even height and width
   */
  public static ColumnPermutation squeeze(Shape image) {
    int c = image.channels();
    int h = image.height() / 2;
    int w = image.width() / 2;
    if (2 * h != image.height() || 2 * w != image.width()) {
      throw new IllegalArgumentException(
          "ColumnPermutation.squeeze: image is " + image + ", expected even height and width");
    }
    int[] source = new int[image.size()];
    int at = 0;
    for (int y = 0; y < h; y++) {
      for (int x = 0; x < w; x++) {
        for (int corner = 0; corner < 4; corner++) {
          int pixel = (2 * y + corner / 2) * image.width() + 2 * x + corner % 2;
          for (int channel = 0; channel < c; channel++) {
            source[at++] = pixel * c + channel;
          }
        }
      }
    }
    return new ColumnPermutation(
        source, image, new Shape(4 * c, h, w), Description.of(TYPE, "order", "squeeze"));
  }

  /**
   * The order that a multi-scale split needs. The first {@code kept} channels of all pixels come
   * first, as an image of their own; the other channels follow as another image. The layers after
   * the split are a {@link ColumnRange} of the first image.
   *
   * <p>Source: Dinh et al. 2017 (Real NVP), section 3.6.
   */
  public static ColumnPermutation splitChannels(Shape image, int kept) {
    int c = image.channels();
    if (kept < 1 || kept >= c) {
      throw new IllegalArgumentException(
          "ColumnPermutation.splitChannels: " + kept + " channels of " + image + " kept");
    }
    int pixels = image.height() * image.width();
    int[] source = new int[image.size()];
    int at = 0;
    for (int pixel = 0; pixel < pixels; pixel++) {
      for (int channel = 0; channel < kept; channel++) {
        source[at++] = pixel * c + channel;
      }
    }
    for (int pixel = 0; pixel < pixels; pixel++) {
      for (int channel = kept; channel < c; channel++) {
        source[at++] = pixel * c + channel;
      }
    }
    return new ColumnPermutation(
        source,
        image,
        Shape.plain(image.size()),
        Description.of(TYPE, "order", "split_channels", "kept", kept));
  }

  static ColumnPermutation of(Description description, Shape input) {
    String order = description.text("order");
    return switch (order) {
      case "given" -> of(description.indices("source"));
      case "squeeze" -> squeeze(input);
      case "split_channels" -> splitChannels(input, description.count("kept"));
      default -> throw new IllegalArgumentException("order is " + order);
    };
  }

  @Override
  public int dimension() {
    return source.length;
  }

  @Override
  public Shape outputShape(Shape input) {
    if (image == null ? input.size() != source.length : !input.equals(image)) {
      throw new IllegalArgumentException(
          this
              + ": rows are "
              + input
              + ", expected "
              + (image == null ? Shape.plain(source.length) : image));
    }
    return output;
  }

  @Override
  public double logAbsDeterminant(Parameters parameters, Blas blas) {
    return 0;
  }

  @Override
  public Map<String, Object> description() {
    return description;
  }

  @Override
  public void forward(Jet x, Jet y, LogDet logDet, Workspace kept, int fromOrder, int toOrder) {
    RowKernels rows = kept.kernels().rows();
    for (int k = fromOrder; k <= toOrder; k++) {
      rows.gatherColumns(x.stream(k), source, y.stream(k));
    }
  }

  @Override
  public void backward(
      Jet yBar,
      LogDet logDetBar,
      Workspace kept,
      Jet xBar,
      int toOrder,
      @Nullable Gradients gradients) {
    RowKernels rows = kept.kernels().rows();
    for (int k = 0; k <= toOrder; k++) {
      rows.gatherColumns(yBar.stream(k), inverse, xBar.stream(k));
    }
  }

  @Override
  public void inverse(Matrix y, Matrix x, Workspace kept) {
    kept.kernels().rows().gatherColumns(y, inverse, x);
  }

  @Override
  public String toString() {
    return "ColumnPermutation(" + description.get("order") + ", " + source.length + ")";
  }
}
