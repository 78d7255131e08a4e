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

  /** A {@link #squeeze} of rows that hold such an image, though their shape does not say so. */
  public static ColumnPermutation squeezeRows(Shape image) {
    ColumnPermutation squeeze = squeeze(image);
    return new ColumnPermutation(
        squeeze.source, null, squeeze.output, ofImage(image, "squeeze_rows"));
  }

  /**
   * The inverse of {@link #squeeze}.
   *
   * @param output shape of what comes out, of even height and width
   */
  public static ColumnPermutation unsqueeze(Shape output) {
    ColumnPermutation squeeze = squeeze(output);
    int[] source = new int[output.size()];
    for (int i = 0; i < source.length; i++) {
      source[squeeze.source[i]] = i;
    }
    Shape image = squeeze.output;
    return new ColumnPermutation(source, image, output, ofImage(output, "unsqueeze"));
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
    int pixels = image.pixels();
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

  /**
   * Square patches that tile an image, one after the other: the pixels of a patch row by row, the
   * channels of a pixel side by side. The tiling is shifted, and what it shifts out on one side
   * comes in on the other.
   *
   * @param side pixels of a patch's side; divides height and width
   * @param down pixels that the tiling is shifted by, at least 0
   * @param across likewise
   */
  public static ColumnPermutation tiles(Shape image, int side, int down, int across) {
    if (side < 1 || image.height() % side != 0 || image.width() % side != 0) {
      throw new IllegalArgumentException(
          "ColumnPermutation.tiles: patches of side "
              + side
              + ", expected a divisor of both sides of the image "
              + image);
    }
    requireShift("tiles", down, across, 0);
    int perRow = image.width() / side;
    int perPatch = side * side;
    int[] source = new int[image.size()];
    for (int i = 0; i < image.pixels(); i++) {
      int patch = i / perPatch;
      int within = i % perPatch;
      int y = patch / perRow * side + within / side + down % image.height();
      int x = patch % perRow * side + within % side + across % image.width();
      putPixel(source, i, image, y % image.height(), x % image.width());
    }
    return new ColumnPermutation(
        source,
        image,
        Shape.plain(image.size()),
        ofImage(image, "tiles", "side", side, "down", down, "across", across));
  }

  /**
   * Sets of pixels of an image that lie a fixed distance apart, one after the other: the first has
   * the pixels (0, 0), (0, across), (0, 2·across) …, the second those one further to the right.
   *
   * @param down pixels from one to the next below it; divides the height
   * @param across pixels from one to the next beside it; divides the width
   */
  public static ColumnPermutation lattices(Shape image, int down, int across) {
    requireShift("lattices", down, across, 1);
    if (image.height() % down != 0 || image.width() % across != 0) {
      throw new IllegalArgumentException(
          "ColumnPermutation.lattices: pixels "
              + down
              + " and "
              + across
              + " apart, expected divisors of the height and the width of the image "
              + image);
    }
    int perRow = image.width() / across;
    int perSet = image.height() / down * perRow;
    int[] source = new int[image.size()];
    for (int i = 0; i < image.pixels(); i++) {
      int set = i / perSet;
      int within = i % perSet;
      putPixel(
          source,
          i,
          image,
          within / perRow * down + set / across,
          within % perRow * across + set % across);
    }
    return new ColumnPermutation(
        source,
        image,
        Shape.plain(image.size()),
        ofImage(image, "lattices", "down", down, "across", across));
  }

  private static void requireShift(String method, int down, int across, int least) {
    if (Math.min(down, across) < least) {
      throw new IllegalArgumentException(
          "ColumnPermutation."
              + method
              + ": down and across are "
              + down
              + " and "
              + across
              + ", expected at least "
              + least);
    }
  }

  /** Pixel number {@code i} of the output is pixel (y, x) of the image. */
  private static void putPixel(int[] source, int i, Shape image, int y, int x) {
    for (int channel = 0; channel < image.channels(); channel++) {
      source[i * image.channels() + channel] = (y * image.width() + x) * image.channels() + channel;
    }
  }

  /** A description that says which image, so that it can be read where rows are none. */
  private static Map<String, Object> ofImage(Shape image, String order, Object... keysAndValues) {
    Map<String, Object> result =
        Description.of(
            TYPE,
            "order",
            order,
            "channels",
            image.channels(),
            "height",
            image.height(),
            "width",
            image.width());
    result.putAll(Description.of(TYPE, keysAndValues));
    return result;
  }

  private static Shape image(Description description) {
    return new Shape(
        description.count("channels"), description.count("height"), description.count("width"));
  }

  static ColumnPermutation of(Description description, Shape input) {
    String order = description.text("order");
    return switch (order) {
      case "given" -> of(description.indices("source"));
      case "squeeze" -> squeeze(input);
      case "split_channels" -> splitChannels(input, description.count("kept"));
      case "squeeze_rows" -> squeezeRows(image(description));
      case "unsqueeze" -> unsqueeze(image(description));
      case "tiles" ->
          tiles(
              image(description),
              description.count("side"),
              description.index("down"),
              description.index("across"));
      case "lattices" ->
          lattices(image(description), description.count("down"), description.count("across"));
      default -> throw new IllegalArgumentException("order is " + order);
    };
  }

  @Override
  public int dimension() {
    return source.length;
  }

  /** The column of the input that column {@code i} of the output is. */
  public int source(int i) {
    return source[i];
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
