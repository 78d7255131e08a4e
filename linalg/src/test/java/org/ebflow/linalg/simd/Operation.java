package org.ebflow.linalg.simd;

import java.util.Arrays;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Function;
import org.ebflow.linalg.ActivationKernels;
import org.ebflow.linalg.CouplingKernels.Streams;
import org.ebflow.linalg.ElementwiseKernels.Derivatives;
import org.ebflow.linalg.Kernels;
import org.ebflow.linalg.Matrix;

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
    smoothLeakyRelu(all);
    activation(all, "swish", Kernels::swish);
    activation(all, "elu", Kernels::elu);
    elementwise(all);
    coupling(all);
    rows(all);
    noiseAndOptimizer(all);
    return all;
  }

  private static void smoothLeakyRelu(Map<String, Operation> all) {
    double a = 0.3;
    double b = 0.7;
    all.put(
        "smoothLeakyRelu.value",
        (k, m, n, w) -> {
          Matrix[] x = matrices(m, n, w, 3);
          Matrix sum = m.perRow(n);
          return () -> k.smoothLeakyRelu().value(a, b, x[0], x[1], x[2], sum);
        });
    all.put(
        "smoothLeakyRelu.tangent",
        (k, m, n, w) -> {
          Matrix q = m.fractions(n, w);
          Matrix[] x = matrices(m, n, w, 2);
          Matrix sum = m.perRow(n);
          return () -> k.smoothLeakyRelu().tangent(a, b, q, x[0], x[1], sum);
        });
    all.put(
        "smoothLeakyRelu.second",
        (k, m, n, w) -> {
          Matrix q = m.fractions(n, w);
          Matrix[] x = matrices(m, n, w, 3);
          Matrix sum = m.perRow(n);
          return () -> k.smoothLeakyRelu().second(a, b, q, x[0], x[1], x[2], sum);
        });
    all.put(
        "smoothLeakyRelu.pullBack0",
        (k, m, n, w) -> {
          Matrix q = m.fractions(n, w);
          Matrix[] x = matrices(m, n, w, 2);
          Matrix c = m.perRow(n);
          return () -> k.smoothLeakyRelu().pullBack0(a, b, q, x[0], c, x[1]);
        });
    for (boolean lowest : new boolean[] {true, false}) {
      String suffix = lowest ? ", top null" : "";
      all.put(
          "smoothLeakyRelu.pullBack1" + suffix,
          (k, m, n, w) -> {
            Matrix q = m.fractions(n, w);
            Matrix[] x = matrices(m, n, w, 5);
            Matrix[] c = {m.perRow(n), m.perRow(n)};
            return () ->
                k.smoothLeakyRelu()
                    .pullBack1(a, b, q, x[0], x[1], x[2], c[0], c[1], x[3], lowest ? null : x[4]);
          });
      all.put(
          "smoothLeakyRelu.pullBack2" + suffix,
          (k, m, n, w) -> {
            Matrix q = m.fractions(n, w);
            Matrix[] x = matrices(m, n, w, 8);
            Matrix[] c = {m.perRow(n), m.perRow(n), m.perRow(n)};
            return () ->
                k.smoothLeakyRelu()
                    .pullBack2(
                        a,
                        b,
                        q,
                        x[0],
                        x[1],
                        x[2],
                        x[3],
                        x[4],
                        c[0],
                        c[1],
                        c[2],
                        x[5],
                        x[6],
                        lowest ? null : x[7]);
          });
    }
    all.put(
        "smoothLeakyRelu.inverse",
        (k, m, n, w) -> {
          Matrix[] x = matrices(m, n, w, 2);
          return () -> k.smoothLeakyRelu().inverse(a, b, x[0], x[1]);
        });
  }

  private static void activation(
      Map<String, Operation> all, String name, Function<Kernels, ActivationKernels> of) {
    for (boolean sloped : new boolean[] {true, false}) {
      String suffix = sloped ? ", slope" : "";
      all.put(
          name + ".value" + suffix,
          (k, m, n, w) -> {
            Matrix slope = sloped ? m.fractions(1, w) : null;
            Matrix[] x = matrices(m, n, w, 3);
            return () -> of.apply(k).value(slope, x[0], x[1], x[2]);
          });
      all.put(
          name + ".tangent" + suffix,
          (k, m, n, w) -> {
            Matrix slope = sloped ? m.fractions(1, w) : null;
            Matrix s = m.fractions(n, w);
            Matrix[] x = matrices(m, n, w, 3);
            return () -> of.apply(k).tangent(slope, x[0], s, x[1], x[2]);
          });
      all.put(
          name + ".second" + suffix,
          (k, m, n, w) -> {
            Matrix slope = sloped ? m.fractions(1, w) : null;
            Matrix s = m.fractions(n, w);
            Matrix[] x = matrices(m, n, w, 4);
            return () -> of.apply(k).second(slope, x[0], s, x[1], x[2], x[3]);
          });
      all.put(
          name + ".pullBack0" + suffix,
          (k, m, n, w) -> {
            Matrix slope = sloped ? m.fractions(1, w) : null;
            Matrix s = m.fractions(n, w);
            Matrix[] x = matrices(m, n, w, 4);
            return () -> of.apply(k).pullBack0(slope, x[0], s, x[1], x[2], sloped ? x[3] : null);
          });
      all.put(
          name + ".pullBack1" + suffix,
          (k, m, n, w) -> {
            Matrix slope = sloped ? m.fractions(1, w) : null;
            Matrix s = m.fractions(n, w);
            Matrix[] x = matrices(m, n, w, 7);
            return () ->
                of.apply(k)
                    .pullBack1(
                        slope,
                        x[0],
                        s,
                        x[1],
                        x[2],
                        x[3],
                        x[4],
                        sloped ? x[5] : null,
                        sloped ? x[6] : null);
          });
      all.put(
          name + ".pullBack2" + suffix,
          (k, m, n, w) -> {
            Matrix slope = sloped ? m.fractions(1, w) : null;
            Matrix s = m.fractions(n, w);
            Matrix[] x = matrices(m, n, w, 10);
            Matrix top = sloped ? x[8] : null;
            Matrix slopeBar = sloped ? x[9] : null;
            return () ->
                of.apply(k)
                    .pullBack2(
                        slope, x[0], s, x[1], x[2], x[3], x[4], x[5], x[6], x[7], top, slopeBar);
          });
    }
  }

  private static void elementwise(Map<String, Operation> all) {
    all.put(
        "elementwise.tangent",
        (k, m, n, w) -> {
          Matrix[] x = matrices(m, n, w, 2);
          Derivatives d = derivatives(m, n, w);
          Matrix sum = m.perRow(n);
          return () -> k.elementwise().tangent(d, x[0], x[1], sum);
        });
    all.put(
        "elementwise.second",
        (k, m, n, w) -> {
          Matrix[] x = matrices(m, n, w, 3);
          Derivatives d = derivatives(m, n, w);
          Matrix sum = m.perRow(n);
          return () -> k.elementwise().second(d, x[0], x[1], x[2], sum);
        });
    all.put(
        "elementwise.pullBack0",
        (k, m, n, w) -> {
          Matrix[] x = matrices(m, n, w, 2);
          Derivatives d = derivatives(m, n, w);
          Matrix c = m.perRow(n);
          return () -> k.elementwise().pullBack0(d, x[0], c, x[1]);
        });
    for (boolean lowest : new boolean[] {true, false}) {
      String suffix = lowest ? ", top null" : "";
      all.put(
          "elementwise.pullBack1" + suffix,
          (k, m, n, w) -> {
            Matrix[] x = matrices(m, n, w, 5);
            Derivatives d = derivatives(m, n, w);
            Matrix[] c = {m.perRow(n), m.perRow(n)};
            return () ->
                k.elementwise()
                    .pullBack1(d, x[0], x[1], x[2], c[0], c[1], x[3], lowest ? null : x[4]);
          });
      all.put(
          "elementwise.pullBack2" + suffix,
          (k, m, n, w) -> {
            Matrix[] x = matrices(m, n, w, 8);
            Derivatives d = derivatives(m, n, w);
            Matrix[] c = {m.perRow(n), m.perRow(n), m.perRow(n)};
            Matrix top = lowest ? null : x[7];
            return () ->
                k.elementwise()
                    .pullBack2(d, x[0], x[1], x[2], x[3], x[4], c[0], c[1], c[2], x[5], x[6], top);
          });
    }
    all.put(
        "elementwise.logit",
        (k, m, n, w) -> {
          Matrix x = m.fractions(n, w);
          Matrix y = m.empty(n, w);
          Matrix sum = m.perRow(n);
          return () -> k.elementwise().logit(1.3, x, y, sum);
        });
    all.put(
        "elementwise.logitDerivatives",
        (k, m, n, w) -> {
          Matrix x = m.fractions(n, w);
          Derivatives d = derivatives(m, n, w);
          return () -> k.elementwise().logitDerivatives(1.3, x, d);
        });
    all.put(
        "elementwise.logitDerivatives, order 0",
        (k, m, n, w) -> {
          Matrix x = m.fractions(n, w);
          Derivatives d = new Derivatives(m.empty(n, w), null, null, m.empty(n, w), null, null);
          return () -> k.elementwise().logitDerivatives(1.3, x, d);
        });
    all.put(
        "elementwise.sigmoid",
        (k, m, n, w) -> {
          Matrix[] x = matrices(m, n, w, 2);
          return () -> k.elementwise().sigmoid(1.3, x[0], x[1]);
        });
  }

  private static void coupling(Map<String, Operation> all) {
    all.put(
        "coupling.value",
        (k, m, n, w) -> {
          Matrix[] x = matrices(m, n, w, 5);
          Matrix mask = m.mask(w);
          Matrix sum = m.perRow(n);
          return () -> k.coupling().value(mask, x[0], x[1], x[2], x[3], x[4], sum);
        });
    all.put(
        "coupling.tangent",
        (k, m, n, w) -> {
          Matrix[] x = matrices(m, n, w, 8);
          Matrix mask = m.mask(w);
          Matrix sum = m.perRow(n);
          return () ->
              k.coupling().tangent(mask, x[7], x[0], x[1], x[2], x[3], x[4], x[5], x[6], sum);
        });
    all.put(
        "coupling.second",
        (k, m, n, w) -> {
          Matrix[] x = matrices(m, n, w, 2);
          Matrix mask = m.mask(w);
          Streams[] s = {streams(m, n, w), streams(m, n, w), streams(m, n, w)};
          Matrix sum = m.perRow(n);
          return () -> k.coupling().second(mask, x[0], s[0], s[1], s[2], x[1], sum);
        });
    for (int order = 0; order <= 2; order++) {
      int top = order;
      all.put(
          "coupling.pullBack, order " + order,
          (k, m, n, w) -> {
            Matrix scale = m.matrix(n, w);
            Matrix mask = m.mask(w);
            Streams[] s = new Streams[7];
            Arrays.setAll(s, i -> streams(m, n, w));
            Streams c = new Streams(m.perRow(n), m.perRow(n), m.perRow(n));
            return () ->
                k.coupling()
                    .pullBack(top, mask, scale, s[0], s[1], s[2], s[3], c, s[4], s[5], s[6]);
          });
    }
    all.put(
        "coupling.inverse",
        (k, m, n, w) -> {
          Matrix[] x = matrices(m, n, w, 4);
          Matrix mask = m.mask(w);
          return () -> k.coupling().inverse(mask, x[0], x[1], x[2], x[3]);
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

  private static Derivatives derivatives(Arena m, int n, int w) {
    Matrix[] d = matrices(m, n, w, 6);
    return new Derivatives(d[0], d[1], d[2], d[3], d[4], d[5]);
  }
}
