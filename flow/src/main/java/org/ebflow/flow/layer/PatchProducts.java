package org.ebflow.flow.layer;

import java.util.IdentityHashMap;
import java.util.List;
import org.ebflow.flow.pass.DerivedOperands;
import org.ebflow.flow.pass.Jet;
import org.ebflow.flow.pass.OperandCopy;
import org.ebflow.flow.pass.Parameter;
import org.ebflow.flow.pass.RoundedJet;
import org.ebflow.flow.pass.Workspace;
import org.ebflow.linalg.BFloat16Matrix;
import org.ebflow.linalg.ConvolutionShape;
import org.ebflow.linalg.KernelChoice;
import org.ebflow.linalg.Matrix;
import org.ebflow.linalg.Operand;
import org.ebflow.linalg.PackedWeight;
import org.ebflow.linalg.Worker;
import org.jspecify.annotations.Nullable;

/**
 * A convolution as products of pixels and patches, for many channels on one side at least.
 *
 * <p>Patches are made on the narrow side alone. From few channels to many: y = P(x) Wᵀ with a patch
 * of x for each pixel of y, and x̄ = Pᵀ(ȳ W). From many to few, the same with the weight V of the
 * transposed convolution: y = Pᵀ(x V), x̄ = P(ȳ) Vᵀ. A square of one pixel is its own patch. Images
 * are taken a few at a time, so that their patches stay in the cache.
 */
final class PatchProducts extends ConvolutionProducts {
  private static final int TRANSPOSED = 0;
  private static final int PATCHES = 1;
  private static final int TRANSPOSED_BAR = 2;

  private static final int WIDE_COPIES = 0;
  private static final int NARROW_COPIES = 1;

  /** Most numbers in the patches that are made at a time, unless one image has more. */
  private static final int CACHED = 1 << 17;

  /**
   * Most images at a time in a pass that goes forward only. The blocks of a scorer are multiples of
   * it, so that all products have the same shape.
   */
  private static final int MOST_FORWARD = 8;

  /** The convolution from the side that is cut into patches to the other one. */
  private final ConvolutionShape narrow;

  /** Whether that is the transposed convolution: the output has fewer channels than the input. */
  private final boolean transposed;

  private final int images;
  private final OperandCopy weights;
  private final OperandCopy patchCopy;
  private final Side wideSide;
  private final Side narrowSide;
  private final IdentityHashMap<Operand[], Operand[]> ownColumns = new IdentityHashMap<>();
  private final IdentityHashMap<Matrix, Matrix> ownRows = new IdentityHashMap<>();
  private final Matrix[] patchesOf;
  private @Nullable Operand operand;

  PatchProducts(ConvolutionShape shape, Parameter block, Workspace kept, int slot) {
    super(shape, block, kept, slot);
    transposed = isTransposed(shape);
    narrow = narrow(shape);
    images = images(narrow, kept.readAgain());
    weights = kept.operandCopy(block);
    patchCopy = kept.operandCopy(block);
    wideSide = new Side(narrow.out(), true, slot + WIDE_COPIES);
    narrowSide = new Side(narrow.in(), narrow.side() == 1, slot + NARROW_COPIES);
    patchesOf = new Matrix[images + 1];
  }

  private static boolean isTransposed(ConvolutionShape shape) {
    return shape.in() > shape.out();
  }

  private static ConvolutionShape narrow(ConvolutionShape shape) {
    return isTransposed(shape) ? shape.transposed() : shape;
  }

  /** How many are taken at a time. */
  private static int images(ConvolutionShape narrow, boolean backward) {
    int cached = Math.max(1, CACHED / (narrow.pixels() * narrow.taps()));
    return backward ? cached : Integer.highestOneBit(Math.min(MOST_FORWARD, cached));
  }

  /** W, or Vᵀ. */
  record Operands(ConvolutionShape shape) implements DerivedOperands {
    @Override
    public List<Matrix> forward(Matrix weight) {
      if (!isTransposed(shape)) {
        return List.of(weight.copy(weight.precision()));
      }
      ConvolutionShape narrow = narrow(shape);
      Matrix v = Matrix.allocate(weight.precision(), narrow.out(), narrow.taps());
      KernelChoice.fastest(weight.precision()).convolution().transpose(shape, weight, v);
      Matrix result = Matrix.allocate(weight.precision(), narrow.taps(), narrow.out());
      for (int r = 0; r < result.rows(); r++) {
        for (int c = 0; c < result.columns(); c++) {
          result.set(r, c, v.get(c, r));
        }
      }
      return List.of(result);
    }

    @Override
    public int rowsOfProducts(int rows) {
      int images = Math.min(rows, images(narrow(shape), false));
      return rows % images == 0 ? images * shape.pixels() : -1;
    }

    @Override
    public long numbers() {
      return (long) shape.out() * shape.taps();
    }
  }

  /**
   * The input or the output: views of a few images at a time, made once, and the form in which
   * products read pixels.
   */
  private final class Side {
    private final int channels;
    private final OperandCopy form = kept.operandCopy(block);
    private final @Nullable RoundedJet copies;
    private final IdentityHashMap<Matrix, Matrix[]> rows = new IdentityHashMap<>();
    private final IdentityHashMap<Operand, Operand[]> pixels = new IdentityHashMap<>();

    /**
     * @param read whether products read pixels of it, else patches
     */
    Side(int channels, boolean read, int copySlot) {
      this.channels = channels;
      copies = read ? kept.copies(block, copySlot, narrow.pixels() * channels) : null;
    }

    /** As rows. */
    Matrix[] rows(Matrix all) {
      Matrix[] found = rows.get(all);
      if (found == null) {
        found = new Matrix[(all.rows() + images - 1) / images];
        for (int i = 0; i < found.length; i++) {
          found[i] = all.rows(i * images, Math.min(all.rows(), (i + 1) * images));
        }
        rows.put(all, found);
      }
      return found;
    }

    /** As pixels [images·pixels,channels]. */
    Operand[] pixels(Operand all) {
      Operand[] found = pixels.get(all);
      if (found == null) {
        int count = (all.rows() + images - 1) / images;
        found = all instanceof Matrix ? new Matrix[count] : new Operand[count];
        for (int i = 0; i < count; i++) {
          Operand some = all.rows(i * images, Math.min(all.rows(), (i + 1) * images));
          found[i] = some.reshape(some.rows() * narrow.pixels(), channels);
        }
        pixels.put(all, found);
      }
      return found;
    }

    /** The same of numbers that are not rounded. */
    Matrix[] pixels(Matrix all) {
      return (Matrix[]) pixels((Operand) all);
    }

    /** This worker's images number i of a stream, for a product: copied now where it rounds. */
    Operand read(Jet jet, int order, int i) {
      Matrix exact = pixels(jet.stream(order))[i];
      return copies == null
          ? form.of(exact)
          : form.of(exact, (BFloat16Matrix) pixels(copies.stream(jet, order))[i]);
    }

    /** All images of orders 0…{@code toOrder}, of which each worker has read its own. */
    Operand[] readAgain(Jet jet, int toOrder) {
      return copies == null ? pixels(jet.whole(0, toOrder)) : pixels(copies.whole(jet, 0, toOrder));
    }
  }

  /** Memory for the patches of so many images. */
  private Matrix patches(int count) {
    Matrix found = patchesOf[count];
    if (found == null) {
      found =
          kept.own(slot + PATCHES, images * narrow.pixels(), narrow.taps())
              .rows(0, count * narrow.pixels());
      patchesOf[count] = found;
    }
    return found;
  }

  @Override
  void start(Matrix newWeight) {
    super.start(newWeight);
    if (packed.isEmpty()) {
      Matrix used = newWeight;
      if (transposed) {
        used = kept.own(slot + TRANSPOSED, narrow.out(), narrow.taps());
        kernels.transpose(shape, newWeight, used);
      }
      operand = weights.of(used);
    }
  }

  @Override
  void forward(Jet x, Jet y, int order) {
    PackedWeight copy = packed.isEmpty() ? null : packed.getFirst();
    if (transposed) {
      fromPatches(x, y, order, copy);
    } else {
      toPatches(x, y, order, copy);
    }
  }

  @Override
  void backward(Jet yBar, Jet xBar, int order) {
    if (transposed) {
      toPatches(yBar, xBar, order, null);
    } else {
      fromPatches(yBar, xBar, order, null);
    }
  }

  @Override
  void keep(Jet yBar, int order) {
    for (int i = 0; keepsCotangents() && i < output().rows(yBar.stream(order)).length; i++) {
      output().read(yBar, order, i);
    }
  }

  @Override
  boolean keepsInput() {
    return input().copies != null;
  }

  @Override
  boolean keepsCotangents() {
    return output().copies != null;
  }

  private Side input() {
    return transposed ? wideSide : narrowSide;
  }

  private Side output() {
    return transposed ? narrowSide : wideSide;
  }

  private Operand operand() {
    if (operand == null) {
      throw new IllegalStateException("backward was called before forward");
    }
    return operand;
  }

  /** wide ← P(narrow)·Wᵀ. */
  private void toPatches(Jet from, Jet to, int order, @Nullable PackedWeight copy) {
    Matrix[] outputs = wideSide.pixels(to.stream(order));
    for (int i = 0; i < outputs.length; i++) {
      Operand seen =
          narrow.side() == 1
              ? narrowSide.read(from, order, i)
              : seen(narrowSide.rows(from.stream(order))[i]);
      if (copy == null) {
        blas.multiply(false, seen, true, operand(), 1, 0, outputs[i]);
      } else {
        copy.multiply(seen, outputs[i]);
      }
    }
  }

  /** narrow ← Pᵀ(wide·W). */
  private void fromPatches(Jet from, Jet to, int order, @Nullable PackedWeight copy) {
    Matrix[] outputs = narrowSide.rows(to.stream(order));
    for (int i = 0; i < outputs.length; i++) {
      boolean direct = narrow.side() == 1;
      Matrix patches = direct ? narrowSide.pixels(to.stream(order))[i] : patches(outputs[i].rows());
      Operand pixels = wideSide.read(from, order, i);
      if (copy == null) {
        blas.multiply(false, pixels, false, operand(), 1, 0, patches);
      } else {
        copy.multiply(pixels, patches);
      }
      if (!direct) {
        kernels.addPatches(narrow, patches, outputs[i]);
      }
    }
  }

  /** What the pixels of the wide side see. */
  private Operand seen(Matrix images) {
    Matrix patches = patches(images.rows());
    kernels.gatherPatches(narrow, images, patches);
    return patchCopy.of(patches);
  }

  /** The workers share the channels of the wide side. */
  @Override
  void addWeightGradient(Worker worker, boolean first, Jet yBar, Jet x, Matrix weightBar) {
    int from = worker.from(narrow.out());
    int to = worker.to(narrow.out());
    if (from == to) {
      return;
    }
    int top = yBar.order();
    Jet few = transposed ? yBar : x;
    Operand[] own = ownColumns(wideSide.readAgain(transposed ? x : yBar, top), from, to);
    Matrix sum =
        transposed
            ? kept.own(slot + TRANSPOSED_BAR, to - from, narrow.taps())
            : ownRows(weightBar, from, to);
    for (int i = 0; i < own.length; i++) { // W̄ += Σ wideᵀ P(narrow)
      int keep = i == 0 && (first || transposed) ? 0 : 1;
      Operand seen =
          narrow.side() == 1
              ? narrowSide.readAgain(few, top)[i]
              : seen(narrowSide.rows(few.whole(0, top))[i]);
      blas.multiply(true, own[i], false, seen, 1, keep, sum);
    }
    if (transposed) {
      kernels.addTransposed(shape, sum, from, first, weightBar);
    }
  }

  private Operand[] ownColumns(Operand[] pixels, int from, int to) {
    Operand[] found = ownColumns.get(pixels);
    if (found == null) {
      found = new Operand[pixels.length];
      for (int i = 0; i < found.length; i++) {
        found[i] = pixels[i].columns(from, to);
      }
      ownColumns.put(pixels, found);
    }
    return found;
  }

  private Matrix ownRows(Matrix weightBar, int from, int to) {
    Matrix found = ownRows.get(weightBar);
    if (found == null) {
      found = weightBar.rows(from, to);
      ownRows.put(weightBar, found);
    }
    return found;
  }
}
