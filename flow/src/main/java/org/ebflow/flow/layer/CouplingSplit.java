package org.ebflow.flow.layer;

import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.ebflow.flow.pass.Jet;
import org.ebflow.flow.pass.Workspace;
import org.ebflow.linalg.Matrix;
import org.ebflow.linalg.RowKernels;
import org.jspecify.annotations.Nullable;

/**
 * Which columns of a row a {@link Coupling} passes on unchanged and shows to its networks, and
 * which it transforms.
 *
 * <p>With {@link #columns}, {@link #firstHalf} and {@link #channels}, a network sees the
 * conditioning columns alone, in their order, and gives numbers for the transformed columns alone.
 * With {@link #mask}, as in Real NVP, it sees whole rows with zeros in the transformed columns, and
 * what it gives for the conditioning columns is ignored.
 *
 * <p>Threading: immutable.
 */
public final class CouplingSplit {
  private static final int INPUT = 0;
  private static final int MASK = 0;
  private static final int DIRECT = 1;
  private static final int THROUGH = 2;

  private final int dimension;
  private final int[] conditioning;
  private final int[] transformed;
  private final boolean masked;
  private final double[] mask;
  private final @Nullable Shape image;
  private final Shape networkShape;
  private final Map<String, Object> description;

  /** The image that rows must be, or null where their shape does not matter. */
  private CouplingSplit(
      int dimension,
      int[] conditioning,
      boolean masked,
      @Nullable Shape image,
      Shape networkShape,
      Map<String, Object> description) {
    this.dimension = dimension;
    this.conditioning = conditioning;
    this.masked = masked;
    this.image = image;
    this.networkShape = networkShape;
    this.description = description;
    this.mask = new double[dimension];
    for (int column : conditioning) {
      if (column < 0 || column >= dimension || mask[column] != 0) {
        throw new IllegalArgumentException(
            "CouplingSplit: conditioning column "
                + column
                + ", expected different ones from 0 to "
                + (dimension - 1));
      }
      mask[column] = 1;
    }
    this.transformed = IntStream.range(0, dimension).filter(c -> mask[c] == 0).toArray();
    if (conditioning.length == 0 || transformed.length == 0) {
      throw new IllegalArgumentException(
          "CouplingSplit: "
              + conditioning.length
              + " of "
              + dimension
              + " columns condition the others, expected 1 to "
              + (dimension - 1));
    }
  }

  /** One for the columns that pass, zero for those transformed; networks see whole rows. */
  public static CouplingSplit mask(double... mask) {
    for (double value : mask) {
      if (value != 0 && value != 1) {
        throw new IllegalArgumentException(
            "CouplingSplit.mask: " + value + ", expected zeros and ones");
      }
    }
    int[] ones = IntStream.range(0, mask.length).filter(c -> mask[c] == 1).toArray();
    return new CouplingSplit(
        mask.length,
        ones,
        true,
        null,
        Shape.plain(mask.length),
        Description.of("mask", "mask", Arrays.stream(mask).boxed().toList()));
  }

  /** Those columns of {@code dimension}, in that order, condition the others. */
  public static CouplingSplit columns(int dimension, int... conditioning) {
    List<Integer> listed = Arrays.stream(conditioning).boxed().toList();
    return new CouplingSplit(
        dimension,
        conditioning.clone(),
        false,
        null,
        Shape.plain(conditioning.length),
        Description.of("columns", "conditioning", listed));
  }

  /** The first half of the columns, rounded down, conditions the second. */
  public static CouplingSplit firstHalf(int dimension) {
    return columns(dimension, IntStream.range(0, dimension / 2).toArray());
  }

  /**
   * The first channels of every pixel condition the others. Networks see an image of these
   * channels, and give one of k numbers for each of the others.
   */
  public static CouplingSplit channels(Shape image, int conditioning) {
    int[] columns =
        IntStream.range(0, image.size()).filter(c -> c % image.channels() < conditioning).toArray();
    return new CouplingSplit(
        image.size(),
        columns,
        false,
        image,
        new Shape(Math.max(1, conditioning), image.height(), image.width()),
        Description.of("channels", "conditioning", conditioning));
  }

  static CouplingSplit of(Description description, Shape input) {
    String type = description.text("type");
    return switch (type) {
      case "mask" -> mask(description.numbers("mask"));
      case "columns" -> columns(input.size(), description.indices("conditioning"));
      case "channels" -> channels(input, description.count("conditioning"));
      default ->
          throw new IllegalArgumentException(
              "split is " + type + ", expected one of mask, columns, channels");
    };
  }

  /** The split as plain data. */
  Map<String, Object> description() {
    return description;
  }

  /** Numbers per row. */
  public int dimension() {
    return dimension;
  }

  /**
   * Refuses rows of another shape than that of the image whose channels are split.
   *
   * @throws IllegalArgumentException naming both shapes
   */
  void requireShape(Shape input) {
    if (image != null) {
      image.require("CouplingSplit.channels", input);
    }
  }

  /** Shape of a row as networks see it. */
  public Shape networkShape() {
    return networkShape;
  }

  /** Number of transformed columns. */
  public int transformedCount() {
    return transformed.length;
  }

  /** Numbers that a network must give that has {@code parameters} for every element. */
  public int networkOutputs(int parameters) {
    return parameters * (masked ? dimension : transformed.length);
  }

  /** A copy of the mask: one for conditioning columns, zero for those transformed. */
  public double[] mask() {
    return mask.clone();
  }

  /**
   * Columns of a network's output that hold parameter {@code number} of {@code count}, for each
   * transformed column: the parameters of an element lie side by side.
   */
  int[] parameterColumns(int number, int count) {
    return IntStream.range(0, transformed.length)
        .map(i -> count * (masked ? transformed[i] : i) + number)
        .toArray();
  }

  /** The networks' input, read from rows x (or y, which are the same there). */
  Jet networkInput(Workspace kept) {
    return kept.jet(INPUT, networkShape.size());
  }

  /** Overwrites one order of {@link #networkInput}. */
  void condition(Matrix x, Matrix input, Workspace kept) {
    RowKernels rows = kept.kernels().rows();
    if (masked) {
      rows.scaleColumns(x, kept.constant(MASK, mask), input); // m∘x
    } else {
      rows.gatherColumns(x, conditioning, input);
    }
  }

  /** The transformed columns of rows x. */
  void gather(Matrix x, Matrix part, Workspace kept) {
    kept.kernels().rows().gatherColumns(x, transformed, part);
  }

  /** Rows of which the transformed columns come from {@code part}, the others from x. */
  void join(Matrix x, Matrix part, Matrix y, Workspace kept) {
    y.copyFrom(x);
    kept.kernels().rows().scatterColumns(part, transformed, y);
  }

  /**
   * x̄ of one order: of ȳ and what came through the networks in the conditioning columns, of the
   * transform's x̄ in the others.
   *
   * @param yBar read, [rows,dimension]
   * @param through cotangents of {@link #networkInput}, read
   * @param part read, [rows,{@link #transformedCount}]
   * @param xBar overwritten, [rows,dimension]
   */
  void joinCotangents(Matrix yBar, Matrix through, Matrix part, Matrix xBar, Workspace kept) {
    RowKernels rows = kept.kernels().rows();
    Matrix sum = kept.jet(DIRECT, conditioning.length, 0).stream(0);
    rows.gatherColumns(yBar, conditioning, sum);
    Matrix added = through;
    if (masked) {
      added = kept.jet(THROUGH, conditioning.length, 0).stream(0);
      rows.gatherColumns(through, conditioning, added);
    }
    rows.combine(1, sum, 1, added, sum);
    rows.scatterColumns(sum, conditioning, xBar);
    rows.scatterColumns(part, transformed, xBar);
  }

  @Override
  public String toString() {
    return description.get("type") + " of " + dimension;
  }
}
