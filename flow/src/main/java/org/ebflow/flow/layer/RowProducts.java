package org.ebflow.flow.layer;

import java.util.ArrayList;
import java.util.IdentityHashMap;
import java.util.List;
import org.ebflow.flow.pass.DerivedOperands;
import org.ebflow.flow.pass.Jet;
import org.ebflow.flow.pass.OperandCopy;
import org.ebflow.flow.pass.Parameter;
import org.ebflow.flow.pass.Workspace;
import org.ebflow.linalg.ConvolutionKernels;
import org.ebflow.linalg.ConvolutionShape;
import org.ebflow.linalg.KernelChoice;
import org.ebflow.linalg.Matrix;
import org.ebflow.linalg.Operand;
import org.ebflow.linalg.Worker;
import org.jspecify.annotations.Nullable;

/**
 * A convolution as products of whole image rows by a band matrix, for images that are not much
 * wider than the square.
 *
 * <p>With channels last, a row of an image is width·in columns side by side, and so are the rows
 * that an output row sees, its window. So an output row is one product, window·Bᵀ, and no image is
 * copied. B [width·out, side·width·in] is the weight in the layout of {@link
 * ConvolutionKernels#expand}; a product leaves out the columns of B whose input rows lie beyond the
 * image. Cotangents are multiplied by the B of the transposed convolution. W̄ is B̄ folded ({@link
 * ConvolutionKernels#addFolded}).
 */
final class RowProducts extends ConvolutionProducts {
  private static final int BAND = 0;
  private static final int TRANSPOSED_BAND = 1;
  private static final int TRANSPOSED = 2;
  private static final int BAND_BAR = 3;
  private static final int PARTS = 4;

  private final OperandCopy inputs;
  private final OperandCopy cotangents;
  private final Band band;
  private @Nullable Band transposedBand;
  private @Nullable Gradient gradient;
  private boolean stale = true;

  RowProducts(ConvolutionShape shape, Parameter block, Workspace kept, int slot) {
    super(shape, block, kept, slot);
    inputs = kept.operandCopy(block);
    cotangents = kept.operandCopy(block);
    band = new Band(shape, BAND);
  }

  /** B without the columns for rows beyond the image, once for each choice of these. */
  record Operands(ConvolutionShape shape) implements DerivedOperands {
    @Override
    public List<Matrix> forward(Matrix weight) {
      Matrix band =
          Matrix.allocate(
              weight.precision(),
              shape.width() * shape.out(),
              shape.side() * shape.width() * shape.in());
      KernelChoice.fastest(weight.precision()).convolution().expand(shape, weight, band);
      ImageRows rows = new ImageRows(shape);
      Matrix[] windows = rows.windowsOfBand(band);
      List<Matrix> result = new ArrayList<>();
      for (int y = 0; y < windows.length; y++) {
        if (rows.number(y) == result.size()) {
          result.add(windows[y]);
        }
      }
      return result;
    }

    @Override
    public int rowsOfProducts(int rows) {
      return rows;
    }

    @Override
    public long numbers() {
      ImageRows rows = new ImageRows(shape);
      long columns = 0;
      for (int y = 0; y < shape.height(); y++) {
        boolean first = y == 0 || rows.number(y) > rows.number(y - 1);
        columns += first ? (long) (rows.end(y) - rows.first(y)) * shape.width() * shape.in() : 0;
      }
      return columns * shape.width() * shape.out();
    }
  }

  /** Views of the rows of images, made once for each matrix of images. */
  private static final class ImageRows {
    private final ConvolutionShape shape;
    private final int from;
    private final int to;
    private final IdentityHashMap<Operand, Operand[]> lines = new IdentityHashMap<>();
    private final IdentityHashMap<Operand, Operand[]> windows = new IdentityHashMap<>();

    ImageRows(ConvolutionShape shape) {
      this(shape, 0, shape.width() * shape.out());
    }

    /** Of every output row, columns {@code from} to {@code to} (exclusive). */
    ImageRows(ConvolutionShape shape, int from, int to) {
      this.shape = shape;
      this.from = from;
      this.to = to;
    }

    /** First input row that output row y sees, counted in the square. */
    int first(int y) {
      return Math.max(0, shape.padding() - y);
    }

    /** End (exclusive) of the input rows that output row y sees, counted in the square. */
    int end(int y) {
      return Math.min(shape.side(), shape.height() + shape.padding() - y);
    }

    /**
     * Number of what output row y sees among all that output rows see. Those in the middle of the
     * image see equally many rows above and below, so that they share one.
     */
    int number(int y) {
      int above = Math.min(y, shape.padding());
      int shared = Math.max(0, shape.height() - shape.side());
      return above + Math.max(0, y - above - shared);
    }

    /** The rows of output images [rows,outputs]. */
    Operand[] lines(Operand images) {
      Operand[] found = lines.get(images);
      if (found == null) {
        found = views(images);
        int width = shape.width() * shape.out();
        for (int y = 0; y < found.length; y++) {
          found[y] = images.columns(y * width + from, y * width + to);
        }
        lines.put(images, found);
      }
      return found;
    }

    /** The same of numbers that are not rounded. */
    Matrix[] lines(Matrix images) {
      return (Matrix[]) lines((Operand) images);
    }

    /** Of input images [rows,inputs], what each output row sees. */
    Operand[] windows(Operand images) {
      Operand[] found = windows.get(images);
      if (found == null) {
        found = views(images);
        int width = shape.width() * shape.in();
        for (int y = 0; y < found.length; y++) {
          int above = y - shape.padding();
          found[y] = images.columns((above + first(y)) * width, (above + end(y)) * width);
        }
        windows.put(images, found);
      }
      return found;
    }

    /** Of a band, the columns for the window of each output row. */
    Operand[] windowsOfBand(Operand band) {
      Operand[] result = views(band);
      int width = shape.width() * shape.in();
      for (int y = 0; y < result.length; y++) {
        result[y] = band.columns(first(y) * width, end(y) * width);
      }
      return result;
    }

    /** The same of numbers that are not rounded. */
    Matrix[] windowsOfBand(Matrix band) {
      return (Matrix[]) windowsOfBand((Operand) band);
    }

    private Operand[] views(Operand of) {
      return of instanceof Matrix ? new Matrix[shape.height()] : new Operand[shape.height()];
    }
  }

  /** A convolution's B and its products. */
  private final class Band {
    private final ConvolutionShape of;
    private final int bandSlot;
    private final ImageRows rows;
    private final OperandCopy copy = kept.operandCopy(block);
    private @Nullable Operand operand;
    private Operand[] windows = new Operand[0];

    Band(ConvolutionShape of, int number) {
      this.of = of;
      bandSlot = slot + number;
      rows = new ImageRows(of);
    }

    /** Writes B. */
    @SuppressWarnings("ReferenceEquality") // the very matrix of these views
    void start(Matrix weight) {
      Matrix matrix = kept.own(bandSlot, of.width() * of.out(), of.side() * of.width() * of.in());
      kernels.expand(of, weight, matrix);
      Operand written = copy.of(matrix);
      if (operand != written) {
        operand = written;
        windows = rows.windowsOfBand(written);
      }
    }

    void multiply(Operand x, Matrix y) {
      Operand[] from = rows.windows(x);
      Matrix[] to = rows.lines(y);
      for (int line = 0; line < to.length; line++) {
        blas.multiply(false, from[line], true, windows[line], 1, 0, to[line]);
      }
    }

    void multiplyPacked(Operand x, Matrix y) {
      Operand[] from = rows.windows(x);
      Matrix[] to = rows.lines(y);
      for (int line = 0; line < to.length; line++) {
        packed.get(rows.number(line)).multiply(from[line], to[line]);
      }
    }
  }

  @Override
  void start(Matrix newWeight) {
    super.start(newWeight);
    if (packed.isEmpty()) {
      band.start(newWeight);
    }
    stale = true;
  }

  @Override
  void forward(Jet x, Jet y, int order) {
    Operand images = inputs.of(x.stream(order));
    if (packed.isEmpty()) {
      band.multiply(images, y.stream(order));
    } else {
      band.multiplyPacked(images, y.stream(order));
    }
  }

  @Override
  void backward(Jet yBar, Jet xBar, int order) {
    Band back = transposedBand;
    if (back == null) {
      back = new Band(shape.transposed(), TRANSPOSED_BAND);
      transposedBand = back;
    }
    if (stale) {
      Matrix transposed = kept.own(slot + TRANSPOSED, back.of.out(), back.of.taps());
      kernels.transpose(shape, weight(), transposed);
      back.start(transposed);
      stale = false;
    }
    back.multiply(cotangents.of(yBar.stream(order)), xBar.stream(order));
  }

  @Override
  void addWeightGradient(Worker worker, boolean first, Jet yBar, Jet x, Matrix weightBar) {
    Gradient own = gradient;
    if (own == null) {
      own = new Gradient(worker);
      gradient = own;
    }
    int top = yBar.order();
    own.sum(first, yBar.whole(0, top), x.whole(0, top), weightBar);
  }

  /**
   * The workers share the rows of B̄. Each folds its own into a part of W̄, and then each adds some
   * rows of all parts.
   */
  private final class Gradient {
    private final int from;
    private final int to;
    private final ImageRows rows;
    private final @Nullable Matrix bandBar;
    private final Matrix[] windows;
    private final SharedSum shared;

    Gradient(Worker worker) {
      int height = shape.width() * shape.out();
      from = worker.from(height);
      to = worker.to(height);
      rows = new ImageRows(shape, from, to);
      int width = shape.side() * shape.width() * shape.in();
      Matrix made = to > from ? kept.own(slot + BAND_BAR, to - from, width) : null;
      bandBar = made;
      windows = made == null ? new Matrix[0] : rows.windowsOfBand(made);
      shared = new SharedSum(worker, kept, slot + PARTS, shape.out(), shape.taps());
    }

    void sum(boolean first, Matrix yBar, Matrix x, Matrix weightBar) {
      Matrix part = shared.own();
      part.fill(0);
      if (bandBar != null) {
        bandBar.fill(0);
        Operand[] seen = rows.windows(inputs.of(x));
        Operand[] lines = rows.lines(cotangents.of(yBar));
        for (int y = 0; y < shape.height(); y++) { // y = B x  B̄ += ȳᵀ x
          blas.multiply(true, lines[y], false, seen[y], 1, 1, windows[y]);
        }
        kernels.addFolded(shape, bandBar, from, part);
      }
      shared.addTo(first, weightBar);
    }
  }
}
