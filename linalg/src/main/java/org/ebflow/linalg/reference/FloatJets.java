package org.ebflow.linalg.reference;

import static org.ebflow.linalg.reference.FloatElements.at;
import static org.ebflow.linalg.reference.FloatElements.set;

import org.ebflow.linalg.ElementwiseFunction;
import org.ebflow.linalg.ElementwiseFunction.Cotangents;
import org.ebflow.linalg.ElementwiseFunction.Derivatives;
import org.ebflow.linalg.ElementwiseJets;
import org.ebflow.linalg.Matrix;
import org.ebflow.linalg.Streams;
import org.jspecify.annotations.Nullable;

/**
 * Jets of elementwise functions in float32.
 *
 * <p>With r = 1/f' the derivatives of h are h' = f''·r, h'' = f'''·r - h'² and h''' = f''''·r -
 * 3h'·f'''·r + 2h'³. Where f' is zero so is r: in a row that was made to vanish, all derivatives
 * may be zero, and its cotangents must be.
 *
 * <p>Loops with and without the log-determinant's part are written apart. Those without read one
 * derivative fewer, which is not even computed for them, and run over several narrow rows at once.
 * Those with it run row by row, since each row has its own cotangents. One loop for both would need
 * a condition around every such term.
 *
 * <p>Numerics: the terms of a row's log-determinant are float32, their sums float64.
 */
@Vectorized
public final class FloatJets implements ElementwiseJets {
  /** Most elements of a block: its derivatives and streams fit the first cache together. */
  private static final int BLOCK = 512;

  /** Wide rows are cut at multiples of this. */
  private static final int UNIT = 16;

  /** One block's derivatives, terms of the log-determinant, and cotangents of derivatives. */
  private record Scratch(Derivatives d, Matrix terms, Cotangents fBar) {
    static final ThreadLocal<Scratch> OF_THREAD = ThreadLocal.withInitial(Scratch::allocate);

    private static Scratch allocate() {
      return new Scratch(
          new Derivatives(row(), row(), row(), row()), row(), new Cotangents(row(), row(), row()));
    }

    private static Matrix row() {
      return Matrix.of(new float[BLOCK], 1, BLOCK);
    }
  }

  /** Elements of the block that begins at {@code from}: whole rows, or an even part of one. */
  private static int block(Matrix x, int from) {
    int width = x.columns();
    if (width <= BLOCK) {
      return Math.min(BLOCK / width * width, x.size() - from);
    }
    int parts = (width + BLOCK - 1) / BLOCK;
    int part = (width / parts + UNIT - 1) / UNIT * UNIT;
    return Math.min(part, width - from % width);
  }

  private static Matrix needed(@Nullable Matrix stream) {
    if (stream == null) {
      throw new IllegalArgumentException("jets: a stream of this order is needed and missing");
    }
    return stream;
  }

  private static float cotangent(Matrix c, int row) {
    return (float) c.doubles()[c.offset() + row];
  }

  @Override
  public void forward0(
      ElementwiseFunction function,
      Matrix parameters,
      Matrix[] kept,
      Matrix x,
      Matrix y,
      @Nullable Matrix logDet) {
    Matrix f1 = Scratch.OF_THREAD.get().d.f1();
    for (int from = 0, n; from < x.size(); from += n) {
      n = block(x, from);
      function.value(parameters, x, y, kept, f1, from, n);
      if (logDet != null) {
        int width = Math.min(n, x.columns());
        for (int at = 0; at < n; at += width) {
          int row = (from + at) / x.columns();
          logDet.doubles()[logDet.offset() + row] += FloatSums.sumOfLogs(f1, at, width);
        }
      }
    }
  }

  @Override
  public void forward1(
      ElementwiseFunction function,
      Matrix parameters,
      Matrix[] kept,
      Streams x,
      Matrix y1,
      @Nullable Matrix logDet1) {
    Matrix x0 = x.order0();
    Matrix x1 = needed(x.order1());
    Scratch scratch = Scratch.OF_THREAD.get();
    Derivatives d = scratch.d;
    int highest = logDet1 == null ? 1 : 2;
    for (int from = 0, n; from < x0.size(); from += n) {
      n = block(x0, from);
      function.derivatives(parameters, x0, kept, d, highest, from, n);
      if (logDet1 == null) {
        product(d.f1(), x1, y1, from, n);
      } else {
        first(d, x1, y1, scratch.terms, from, n);
        addSums(scratch.terms, x0.columns(), logDet1, from, n);
      }
    }
  }

  @Override
  public void forward2(
      ElementwiseFunction function,
      Matrix parameters,
      Matrix[] kept,
      Streams x,
      Matrix y2,
      @Nullable Matrix logDet2) {
    Matrix x0 = x.order0();
    Matrix x1 = needed(x.order1());
    Matrix x2 = needed(x.order2());
    Scratch scratch = Scratch.OF_THREAD.get();
    Derivatives d = scratch.d;
    boolean linear = logDet2 == null && function.piecewiseLinear();
    int highest = linear ? 1 : logDet2 == null ? 2 : 3;
    for (int from = 0, n; from < x0.size(); from += n) {
      n = block(x0, from);
      function.derivatives(parameters, x0, kept, d, highest, from, n);
      if (linear) {
        product(d.f1(), x2, y2, from, n);
      } else if (logDet2 == null) {
        second(d, x1, x2, y2, from, n);
      } else {
        second(d, x1, x2, y2, scratch.terms, from, n);
        addSums(scratch.terms, x0.columns(), logDet2, from, n);
      }
    }
  }

  /** Adds the sum of each row of a block to its log-determinant. */
  private static void addSums(Matrix terms, int columns, Matrix logDet, int from, int n) {
    int width = Math.min(n, columns);
    for (int at = 0; at < n; at += width) {
      int row = (from + at) / columns;
      logDet.doubles()[logDet.offset() + row] += FloatSums.sum(terms, at, width);
    }
  }

  /** out ← f'·v. */
  private static void product(Matrix f1, Matrix v, Matrix out, int from, int n) {
    for (int i = 0; i < n; i++) {
      set(out, from + i, at(f1, i) * at(v, from + i));
    }
  }

  /** y1 ← f'·x1, terms ← h'·x1. */
  private static void first(Derivatives d, Matrix x1, Matrix y1, Matrix terms, int from, int n) {
    for (int i = 0; i < n; i++) {
      float f1 = at(d.f1(), i);
      float h1 = at(d.f2(), i) * (f1 == 0f ? 0f : 1f / f1);
      float u1 = at(x1, from + i);
      set(y1, from + i, f1 * u1);
      set(terms, i, h1 * u1);
    }
  }

  /** y2 ← f''·x1² + f'·x2. */
  private static void second(Derivatives d, Matrix x1, Matrix x2, Matrix y2, int from, int n) {
    for (int i = 0; i < n; i++) {
      float u1 = at(x1, from + i);
      set(y2, from + i, Math.fma(at(d.f2(), i) * u1, u1, at(d.f1(), i) * at(x2, from + i)));
    }
  }

  /** The same, and terms ← h''·x1² + h'·x2. */
  private static void second(
      Derivatives d, Matrix x1, Matrix x2, Matrix y2, Matrix terms, int from, int n) {
    for (int i = 0; i < n; i++) {
      float f1 = at(d.f1(), i);
      float f2 = at(d.f2(), i);
      float r = f1 == 0f ? 0f : 1f / f1;
      float h1 = f2 * r;
      float h2 = Math.fma(-h1, h1, at(d.f3(), i) * r);
      float u1 = at(x1, from + i);
      float u2 = at(x2, from + i);
      set(y2, from + i, Math.fma(f2 * u1, u1, f1 * u2));
      set(terms, i, Math.fma(h2 * u1, u1, h1 * u2));
    }
  }

  @Override
  public void pullBack0(
      ElementwiseFunction function,
      Matrix parameters,
      Matrix[] kept,
      Streams x,
      Streams yBar,
      @Nullable Streams c,
      Streams xBar,
      Matrix @Nullable [] bars) {
    Matrix x0 = x.order0();
    Matrix y0 = yBar.order0();
    Scratch scratch = Scratch.OF_THREAD.get();
    Derivatives d = scratch.d;
    int highest = c == null ? 1 : 2;
    for (int from = 0, n; from < x0.size(); from += n) {
      n = block(x0, from);
      function.derivatives(parameters, x0, kept, d, highest, from, n);
      if (bars != null) {
        cotangents0(scratch, c, x0.columns(), from, n);
        function.pullBackParameters(parameters, x0, kept, y0, scratch.fBar, bars, from, n);
      }
      if (c == null) {
        product(d.f1(), y0, xBar.order0(), from, n);
        continue;
      }
      int width = Math.min(n, x0.columns());
      for (int at = 0; at < n; at += width) {
        float c0 = cotangent(c.order0(), (from + at) / x0.columns());
        highest(d, at, y0, c0, xBar.order0(), from + at, width);
      }
    }
  }

  @Override
  public void pullBack1(
      ElementwiseFunction function,
      Matrix parameters,
      Matrix[] kept,
      Streams x,
      Streams yBar,
      @Nullable Streams c,
      Streams xBar,
      int toOrder,
      Matrix @Nullable [] bars) {
    Matrix x0 = x.order0();
    Matrix x1 = needed(x.order1());
    Matrix y0 = yBar.order0();
    Matrix y1 = needed(yBar.order1());
    Scratch scratch = Scratch.OF_THREAD.get();
    Derivatives d = scratch.d;
    boolean linear = c == null && function.piecewiseLinear();
    int highest = linear ? 1 : c == null ? 2 : 3;
    for (int from = 0, n; from < x0.size(); from += n) {
      n = block(x0, from);
      function.derivatives(parameters, x0, kept, d, highest, from, n);
      if (bars != null) {
        cotangents1(scratch, x1, y1, c, from, n);
        function.pullBackParameters(parameters, x0, kept, y0, scratch.fBar, bars, from, n);
      }
      if (c == null) {
        if (linear) {
          product(d.f1(), y0, xBar.order0(), from, n);
        } else {
          lower(d, 1f, x1, y0, y1, xBar.order0(), from, n);
        }
        if (toOrder >= 1) {
          product(d.f1(), y1, needed(xBar.order1()), from, n);
        }
        continue;
      }
      int width = Math.min(n, x0.columns());
      for (int at = 0; at < n; at += width) {
        int row = (from + at) / x0.columns();
        float c0 = cotangent(c.order0(), row);
        float c1 = cotangent(needed(c.order1()), row);
        lower(d, at, 1f, x1, y0, y1, c0, c1, xBar.order0(), from + at, width);
        if (toOrder >= 1) {
          highest(d, at, y1, c1, needed(xBar.order1()), from + at, width);
        }
      }
    }
  }

  @Override
  public void pullBack2(
      ElementwiseFunction function,
      Matrix parameters,
      Matrix[] kept,
      Streams x,
      Streams yBar,
      @Nullable Streams c,
      Streams xBar,
      int toOrder,
      Matrix @Nullable [] bars) {
    Matrix x0 = x.order0();
    Matrix x1 = needed(x.order1());
    Matrix x2 = needed(x.order2());
    Matrix y0 = yBar.order0();
    Matrix y1 = needed(yBar.order1());
    Matrix y2 = needed(yBar.order2());
    Scratch scratch = Scratch.OF_THREAD.get();
    Derivatives d = scratch.d;
    boolean linear = c == null && function.piecewiseLinear();
    int highest = linear ? 1 : c == null ? 3 : 4;
    for (int from = 0, n; from < x0.size(); from += n) {
      n = block(x0, from);
      function.derivatives(parameters, x0, kept, d, highest, from, n);
      if (bars != null) {
        cotangents2(scratch, x1, x2, y1, y2, c, from, n);
        function.pullBackParameters(parameters, x0, kept, y0, scratch.fBar, bars, from, n);
      }
      if (c == null) {
        if (linear) {
          product(d.f1(), y0, xBar.order0(), from, n);
        } else {
          lowest(d, x1, x2, y0, y1, y2, xBar.order0(), from, n);
        }
        if (toOrder >= 1 && linear) {
          product(d.f1(), y1, needed(xBar.order1()), from, n);
        } else if (toOrder >= 1) {
          lower(d, 2f, x1, y1, y2, needed(xBar.order1()), from, n);
        }
        if (toOrder >= 2) {
          product(d.f1(), y2, needed(xBar.order2()), from, n);
        }
        continue;
      }
      int width = Math.min(n, x0.columns());
      for (int at = 0; at < n; at += width) {
        int row = (from + at) / x0.columns();
        float c0 = cotangent(c.order0(), row);
        float c1 = cotangent(needed(c.order1()), row);
        float c2 = cotangent(needed(c.order2()), row);
        lowest(d, at, x1, x2, y0, y1, y2, c0, c1, c2, xBar.order0(), from + at, width);
        if (toOrder >= 1) {
          lower(d, at, 2f, x1, y1, y2, c1, c2, needed(xBar.order1()), from + at, width);
        }
        if (toOrder >= 2) {
          highest(d, at, y2, c2, needed(xBar.order2()), from + at, width);
        }
      }
    }
  }

  /** Cotangents of the derivatives in a jet of order 0: there are some in h alone. */
  private static void cotangents0(
      Scratch scratch, @Nullable Streams c, int columns, int from, int n) {
    scratch.fBar.f1().fill(0);
    scratch.fBar.f2().fill(0);
    scratch.fBar.f3().fill(0);
    int width = Math.min(n, columns);
    for (int at = 0; c != null && at < n; at += width) {
      int row = (from + at) / columns;
      addBars(scratch.d, cotangent(c.order0(), row), scratch.fBar, at, width);
    }
  }

  /** The same in a jet of order 1. */
  private static void cotangents1(
      Scratch scratch, Matrix x1, Matrix y1, @Nullable Streams c, int from, int n) {
    firstBars(x1, y1, scratch.fBar.f1(), from, n);
    scratch.fBar.f2().fill(0);
    scratch.fBar.f3().fill(0);
    int columns = x1.columns();
    int width = Math.min(n, columns);
    for (int at = 0; c != null && at < n; at += width) {
      int row = (from + at) / columns;
      float c0 = cotangent(c.order0(), row);
      float c1 = cotangent(needed(c.order1()), row);
      addBars(scratch.d, x1, c0, c1, scratch.fBar, at, from + at, width);
    }
  }

  /** The same in a jet of order 2. */
  private static void cotangents2(
      Scratch scratch,
      Matrix x1,
      Matrix x2,
      Matrix y1,
      Matrix y2,
      @Nullable Streams c,
      int from,
      int n) {
    secondBars(x1, x2, y1, y2, scratch.fBar.f1(), scratch.fBar.f2(), from, n);
    scratch.fBar.f3().fill(0);
    int columns = x1.columns();
    int width = Math.min(n, columns);
    for (int at = 0; c != null && at < n; at += width) {
      int row = (from + at) / columns;
      float c0 = cotangent(c.order0(), row);
      float c1 = cotangent(needed(c.order1()), row);
      float c2 = cotangent(needed(c.order2()), row);
      addBars(scratch.d, x1, x2, c0, c1, c2, scratch.fBar, at, from + at, width);
    }
  }

  /** fBar1 ← y1·x1. */
  private static void firstBars(Matrix x1, Matrix y1, Matrix fBar1, int from, int n) {
    for (int i = 0; i < n; i++) {
      set(fBar1, i, at(x1, from + i) * at(y1, from + i));
    }
  }

  /** fBar1 ← y1·x1 + y2·x2, fBar2 ← y2·x1². */
  private static void secondBars(
      Matrix x1, Matrix x2, Matrix y1, Matrix y2, Matrix fBar1, Matrix fBar2, int from, int n) {
    for (int i = 0; i < n; i++) {
      float u1 = at(x1, from + i);
      float v2 = at(y2, from + i);
      set(fBar1, i, Math.fma(v2, at(x2, from + i), u1 * at(y1, from + i)));
      set(fBar2, i, v2 * u1 * u1);
    }
  }

  /** Adds the log-determinant's part, fBar1 += r·hBar0 with hBar0 = c0. */
  private static void addBars(Derivatives d, float c0, Cotangents fBar, int at, int n) {
    for (int i = 0; i < n; i++) {
      float f1 = at(d.f1(), at + i);
      float r = f1 == 0f ? 0f : 1f / f1;
      set(fBar.f1(), at + i, Math.fma(r, c0, at(fBar.f1(), at + i)));
    }
  }

  /** With hBar1 = c1·x1: fBar1 += r·(hBar0 - h'·hBar1), fBar2 += r·hBar1. */
  private static void addBars(
      Derivatives d, Matrix x1, float c0, float c1, Cotangents fBar, int at, int from, int n) {
    for (int i = 0; i < n; i++) {
      float f1 = at(d.f1(), at + i);
      float r = f1 == 0f ? 0f : 1f / f1;
      float h1 = at(d.f2(), at + i) * r;
      float hBar1 = c1 * at(x1, from + i);
      set(fBar.f1(), at + i, Math.fma(r, Math.fma(-h1, hBar1, c0), at(fBar.f1(), at + i)));
      set(fBar.f2(), at + i, Math.fma(r, hBar1, at(fBar.f2(), at + i)));
    }
  }

  /**
   * With hBar1 = c1·x1 + c2·x2 and hBar2 = c2·x1²: fBar1 += r·(hBar0 - h'·hBar1 + (h'² -
   * h'')·hBar2), fBar2 += r·(hBar1 - 2h'·hBar2), fBar3 += r·hBar2.
   */
  private static void addBars(
      Derivatives d,
      Matrix x1,
      Matrix x2,
      float c0,
      float c1,
      float c2,
      Cotangents fBar,
      int at,
      int from,
      int n) {
    for (int i = 0; i < n; i++) {
      float f1 = at(d.f1(), at + i);
      float r = f1 == 0f ? 0f : 1f / f1;
      float h1 = at(d.f2(), at + i) * r;
      float h2 = Math.fma(-h1, h1, at(d.f3(), at + i) * r);
      float u1 = at(x1, from + i);
      float hBar1 = Math.fma(c2, at(x2, from + i), c1 * u1);
      float hBar2 = c2 * u1 * u1;
      float ofFirst = Math.fma(Math.fma(h1, h1, -h2), hBar2, Math.fma(-h1, hBar1, c0));
      float ofSecond = Math.fma(-2f * h1, hBar2, hBar1);
      set(fBar.f1(), at + i, Math.fma(r, ofFirst, at(fBar.f1(), at + i)));
      set(fBar.f2(), at + i, Math.fma(r, ofSecond, at(fBar.f2(), at + i)));
      set(fBar.f3(), at + i, Math.fma(r, hBar2, at(fBar.f3(), at + i)));
    }
  }

  /** out ← f'·y + c·h': the cotangent of the highest order's input. */
  private static void highest(
      Derivatives d, int at, Matrix y, float c, Matrix out, int from, int n) {
    for (int i = 0; i < n; i++) {
      float f1 = at(d.f1(), at + i);
      float h1 = at(d.f2(), at + i) * (f1 == 0f ? 0f : 1f / f1);
      set(out, from + i, Math.fma(f1, at(y, from + i), c * h1));
    }
  }

  /** out ← f'·y0 + f''·(factor·x1)·y1: the cotangent of the order below the highest. */
  private static void lower(
      Derivatives d, float factor, Matrix x1, Matrix y0, Matrix y1, Matrix out, int from, int n) {
    for (int i = 0; i < n; i++) {
      float u1 = factor * at(x1, from + i);
      float curved = at(d.f2(), i) * u1 * at(y1, from + i);
      set(out, from + i, Math.fma(at(d.f1(), i), at(y0, from + i), curved));
    }
  }

  /** The same with the log-determinant's part, c0·h' + c1·h''·(factor·x1). */
  private static void lower(
      Derivatives d,
      int at,
      float factor,
      Matrix x1,
      Matrix y0,
      Matrix y1,
      float c0,
      float c1,
      Matrix out,
      int from,
      int n) {
    for (int i = 0; i < n; i++) {
      float f1 = at(d.f1(), at + i);
      float f2 = at(d.f2(), at + i);
      float r = f1 == 0f ? 0f : 1f / f1;
      float h1 = f2 * r;
      float h2 = Math.fma(-h1, h1, at(d.f3(), at + i) * r);
      float u1 = factor * at(x1, from + i);
      float highest = Math.fma(f1, at(y0, from + i), c0 * h1);
      set(out, from + i, Math.fma(u1, Math.fma(f2, at(y1, from + i), c1 * h2), highest));
    }
  }

  /** out ← f'·y0 + f''·x1·y1 + (f'''·x1² + f''·x2)·y2: the cotangent of order 0 of three. */
  private static void lowest(
      Derivatives d,
      Matrix x1,
      Matrix x2,
      Matrix y0,
      Matrix y1,
      Matrix y2,
      Matrix out,
      int from,
      int n) {
    for (int i = 0; i < n; i++) {
      float u1 = at(x1, from + i);
      float f2 = at(d.f2(), i);
      float lower = Math.fma(at(d.f1(), i), at(y0, from + i), f2 * u1 * at(y1, from + i));
      float curved = Math.fma(at(d.f3(), i) * u1, u1, f2 * at(x2, from + i));
      set(out, from + i, Math.fma(curved, at(y2, from + i), lower));
    }
  }

  /** The same with the log-determinant's part, c0·h' + c1·h''·x1 + c2·(h'''·x1² + h''·x2). */
  private static void lowest(
      Derivatives d,
      int at,
      Matrix x1,
      Matrix x2,
      Matrix y0,
      Matrix y1,
      Matrix y2,
      float c0,
      float c1,
      float c2,
      Matrix out,
      int from,
      int n) {
    for (int i = 0; i < n; i++) {
      float f1 = at(d.f1(), at + i);
      float f2 = at(d.f2(), at + i);
      float f3 = at(d.f3(), at + i);
      float r = f1 == 0f ? 0f : 1f / f1;
      float h1 = f2 * r;
      float g = f3 * r;
      float h2 = Math.fma(-h1, h1, g);
      float h3 = Math.fma(-h1, Math.fma(3f, g, -2f * (h1 * h1)), at(d.f4(), at + i) * r);
      float u1 = at(x1, from + i);
      float u2 = at(x2, from + i);
      float highest = Math.fma(f1, at(y0, from + i), c0 * h1);
      float lower = Math.fma(u1, Math.fma(f2, at(y1, from + i), c1 * h2), highest);
      float f = Math.fma(f3 * u1, u1, f2 * u2);
      float h = Math.fma(h3 * u1, u1, h2 * u2);
      set(out, from + i, Math.fma(f, at(y2, from + i), Math.fma(h, c2, lower)));
    }
  }
}
