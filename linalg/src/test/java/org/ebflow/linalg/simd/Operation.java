package org.ebflow.linalg.simd;

import java.util.Arrays;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.IntStream;
import org.ebflow.linalg.ElementwiseBijection;
import org.ebflow.linalg.ElementwiseFunction;
import org.ebflow.linalg.ElementwiseFunction.Derivatives;
import org.ebflow.linalg.FourierShape;
import org.ebflow.linalg.FunctionUnderTest;
import org.ebflow.linalg.Kernels;
import org.ebflow.linalg.Matrix;
import org.ebflow.linalg.MonotoneSplineFunction;
import org.ebflow.linalg.Streams;

/**
 * One call of one kernel on matrices of an {@link Arena}: a single description serves every test
 * that runs over all kernels.
 */
interface Operation {
  /** Draws the arguments, then returns the call. */
  Runnable prepare(Kernels k, Arena m, int rows, int width);

  /** Every kernel by name. */
  static Map<String, Operation> all() {
    Map<String, Operation> all = new TreeMap<>();
    FunctionUnderTest.all().forEach(function -> elementwise(all, function));
    monotoneSpline(all);
    coupling(all);
    rows(all);
    fourier(all);
    noiseAndOptimizer(all);
    return all;
  }

  private static void elementwise(Map<String, Operation> all, FunctionUnderTest function) {
    for (int order = 1; order <= (function.bijection() ? 4 : 3); order++) {
      int highest = order;
      all.put(
          function + ".derivatives up to " + highest,
          (k, m, n, w) -> {
            Call call = new Call(function, k, m, n, w);
            Matrix[] d = new Matrix[4];
            Arrays.setAll(d, i -> m.empty(1, n * w));
            Derivatives to = new Derivatives(d[0], d[1], d[2], d[3]);
            Matrix x = call.x.order0();
            return () -> call.f.derivatives(call.p, x, call.kept, to, highest, 0, n * w);
          });
    }
    boolean[] either = {true, false};
    for (boolean logDet : function.bijection() ? either : new boolean[] {false}) {
      String name = function + (logDet ? ", log-determinant" : "");
      all.put(
          name + ", forward0",
          (k, m, n, w) -> {
            Call call = new Call(function, k, m, n, w);
            Matrix x = function.onUnitInterval() ? m.fractions(n, w) : m.matrix(n, w);
            Matrix y = m.empty(n, w);
            Matrix sum = logDet ? m.perRow(n) : null;
            return () -> k.jets().forward0(call.f, call.p, call.kept, x, y, sum);
          });
      all.put(
          name + ", forward1",
          (k, m, n, w) -> {
            Call call = new Call(function, k, m, n, w);
            Matrix y = m.empty(n, w);
            Matrix sum = logDet ? m.perRow(n) : null;
            return () -> k.jets().forward1(call.f, call.p, call.kept, call.x, y, sum);
          });
      all.put(
          name + ", forward2",
          (k, m, n, w) -> {
            Call call = new Call(function, k, m, n, w);
            Matrix y = m.empty(n, w);
            Matrix sum = logDet ? m.perRow(n) : null;
            return () -> k.jets().forward2(call.f, call.p, call.kept, call.x, y, sum);
          });
      for (boolean highest : either) { // with the parameters' cotangents, where there are any
        String suffix = highest ? " to the highest order" : "";
        all.put(
            name + ", pullBack0" + suffix,
            (k, m, n, w) -> {
              Call call = new Call(function, k, m, n, w);
              Streams yBar = streams(m, n, w);
              Streams c = logDet ? perRow(m, n) : null;
              Streams xBar = streams(m, n, w);
              Matrix[] bars = highest ? new Matrix[] {m.matrix(n, w)} : null;
              return () ->
                  k.jets().pullBack0(call.f, call.p, call.kept, call.x, yBar, c, xBar, bars);
            });
        all.put(
            name + ", pullBack1" + suffix,
            (k, m, n, w) -> {
              Call call = new Call(function, k, m, n, w);
              Streams yBar = streams(m, n, w);
              Streams c = logDet ? perRow(m, n) : null;
              Streams xBar = streams(m, n, w);
              Matrix[] bars = highest ? new Matrix[] {m.matrix(n, w)} : null;
              int to = highest ? 1 : 0;
              return () ->
                  k.jets().pullBack1(call.f, call.p, call.kept, call.x, yBar, c, xBar, to, bars);
            });
        all.put(
            name + ", pullBack2" + suffix,
            (k, m, n, w) -> {
              Call call = new Call(function, k, m, n, w);
              Streams yBar = streams(m, n, w);
              Streams c = logDet ? perRow(m, n) : null;
              Streams xBar = streams(m, n, w);
              Matrix[] bars = highest ? new Matrix[] {m.matrix(n, w)} : null;
              int to = highest ? 2 : 1;
              return () ->
                  k.jets().pullBack2(call.f, call.p, call.kept, call.x, yBar, c, xBar, to, bars);
            });
      }
    }
    if (function.bijection()) {
      all.put(
          function + ".inverse",
          (k, m, n, w) -> {
            Call call = new Call(function, k, m, n, w);
            ElementwiseBijection f = (ElementwiseBijection) call.f;
            Matrix x = m.empty(n, w);
            return () -> f.inverse(call.p, call.x.order0(), x);
          });
    }
  }

  /** A function with arguments: what it keeps need not belong to x. */
  final class Call {
    final ElementwiseFunction f;
    final Matrix p;
    final Matrix[] kept;
    final Streams x;

    Call(FunctionUnderTest function, Kernels k, Arena m, int rows, int width) {
      f = function.in(k);
      p = function.parameters(k.precision(), width);
      kept = new Matrix[f.keeps(2)];
      Arrays.setAll(
          kept, i -> function.keepsSlope() ? m.slopes(rows, width) : m.fractions(rows, width));
      x = streams(m, rows, width);
    }
  }

  /** What comes before and after the jets of a monotone spline. */
  private static void monotoneSpline(Map<String, Operation> all) {
    int intervals = 5;
    all.put(
        "monotoneSpline.exponentiate",
        (k, m, n, w) -> {
          MonotoneSplineFunction spline = k.functions().monotoneSpline();
          Matrix theta = m.matrix(n, w);
          Matrix table = m.empty(spline.tableRows(intervals), w);
          return () -> spline.exponentiate(theta, table, 2);
        });
    all.put(
        "monotoneSpline.tabulate",
        (k, m, n, w) -> {
          MonotoneSplineFunction spline = k.functions().monotoneSpline();
          Matrix table = m.matrix(spline.tableRows(intervals), w);
          return () -> spline.tabulate(intervals, 3.5, table);
        });
    for (int orders = 1; orders <= 3; orders++) {
      int count = orders;
      all.put(
          "monotoneSpline.sumCotangents of order " + orders,
          (k, m, n, w) -> {
            MonotoneSplineFunction spline = k.functions().monotoneSpline();
            Matrix table = FunctionUnderTest.splineTable(k.precision(), w);
            Matrix x = m.matrix(n, w);
            Matrix fBar0 = m.matrix(n, w);
            Matrix[] fBars = matrices(m, n, w, count);
            int from = w / 3;
            Matrix tableBar = m.matrix(table.rows(), w - from);
            return () -> spline.sumCotangents(table, x, fBar0, fBars, from, tableBar);
          });
    }
    all.put(
        "monotoneSpline.pullBackTable",
        (k, m, n, w) -> {
          MonotoneSplineFunction spline = k.functions().monotoneSpline();
          Matrix table = FunctionUnderTest.splineTable(k.precision(), w);
          Matrix tableBar = m.matrix(table.rows(), w);
          return () -> spline.pullBackTable(table, tableBar);
        });
    all.put(
        "monotoneSpline.addGradient",
        (k, m, n, w) -> {
          MonotoneSplineFunction spline = k.functions().monotoneSpline();
          Matrix table = FunctionUnderTest.splineTable(k.precision(), w);
          int from = w / 3;
          Matrix tableBar = m.matrix(table.rows(), w - from);
          Matrix thetaBar = m.matrix(n, w);
          return () -> spline.addGradient(table, tableBar, 2, from, thetaBar);
        });
  }

  private static void coupling(Map<String, Operation> all) {
    all.put(
        "coupling.value",
        (k, m, n, w) -> {
          Matrix[] x = matrices(m, n, w, 4);
          Matrix sum = m.perRow(n);
          return () -> k.coupling().value(x[0], x[1], x[2], x[3], sum);
        });
    all.put(
        "coupling.tangent",
        (k, m, n, w) -> {
          Matrix[] x = matrices(m, n, w, 2);
          Streams[] s = {streams(m, n, w), streams(m, n, w)};
          Matrix sum = m.perRow(n);
          return () -> k.coupling().tangent(x[0], s[0], s[1], x[1], sum);
        });
    all.put(
        "coupling.second",
        (k, m, n, w) -> {
          Matrix[] x = matrices(m, n, w, 2);
          Streams[] s = {streams(m, n, w), streams(m, n, w)};
          Matrix sum = m.perRow(n);
          return () -> k.coupling().second(x[0], s[0], s[1], x[1], sum);
        });
    for (int order = 0; order <= 2; order++) {
      for (int to = order - 1; to <= order; to++) {
        int top = order;
        int highest = to;
        all.put(
            "coupling.pullBack, order " + order + " to " + to,
            (k, m, n, w) -> {
              Matrix scale = m.matrix(n, w);
              Streams[] s = new Streams[5];
              Arrays.setAll(s, i -> streams(m, n, w));
              Streams c = perRow(m, n);
              return () ->
                  k.coupling().pullBack(top, scale, s[0], s[1], s[2], c, s[3], s[4], highest);
            });
      }
    }
    all.put(
        "coupling.inverse",
        (k, m, n, w) -> {
          Matrix[] x = matrices(m, n, w, 3);
          return () -> k.coupling().inverse(x[0], x[1], x[2]);
        });
    all.put(
        "rows.gatherColumns",
        (k, m, n, w) -> {
          Matrix x = m.matrix(n, w + 2);
          Matrix y = m.matrix(n, w);
          int[] source = IntStream.range(0, w).map(c -> (w - c) % (w + 2)).toArray();
          return () -> k.rows().gatherColumns(x, source, y);
        });
    all.put(
        "rows.scatterColumns",
        (k, m, n, w) -> {
          Matrix x = m.matrix(n, w);
          Matrix y = m.matrix(n, w + 2);
          int[] target = IntStream.range(0, w).map(c -> w + 1 - c).toArray();
          return () -> k.rows().scatterColumns(x, target, y);
        });
  }

  private static void fourier(Map<String, Operation> all) {
    all.put(
        "fourier.transpose",
        (k, m, n, w) -> {
          Matrix x = m.matrix(w, w + 2);
          Matrix y = m.empty(w + 2, w);
          return () -> k.fourier().transpose(x, y);
        });
    FourierShape shape = new FourierShape(2, 3, 3);
    all.put(
        "fourier.combine",
        (k, m, n, w) -> {
          Matrix products = m.matrix(shape.rows() * shape.columns(), w);
          Matrix coefficients = m.empty(shape.frequencies(), 2 * w);
          return () -> k.fourier().combine(shape, products, coefficients);
        });
    all.put(
        "fourier.separate",
        (k, m, n, w) -> {
          Matrix coefficients = m.matrix(shape.frequencies(), 2 * w);
          Matrix products = m.empty(shape.rows() * shape.columns(), w);
          return () -> k.fourier().separate(shape, coefficients, products);
        });
  }

  private static void rows(Map<String, Operation> all) {
    all.put(
        "rows.addToRows",
        (k, m, n, w) -> {
          Matrix x = m.matrix(n, w);
          Matrix bias = m.matrix(1, w);
          return () -> k.rows().addToRows(x, bias);
        });
    all.put(
        "rows.subtractFromRows",
        (k, m, n, w) -> {
          Matrix[] x = matrices(m, n, w, 2);
          Matrix bias = m.matrix(1, w);
          return () -> k.rows().subtractFromRows(x[0], bias, x[1]);
        });
    all.put(
        "rows.divideColumns",
        (k, m, n, w) -> {
          Matrix[] x = matrices(m, n, w, 2);
          Matrix scale = m.matrix(1, w);
          return () -> k.rows().divideColumns(x[0], scale, x[1]);
        });
    all.put(
        "rows.expNegative",
        (k, m, n, w) -> {
          Matrix[] x = matrices(m, n, w, 2);
          return () -> k.rows().expNegative(x[0], x[1]);
        });
    all.put(
        "rows.combine",
        (k, m, n, w) -> {
          Matrix[] x = matrices(m, n, w, 3);
          return () -> k.rows().combine(0.3, x[0], -1.7, x[1], x[2]);
        });
    all.put(
        "rows.combine in place",
        (k, m, n, w) -> {
          Matrix[] x = matrices(m, n, w, 2);
          return () -> k.rows().combine(0.3, x[0], -1.7, x[1], x[1]);
        });
    all.put(
        "rows.scaleShiftColumns",
        (k, m, n, w) -> {
          Matrix[] x = matrices(m, n, w, 2);
          Matrix[] c = matrices(m, 1, w, 2);
          return () -> k.rows().scaleShiftColumns(x[0], c[0], c[1], x[1]);
        });
    all.put(
        "rows.scaleColumns",
        (k, m, n, w) -> {
          Matrix[] x = matrices(m, n, w, 2);
          Matrix c = m.matrix(1, w);
          return () -> k.rows().scaleColumns(x[0], c, x[1]);
        });
    all.put(
        "rows.addColumnSums",
        (k, m, n, w) -> {
          Matrix x = m.matrix(n, w);
          Matrix sums = m.matrix(1, w);
          return () -> k.rows().addColumnSums(0.7, x, sums, w / 5, w - w / 7);
        });
    all.put(
        "rows.product",
        (k, m, n, w) -> {
          Matrix[] x = matrices(m, n, w, 3);
          return () -> k.rows().product(x[0], x[1], x[2]);
        });
    all.put(
        "rows.addRowDots",
        (k, m, n, w) -> {
          Matrix[] x = matrices(m, n, w, 2);
          Matrix dots = m.perRow(n);
          return () -> k.rows().addRowDots(0.7, x[0], x[1], dots);
        });
    all.put(
        "rows.scaleRows",
        (k, m, n, w) -> {
          Matrix[] x = matrices(m, n, w, 2);
          Matrix c = m.perRow(n);
          return () -> k.rows().scaleRows(0.7, c, x[0], x[1]);
        });
    all.put(
        "rows.addScaledRows",
        (k, m, n, w) -> {
          Matrix[] x = matrices(m, n, w, 2);
          Matrix c = m.perRow(n);
          return () -> k.rows().addScaledRows(0.7, c, x[0], x[1]);
        });
    all.put(
        "rows.normaliseRows",
        (k, m, n, w) -> {
          Matrix[] x = matrices(m, n, w, 2);
          Matrix g = m.matrix(1, n);
          return () -> k.rows().normaliseRows(x[0], g, x[1]);
        });
    all.put(
        "rows.pullBackNormalisedRows",
        (k, m, n, w) -> {
          Matrix[] x = matrices(m, n, w, 2);
          Matrix[] g = matrices(m, 1, n, 2);
          int from = n / 3;
          Matrix wBar = m.matrix(n - from, w);
          return () -> k.rows().pullBackNormalisedRows(x[0], g[0], wBar, x[1], g[1], from);
        });
  }

  private static void noiseAndOptimizer(Map<String, Operation> all) {
    all.put(
        "noise.rademacher",
        (k, m, n, w) -> {
          Matrix out = m.empty(n, w);
          return () -> k.noise().rademacher(17, 5_000_000_000L, out);
        });
    all.put(
        "noise.uniform",
        (k, m, n, w) -> {
          Matrix out = m.empty(n, w);
          return () -> k.noise().uniform(-17, 3, out);
        });
    all.put(
        "noise.gaussian",
        (k, m, n, w) -> {
          Matrix out = m.empty(n, w);
          return () -> k.noise().gaussian(1L << 50, 3, out);
        });
    all.put(
        "noise.antithetic",
        (k, m, n, w) -> {
          Matrix out = m.empty(n, w);
          return () -> k.noise().antithetic(1L << 50, 3, out);
        });
    all.put(
        "optimizer.rmsProp",
        (k, m, n, w) -> {
          Matrix[] x = matrices(m, 1, n * w, 3);
          Matrix v = m.fractions(1, n * w);
          return () -> k.optimizer().rmsProp(x[0], x[1], v, x[2], 1e-2, 0.99, 1e-8, 1e-3, 0.5, 0.9);
        });
    for (boolean decoupled : new boolean[] {true, false}) {
      all.put(
          "optimizer.adam" + (decoupled ? ", decoupled" : ""),
          (k, m, n, w) -> {
            Matrix[] x = matrices(m, 1, n * w, 4);
            Matrix v = m.fractions(1, n * w);
            return () ->
                k.optimizer()
                    .adam(
                        x[0], x[1], x[2], v, x[3], 1e-2, 0.9, 0.999, 1e-8, 0.19, 0.002, 1e-3,
                        decoupled, 0.5, 0.9);
          });
    }
  }

  private static Matrix[] matrices(Arena m, int rows, int width, int count) {
    Matrix[] result = new Matrix[count];
    Arrays.setAll(result, i -> m.matrix(rows, width));
    return result;
  }

  private static Streams streams(Arena m, int n, int w) {
    return new Streams(m.matrix(n, w), m.matrix(n, w), m.matrix(n, w));
  }

  private static Streams perRow(Arena m, int n) {
    return new Streams(m.perRow(n), m.perRow(n), m.perRow(n));
  }
}
