package org.ebflow.flow.layer;

import java.util.IdentityHashMap;
import org.ebflow.flow.pass.Workspace;
import org.ebflow.linalg.Blas;
import org.ebflow.linalg.ConvolutionKernels;
import org.ebflow.linalg.ConvolutionShape;
import org.ebflow.linalg.Matrix;
import org.ebflow.linalg.RowKernels;
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

  private final Workspace kept;
  private final int slot;
  private final Blas blas;
  private final ConvolutionKernels kernels;
  private final Band band;
  private @Nullable Band transposedBand;
  private @Nullable Gradient gradient;
  private boolean stale = true;

  RowProducts(ConvolutionShape shape, Workspace kept, int slot) {
    super(shape);
    this.kept = kept;
    this.slot = slot;
    blas = kept.blas();
    kernels = kept.kernels().convolution();
    band = new Band(shape, kept, slot + BAND);
  }

  /** Views of the rows of images, made once for each matrix of images. */
  private static final class ImageRows {
    private final ConvolutionShape shape;
    private final int from;
    private final int to;
    private final IdentityHashMap<Matrix, Matrix[]> lines = new IdentityHashMap<>();
    private final IdentityHashMap<Matrix, Matrix[]> windows = new IdentityHashMap<>();

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

    /** The rows of output images [rows,outputs]. */
    Matrix[] lines(Matrix images) {
      Matrix[] found = lines.get(images);
      if (found == null) {
        found = new Matrix[shape.height()];
        int width = shape.width() * shape.out();
        for (int y = 0; y < found.length; y++) {
          found[y] = images.columns(y * width + from, y * width + to);
        }
        lines.put(images, found);
      }
      return found;
    }

    /** Of input images [rows,inputs], what each output row sees. */
    Matrix[] windows(Matrix images) {
      Matrix[] found = windows.get(images);
      if (found == null) {
        found = new Matrix[shape.height()];
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
    Matrix[] windowsOfBand(Matrix band) {
      Matrix[] result = new Matrix[shape.height()];
      int width = shape.width() * shape.in();
      for (int y = 0; y < result.length; y++) {
        result[y] = band.columns(first(y) * width, end(y) * width);
      }
      return result;
    }
  }

  /** A convolution's B and its products. */
  private static final class Band {
    private final ConvolutionShape shape;
    private final ImageRows rows;
    private final Matrix matrix;
    private final Matrix[] windows;

    Band(ConvolutionShape shape, Workspace kept, int slot) {
      this.shape = shape;
      rows = new ImageRows(shape);
      matrix =
          kept.own(slot, shape.width() * shape.out(), shape.side() * shape.width() * shape.in());
      windows = rows.windowsOfBand(matrix);
    }

    void multiply(Blas blas, Matrix x, Matrix y) {
      Matrix[] from = rows.windows(x);
      Matrix[] to = rows.lines(y);
      for (int line = 0; line < shape.height(); line++) {
        blas.multiply(false, from[line], true, windows[line], 1, 0, to[line]);
      }
    }
  }

  @Override
  void start(Matrix weight) {
    kernels.expand(shape, weight, band.matrix);
    stale = true;
  }

  @Override
  void forward(Matrix x, Matrix y) {
    band.multiply(blas, x, y);
  }

  @Override
  void backward(Matrix weight, Matrix yBar, Matrix xBar) {
    Band back = transposedBand;
    if (back == null) {
      back = new Band(shape.transposed(), kept, slot + TRANSPOSED_BAND);
      transposedBand = back;
    }
    if (stale) {
      ConvolutionShape from = back.shape;
      Matrix transposed = kept.own(slot + TRANSPOSED, from.out(), from.taps());
      kernels.transpose(shape, weight, transposed);
      kernels.expand(from, transposed, back.matrix);
      stale = false;
    }
    back.multiply(blas, yBar, xBar);
  }

  @Override
  void addWeightGradient(Worker worker, boolean first, Matrix yBar, Matrix x, Matrix weightBar) {
    Gradient own = gradient;
    if (own == null) {
      own = new Gradient(worker);
      gradient = own;
    }
    own.sum(worker, first, yBar, x, weightBar);
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
    private final Matrix[] parts;
    private final Matrix[] ownParts;
    private final IdentityHashMap<Matrix, Matrix> ownSums = new IdentityHashMap<>();

    Gradient(Worker worker) {
      int height = shape.width() * shape.out();
      from = worker.from(height);
      to = worker.to(height);
      rows = new ImageRows(shape, from, to);
      int width = shape.side() * shape.width() * shape.in();
      Matrix made = to > from ? kept.own(slot + BAND_BAR, to - from, width) : null;
      bandBar = made;
      windows = made == null ? new Matrix[0] : rows.windowsOfBand(made);
      parts = kept.parts(slot + PARTS, shape.out(), shape.taps());
      ownParts = new Matrix[parts.length];
      for (int i = 0; i < parts.length; i++) {
        ownParts[i] = ofWorker(worker, parts[i]);
      }
    }

    private Matrix ofWorker(Worker worker, Matrix all) {
      return all.rows(worker.from(shape.out()), worker.to(shape.out()));
    }

    void sum(Worker worker, boolean first, Matrix yBar, Matrix x, Matrix weightBar) {
      Matrix part = parts[worker.rank()];
      part.fill(0);
      if (bandBar != null) {
        bandBar.fill(0);
        Matrix[] seen = rows.windows(x);
        Matrix[] lines = rows.lines(yBar);
        for (int y = 0; y < shape.height(); y++) { // y = B x  B̄ += ȳᵀ x
          blas.multiply(true, lines[y], false, seen[y], 1, 1, windows[y]);
        }
        kernels.addFolded(shape, bandBar, from, part);
      }
      worker.barrier(); // all parts are written
      Matrix sum = ownSums.get(weightBar);
      if (sum == null) {
        sum = ofWorker(worker, weightBar);
        ownSums.put(weightBar, sum);
      }
      if (first) {
        sum.fill(0);
      }
      RowKernels add = kept.kernels().rows();
      for (int i = 0; i < ownParts.length; i++) {
        add.combine(1, sum, 1, ownParts[i], sum);
      }
      worker.barrier(); // all parts are read
    }
  }
}
