package org.ebflow.flow.layer;

import java.util.List;
import org.ebflow.flow.pass.DerivedOperands;
import org.ebflow.flow.pass.Jet;
import org.ebflow.flow.pass.Parameter;
import org.ebflow.flow.pass.Workspace;
import org.ebflow.linalg.Blas;
import org.ebflow.linalg.ConvolutionKernels;
import org.ebflow.linalg.ConvolutionShape;
import org.ebflow.linalg.FourierShape;
import org.ebflow.linalg.Matrix;
import org.ebflow.linalg.PackedWeight;
import org.ebflow.linalg.Worker;
import org.jspecify.annotations.Nullable;

/**
 * How one worker computes a convolution by matrix products in one pass: its copies of the weight,
 * and views of the matrices that it has seen.
 *
 * <p>Which way is faster depends on the shape (benchmarks/results/2026-11-27-convolution). {@link
 * RowProducts} multiplies whole rows of images by a band matrix, which has as many elements as the
 * weight times the image's width over the square's side. {@link PatchProducts} copies patches,
 * which takes as long as {@link #COPY} FLOP per number. {@link FourierProducts} multiplies far less
 * than the former, but takes as long as {@link #TRANSFORM} FLOP to transform a number and back.
 *
 * <p>Where products round (docs/decisions/0006), those of rows and of patches of all shapes do:
 * images or patches, and what is computed from the weight. That pays for all but the smallest sums.
 */
abstract sealed class ConvolutionProducts permits RowProducts, PatchProducts, FourierProducts {
  /** FLOP of products that take as long as to copy one number of a patch. */
  private static final double COPY = 60;

  /** The same for one number of the Fourier transform and its transpose. */
  private static final double TRANSFORM = 300;

  /** How many times faster products of whole rows are in bfloat16. */
  private static final double ROUNDED = 2.2;

  final ConvolutionShape shape;
  final Parameter block;
  final Workspace kept;
  final int slot;
  final Blas blas;
  final ConvolutionKernels kernels;

  /** What forward multiplies by in place of matrices of its own; empty where it makes them. */
  final List<PackedWeight> packed;

  private @Nullable Matrix weight;

  ConvolutionProducts(ConvolutionShape shape, Parameter block, Workspace kept, int slot) {
    this.shape = shape;
    this.block = block;
    this.kept = kept;
    this.slot = slot;
    blas = kept.blas();
    kernels = kept.kernels().convolution();
    packed = kept.packed(block);
  }

  /**
   * The faster way for that shape, with memory in the slots from {@code slot} on.
   *
   * @param block whose values are the weight
   */
  static ConvolutionProducts of(ConvolutionShape shape, Parameter block, Workspace kept, int slot) {
    if (!byRows(shape)) {
      return new PatchProducts(shape, block, kept, slot);
    }
    return kept.readAgain() && byFourier(shape, kept.rounds())
        ? new FourierProducts(shape, block, kept, slot)
        : new RowProducts(shape, block, kept, slot);
  }

  /** The operands of forward products in passes that do not go back. */
  static DerivedOperands operands(ConvolutionShape shape) {
    return byRows(shape) ? new RowProducts.Operands(shape) : new PatchProducts.Operands(shape);
  }

  /** Whether products of whole rows are estimated to take less time than those of patches. */
  static boolean byRows(ConvolutionShape shape) {
    double narrow = Math.min(shape.in(), shape.out());
    double wide = Math.max(shape.in(), shape.out());
    double side = shape.side();
    double patches = side * side * narrow * (2 * wide + (side == 1 ? 0 : COPY));
    return rows(shape) < patches;
  }

  /** FLOP per pixel by products of whole rows. */
  private static double rows(ConvolutionShape shape) {
    return 2.0 * shape.side() * shape.width() * shape.in() * shape.out();
  }

  /**
   * Whether a pass that goes back is estimated to take less time by products of Fourier
   * coefficients than by products of whole rows.
   *
   * @param rounded whether the latter are in bfloat16
   */
  static boolean byFourier(ConvolutionShape shape, boolean rounded) {
    double products =
        8.0 * shape.in() * shape.out() * FourierShape.of(shape).frequencies() / shape.pixels();
    double transforms = TRANSFORM * (shape.in() + shape.out());
    return products + transforms < rows(shape) / (rounded ? ROUNDED : 1);
  }

  /**
   * Takes over the weight of a pass, [out,taps]. It must stay as it is until the pass has gone
   * back.
   */
  void start(Matrix newWeight) {
    weight = newWeight;
  }

  /** That of the last {@link #start}. */
  final Matrix weight() {
    if (weight == null) {
      throw new IllegalStateException("backward was called before forward");
    }
    return weight;
  }

  /**
   * y_k ← the convolution of x_k, of this worker's rows.
   *
   * @param x read, and again by {@link #addWeightGradient} unless {@link #keepsInput}
   * @param y stream {@code order} overwritten
   */
  abstract void forward(Jet x, Jet y, int order);

  /**
   * x̄_k ← the transposed convolution of ȳ_k, by the weight of the last {@link #start}.
   *
   * @param yBar read, and again by {@link #addWeightGradient} unless {@link #keepsCotangents}
   * @param xBar stream {@code order} overwritten
   */
  abstract void backward(Jet yBar, Jet xBar, int order);

  /**
   * In place of {@link #backward} where its result is not wanted, so that {@link
   * #addWeightGradient} finds the copies that it reads.
   */
  void keep(Jet yBar, int order) {}

  /** Whether {@link #addWeightGradient} reads copies of x, and not x itself. */
  boolean keepsInput() {
    return false;
  }

  /** The same of ȳ. */
  boolean keepsCotangents() {
    return false;
  }

  /**
   * Adds this worker's share of W̄ = Σ_k ȳ_k x_k over all rows, pixels and orders of ȳ. Every
   * worker of the pass calls it, when all have called {@link #forward}, and {@link #backward} or
   * {@link #keep}, for these orders.
   *
   * @param weightBar this worker's share overwritten where {@code first}, else accumulated into,
   *     [out,taps]
   */
  abstract void addWeightGradient(Worker worker, boolean first, Jet yBar, Jet x, Matrix weightBar);
}
