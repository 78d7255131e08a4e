package org.ebflow.flow.layer;

import java.util.ArrayList;
import java.util.IdentityHashMap;
import java.util.List;
import org.ebflow.flow.pass.Jet;
import org.ebflow.flow.pass.Parameter;
import org.ebflow.flow.pass.Workspace;
import org.ebflow.linalg.ConvolutionShape;
import org.ebflow.linalg.FourierKernels;
import org.ebflow.linalg.FourierShape;
import org.ebflow.linalg.Matrix;
import org.ebflow.linalg.Precision;
import org.ebflow.linalg.Worker;
import org.jspecify.annotations.Nullable;

/**
 * A convolution as products of Fourier coefficients, for passes that go back (docs/decisions/0046).
 *
 * <p>The transform T of images keeps norms, and so y = Tᵀ M T x with a matrix M [2·out,2·in] of
 * real and imaginary parts for each frequency: [[Re Ŵ, -Im Ŵ], [Im Ŵ, Re Ŵ]]. Hence x̄ = Tᵀ Mᵀ T ȳ
 * and M̄ = (T ȳ)(T x)ᵀ. T is a product by a matrix of cosines and sines along the columns of
 * pixels, then one along the rows, for some images at a time whose numbers lie innermost.
 *
 * <p>Nothing is rounded to bfloat16. Nothing is kept: the weight's gradient transforms again.
 */
final class FourierProducts extends ConvolutionProducts {
  private static final int WEIGHTS = 0;
  private static final int PARTS = 1;

  private static final int PIXELS = 0;
  private static final int ROWS = 1;
  private static final int INPUTS = 2;
  private static final int OUTPUTS = 3;
  private static final int WEIGHTS_BAR = 4;

  /** Most images that are transformed at a time. */
  private static final int IMAGES = 64;

  private final FourierShape transform;
  private final FourierKernels fourier;
  private final Matrix down;
  private final Matrix across;
  private final Matrix cosines;
  private final Matrix sines;
  private final Matrix negatedSines;
  private final Blocks weights;
  private final Blocks weightsBar;
  private final List<Block> blocks = new ArrayList<>();
  private final IdentityHashMap<Matrix, Matrix[]> parts = new IdentityHashMap<>();
  private final IdentityHashMap<Matrix, Matrix[]> ownParts = new IdentityHashMap<>();
  private final IdentityHashMap<Matrix, Matrix[]> squares = new IdentityHashMap<>();
  private @Nullable SharedSum sum;

  FourierProducts(ConvolutionShape shape, Parameter block, Workspace kept, int slot) {
    super(shape, block, kept, slot);
    transform = FourierShape.of(shape);
    fourier = kept.kernels().fourier();
    Precision precision = kept.kernels().precision();
    down = FourierShape.basis(precision, shape.height(), transform.rows());
    across = FourierShape.basis(precision, shape.width(), transform.columns());
    cosines = transform.cosines(precision);
    sines = transform.sines(precision);
    negatedSines = sines.copy(precision);
    kept.kernels().rows().combine(-1, sines, 0, sines, negatedSines);
    int width = 4 * shape.out() * shape.in();
    weights = new Blocks(kept.own(slot + WEIGHTS, transform.frequencies(), width));
    weightsBar = new Blocks(kept.scratch(WEIGHTS_BAR, transform.frequencies(), width));
  }

  /** The matrix M of each frequency, and its parts for each output channel. */
  private final class Blocks {
    final Matrix[] ofFrequency = new Matrix[transform.frequencies()];
    final Matrix[] realToReal = new Matrix[shape.out()];
    final Matrix[] imaginaryToReal = new Matrix[shape.out()];
    final Matrix[] realToImaginary = new Matrix[shape.out()];
    final Matrix[] imaginaryToImaginary = new Matrix[shape.out()];

    /**
     * @param all [frequencies,4·out·in]
     */
    Blocks(Matrix all) {
      int in = shape.in();
      int out = shape.out();
      for (int f = 0; f < ofFrequency.length; f++) {
        ofFrequency[f] = all.rows(f, f + 1).reshape(2 * out, 2 * in);
      }
      for (int o = 0; o < out; o++) {
        int real = o * 2 * in;
        int imaginary = (out + o) * 2 * in;
        realToReal[o] = all.columns(real, real + in);
        imaginaryToReal[o] = all.columns(real + in, real + 2 * in);
        realToImaginary[o] = all.columns(imaginary, imaginary + in);
        imaginaryToImaginary[o] = all.columns(imaginary + in, imaginary + 2 * in);
      }
    }
  }

  /** Memory for the transforms of so many images. */
  private final class Block {
    final int images;
    final Side input;
    final Side output;

    Block(int images) {
      this.images = images;
      input = new Side(images, shape.in(), INPUTS);
      output = new Side(images, shape.out(), OUTPUTS);
    }
  }

  /** The transform of images of so many channels, and its transpose. */
  private final class Side {
    private final Matrix pixels;
    private final Matrix pixelRows;
    private final Matrix rows;
    private final Matrix[] pixelsOfRow;
    private final Matrix[] ofRow;
    private final Matrix products;
    private final Matrix coefficients;
    final Matrix[] ofFrequency;

    Side(int images, int channels, int number) {
      int n = channels * images;
      int high = transform.rows();
      int wide = transform.columns();
      products = kept.scratch(PIXELS, high * wide, n);
      pixels = kept.scratch(PIXELS, shape.pixels() * channels, images);
      pixelRows = pixels.reshape(shape.height(), shape.width() * n);
      rows = kept.scratch(ROWS, high, shape.width() * n);
      pixelsOfRow = new Matrix[high];
      ofRow = new Matrix[high];
      for (int y = 0; y < high; y++) {
        pixelsOfRow[y] = rows.rows(y, y + 1).reshape(shape.width(), n);
        ofRow[y] = products.rows(y * wide, (y + 1) * wide);
      }
      coefficients = kept.scratch(number, transform.frequencies(), 2 * n);
      ofFrequency = new Matrix[transform.frequencies()];
      for (int f = 0; f < ofFrequency.length; f++) {
        ofFrequency[f] = coefficients.rows(f, f + 1).reshape(2 * channels, images);
      }
    }

    /** Coefficients ← T x. */
    void transform(Matrix x) {
      fourier.transpose(x, pixels);
      blas.multiply(false, down, false, pixelRows, 1, 0, rows);
      for (int y = 0; y < ofRow.length; y++) {
        blas.multiply(false, across, false, pixelsOfRow[y], 1, 0, ofRow[y]);
      }
      fourier.combine(transform, products, coefficients);
    }

    /** x ← Tᵀ coefficients. */
    void transformBack(Matrix x) {
      fourier.separate(transform, coefficients, products);
      for (int y = 0; y < ofRow.length; y++) {
        blas.multiply(true, across, false, ofRow[y], 1, 0, pixelsOfRow[y]);
      }
      blas.multiply(true, down, false, rows, 1, 0, pixelRows);
      fourier.transpose(pixels, x);
    }
  }

  private Block block(int images) {
    for (int i = 0; i < blocks.size(); i++) { // an iterator would be an allocation
      if (blocks.get(i).images == images) {
        return blocks.get(i);
      }
    }
    Block made = new Block(images);
    blocks.add(made);
    return made;
  }

  /** Blocks of about equally many of the images from row {@code from} to {@code to} (exclusive). */
  private static Matrix[] cut(Matrix all, int from, int to) {
    int count = (to - from + IMAGES - 1) / IMAGES;
    Matrix[] result = new Matrix[count];
    for (int i = 0; i < count; i++) {
      result[i] = all.rows(from + i * (to - from) / count, from + (i + 1) * (to - from) / count);
    }
    return result;
  }

  private Matrix[] parts(Matrix all) {
    Matrix[] found = parts.get(all);
    if (found == null) {
      found = cut(all, 0, all.rows());
      parts.put(all, found);
    }
    return found;
  }

  private Matrix[] ownParts(Worker worker, Matrix all) {
    Matrix[] found = ownParts.get(all);
    if (found == null) {
      found = cut(all, worker.from(all.rows()), worker.to(all.rows()));
      ownParts.put(all, found);
    }
    return found;
  }

  /** The taps of each output channel of a weight, [side²,in]. */
  private Matrix[] squares(Matrix weight) {
    Matrix[] found = squares.get(weight);
    if (found == null) {
      found = new Matrix[shape.out()];
      for (int o = 0; o < found.length; o++) {
        found[o] = weight.rows(o, o + 1).reshape(shape.side() * shape.side(), shape.in());
      }
      squares.put(weight, found);
    }
    return found;
  }

  @Override
  void start(Matrix newWeight) {
    super.start(newWeight);
    Matrix[] of = squares(newWeight);
    for (int o = 0; o < of.length; o++) {
      blas.multiply(false, cosines, false, of[o], 1, 0, weights.realToReal[o]);
      blas.multiply(false, cosines, false, of[o], 1, 0, weights.imaginaryToImaginary[o]);
      blas.multiply(false, sines, false, of[o], 1, 0, weights.realToImaginary[o]);
      blas.multiply(false, negatedSines, false, of[o], 1, 0, weights.imaginaryToReal[o]);
    }
  }

  @Override
  void forward(Jet x, Jet y, int order) {
    Matrix[] from = parts(x.stream(order));
    Matrix[] to = parts(y.stream(order));
    for (int i = 0; i < from.length; i++) {
      Block block = block(from[i].rows());
      block.input.transform(from[i]);
      for (int f = 0; f < weights.ofFrequency.length; f++) {
        blas.multiply(
            false,
            weights.ofFrequency[f],
            false,
            block.input.ofFrequency[f],
            1,
            0,
            block.output.ofFrequency[f]);
      }
      block.output.transformBack(to[i]);
    }
  }

  @Override
  void backward(Jet yBar, Jet xBar, int order) {
    Matrix[] from = parts(yBar.stream(order));
    Matrix[] to = parts(xBar.stream(order));
    for (int i = 0; i < from.length; i++) {
      Block block = block(from[i].rows());
      block.output.transform(from[i]);
      for (int f = 0; f < weights.ofFrequency.length; f++) {
        blas.multiply(
            true,
            weights.ofFrequency[f],
            false,
            block.output.ofFrequency[f],
            1,
            0,
            block.input.ofFrequency[f]);
      }
      block.input.transformBack(to[i]);
    }
  }

  /** Each worker takes some rows of all streams. */
  @Override
  void addWeightGradient(Worker worker, boolean first, Jet yBar, Jet x, Matrix weightBar) {
    SharedSum shared = sum;
    if (shared == null) {
      shared = new SharedSum(worker, kept, slot + PARTS, shape.out(), shape.taps());
      sum = shared;
    }
    Matrix[] cotangents = ownParts(worker, yBar.whole(0, yBar.order()));
    Matrix[] inputs = ownParts(worker, x.whole(0, yBar.order()));
    for (int i = 0; i < inputs.length; i++) {
      Block block = block(inputs[i].rows());
      block.input.transform(inputs[i]);
      block.output.transform(cotangents[i]);
      for (int f = 0; f < weightsBar.ofFrequency.length; f++) { // M̄ += (T ȳ)(T x)ᵀ
        blas.multiply(
            false,
            block.output.ofFrequency[f],
            true,
            block.input.ofFrequency[f],
            1,
            i == 0 ? 0 : 1,
            weightsBar.ofFrequency[f]);
      }
    }
    fold(inputs.length > 0, shared.own());
    shared.addTo(first, weightBar);
  }

  /** part ← this worker's share of W̄, by the transpose of {@link #start}. */
  private void fold(boolean any, Matrix part) {
    if (!any) {
      part.fill(0);
      return;
    }
    Matrix[] of = squares(part);
    for (int o = 0; o < of.length; o++) {
      blas.multiply(true, cosines, false, weightsBar.realToReal[o], 1, 0, of[o]);
      blas.multiply(true, cosines, false, weightsBar.imaginaryToImaginary[o], 1, 1, of[o]);
      blas.multiply(true, sines, false, weightsBar.realToImaginary[o], 1, 1, of[o]);
      blas.multiply(true, negatedSines, false, weightsBar.imaginaryToReal[o], 1, 1, of[o]);
    }
  }
}
