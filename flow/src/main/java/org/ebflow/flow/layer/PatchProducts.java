package org.ebflow.flow.layer;

import java.util.IdentityHashMap;
import java.util.List;
import org.ebflow.flow.pass.DerivedOperands;
import org.ebflow.flow.pass.OperandCopy;
import org.ebflow.flow.pass.Parameter;
import org.ebflow.flow.pass.Workspace;
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
  private final OperandCopy pixelCopy;
  private final IdentityHashMap<Matrix, Block[]> narrowBlocks = new IdentityHashMap<>();
  private final IdentityHashMap<Matrix, Block[]> wideBlocks = new IdentityHashMap<>();
  private final IdentityHashMap<Matrix, Matrix[]> ownColumns = new IdentityHashMap<>();
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
    pixelCopy = kept.operandCopy(block);
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

  /** A few images, as rows and as pixels [images·pixels,channels]. */
  private record Block(Matrix rows, Matrix pixels) {}

  private Block[] blocks(IdentityHashMap<Matrix, Block[]> among, Matrix all, int channels) {
    Block[] found = among.get(all);
    if (found == null) {
      found = new Block[(all.rows() + images - 1) / images];
      for (int i = 0; i < found.length; i++) {
        Matrix rows = all.rows(i * images, Math.min(all.rows(), (i + 1) * images));
        found[i] = new Block(rows, rows.reshape(rows.rows() * narrow.pixels(), channels));
      }
      among.put(all, found);
    }
    return found;
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
  void forward(Matrix x, Matrix y) {
    PackedWeight copy = packed.isEmpty() ? null : packed.getFirst();
    if (transposed) {
      fromPatches(x, y, copy);
    } else {
      toPatches(x, y, copy);
    }
  }

  @Override
  void backward(Matrix yBar, Matrix xBar) {
    if (transposed) {
      toPatches(yBar, xBar, null);
    } else {
      fromPatches(yBar, xBar, null);
    }
  }

  private Operand operand() {
    if (operand == null) {
      throw new IllegalStateException("backward was called before forward");
    }
    return operand;
  }

  /** wide ← P(narrow)·Wᵀ. */
  private void toPatches(Matrix from, Matrix to, @Nullable PackedWeight copy) {
    Block[] inputs = blocks(narrowBlocks, from, narrow.in());
    Block[] outputs = blocks(wideBlocks, to, narrow.out());
    for (int i = 0; i < inputs.length; i++) {
      Operand seen = seen(inputs[i]);
      if (copy == null) {
        blas.multiply(false, seen, true, operand(), 1, 0, outputs[i].pixels);
      } else {
        copy.multiply(seen, outputs[i].pixels);
      }
    }
  }

  /** narrow ← Pᵀ(wide·W). */
  private void fromPatches(Matrix from, Matrix to, @Nullable PackedWeight copy) {
    Block[] inputs = blocks(wideBlocks, from, narrow.out());
    Block[] outputs = blocks(narrowBlocks, to, narrow.in());
    for (int i = 0; i < inputs.length; i++) {
      boolean direct = narrow.side() == 1;
      Matrix patches = direct ? outputs[i].pixels : patches(inputs[i].rows.rows());
      Operand pixels = pixelCopy.of(inputs[i].pixels);
      if (copy == null) {
        blas.multiply(false, pixels, false, operand(), 1, 0, patches);
      } else {
        copy.multiply(pixels, patches);
      }
      if (!direct) {
        kernels.addPatches(narrow, patches, outputs[i].rows);
      }
    }
  }

  /** What the pixels of the wide side see. */
  private Operand seen(Block images) {
    if (narrow.side() == 1) {
      return patchCopy.of(images.pixels);
    }
    Matrix patches = patches(images.rows.rows());
    kernels.gatherPatches(narrow, images.rows, patches);
    return patchCopy.of(patches);
  }

  /** The workers share the channels of the wide side. */
  @Override
  void addWeightGradient(Worker worker, boolean first, Matrix yBar, Matrix x, Matrix weightBar) {
    int from = worker.from(narrow.out());
    int to = worker.to(narrow.out());
    if (from == to) {
      return;
    }
    Matrix wide = transposed ? x : yBar;
    Block[] patched = blocks(narrowBlocks, transposed ? yBar : x, narrow.in());
    Matrix[] own = ownColumns(wide, from, to);
    Matrix sum =
        transposed
            ? kept.own(slot + TRANSPOSED_BAR, to - from, narrow.taps())
            : ownRows(weightBar, from, to);
    for (int i = 0; i < own.length; i++) { // W̄ += Σ wideᵀ P(narrow)
      int keep = i == 0 && (first || transposed) ? 0 : 1;
      blas.multiply(true, pixelCopy.of(own[i]), false, seen(patched[i]), 1, keep, sum);
    }
    if (transposed) {
      kernels.addTransposed(shape, sum, from, first, weightBar);
    }
  }

  private Matrix[] ownColumns(Matrix wide, int from, int to) {
    Matrix[] found = ownColumns.get(wide);
    if (found == null) {
      Block[] blocks = blocks(wideBlocks, wide, narrow.out());
      found = new Matrix[blocks.length];
      for (int i = 0; i < found.length; i++) {
        found[i] = blocks[i].pixels.columns(from, to);
      }
      ownColumns.put(wide, found);
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
