package org.ebflow.flow.layer;

import java.util.List;
import java.util.Map;
import org.ebflow.flow.pass.Jet;
import org.ebflow.flow.pass.LogDet;
import org.ebflow.flow.pass.Workspace;
import org.ebflow.linalg.CouplingKernels;
import org.ebflow.linalg.ElementwiseFunctions;
import org.ebflow.linalg.Matrix;
import org.ebflow.linalg.RowKernels;

/**
 * Scale and translation given by the networks, in one of two published forms.
 *
 * <ul>
 *   <li>{@link #published}: y = (x - t)·e^(-s), log|det ∂y/∂x| = -Σs. Source: the published 2-D
 *       model of Chao et al. 2023. s is not bounded: |s| beyond about 80 overflows float32.
 *   <li>{@link #bounded}: y = x·e^s + t with s = c·tanh(h/c), h what the network gives; log|det
 *       ∂y/∂x| = Σs, of which each element lies between -c and c. Source: Kingma and Dhariwal 2018
 *       (Glow) with the scale of Dinh et al. 2017.
 * </ul>
 *
 * <p>Jets: docs/derivations/coupling.md. Keeps the jet of what is scaled, e^(-s), and, if bounded,
 * the jet of s. Threading: immutable.
 */
public final class AffineTransform implements CouplingTransform {
  static final String TYPE = "affine";
  static final String BOUNDED_TYPE = "bounded_affine";
  private static final int SCALE = 0;
  private static final int SHIFTED = 1;
  private static final int LOG_SCALE = 2;
  private static final int LOG_SCALE_BAR = 3;
  private static final int BOUNDING = 0;
  private static final int SCALING = 1;
  private static final int CONSTANTS = 0;
  private static final ElementwiseMap TANH = new ElementwiseMap(ElementwiseFunctions::tanh);
  private static final AffineTransform PUBLISHED = new AffineTransform(0);

  private final double bound;

  /** The constants a and b of -s = a·tanh(b·h), h what the network gives. */
  private final double[] tanh;

  private AffineTransform(double bound) {
    this.bound = bound;
    this.tanh = new double[] {-bound, 1 / bound};
  }

  /** y = (x - t)·e^(-s). */
  public static AffineTransform published() {
    return PUBLISHED;
  }

  /**
   * y = x·e^s + t with s = bound·tanh(h/bound).
   *
   * @param bound largest |s|, in nats; Glow has 2
   */
  public static AffineTransform bounded(double bound) {
    if (!(bound > 0 && bound <= 80)) {
      throw new IllegalArgumentException(
          "AffineTransform.bounded: bound is " + bound + ", expected 0 < bound <= 80");
    }
    return new AffineTransform(bound);
  }

  private boolean isBounded() {
    return bound > 0;
  }

  @Override
  public List<String> parameterNames() {
    return List.of("scale", "translation");
  }

  @Override
  public Map<String, Object> description() {
    return isBounded() ? Description.of(BOUNDED_TYPE, "bound", bound) : Description.of(TYPE);
  }

  @Override
  public void forward(
      Jet x, Jet[] parameters, Jet y, LogDet logDet, Workspace kept, int fromOrder, int toOrder) {
    RowKernels rows = kept.kernels().rows();
    Jet t = parameters[1];
    Jet s = parameters[0];
    Jet w = x;
    if (isBounded()) { // -s of the formula is s of the kernels
      s = kept.jet(LOG_SCALE, x.width());
      Workspace bounding = kept.child(BOUNDING);
      TANH.forward(constants(kept), parameters[0], s, null, bounding, fromOrder, toOrder);
    } else {
      w = kept.jet(SHIFTED, x.width());
      for (int k = fromOrder; k <= toOrder; k++) {
        rows.combine(1, x.stream(k), -1, t.stream(k), w.stream(k)); // w_k = x_k - t_k
      }
    }
    scale(w, s, y, logDet, kept, fromOrder, toOrder);
    for (int k = fromOrder; isBounded() && k <= toOrder; k++) {
      rows.combine(1, y.stream(k), 1, t.stream(k), y.stream(k)); // y_k += t_k
    }
    kept.keep(w);
    kept.child(SCALING).keep(s);
  }

  /** y = w·e^(-s). */
  private static void scale(
      Jet w, Jet s, Jet y, LogDet logDet, Workspace kept, int fromOrder, int toOrder) {
    CouplingKernels kernels = kept.kernels().coupling();
    Matrix scale = scale(kept, w.width());
    if (fromOrder == 0) {
      kernels.value(w.stream(0), s.stream(0), y.stream(0), scale, logDet.order(0));
    }
    if (fromOrder <= 1 && toOrder >= 1) {
      kernels.tangent(scale, w.streams(), s.streams(), y.stream(1), logDet.order(1));
    }
    if (toOrder == 2) {
      kernels.second(scale, w.streams(), s.streams(), y.stream(2), logDet.order(2));
    }
  }

  @Override
  public void backward(
      Jet yBar, LogDet logDetBar, Workspace kept, Jet xBar, Jet[] parameterBars, int toOrder) {
    RowKernels rows = kept.kernels().rows();
    int order = yBar.order();
    int width = yBar.width();
    Jet sBar = isBounded() ? kept.cotangents(LOG_SCALE_BAR, width, order) : parameterBars[0];
    Jet tBar = parameterBars[1];
    kept.kernels()
        .coupling()
        .pullBack(
            order,
            scale(kept, width),
            kept.jet().streams(),
            kept.child(SCALING).jet().streams(),
            yBar.streams(),
            logDetBar.orders(),
            xBar.streams(),
            sBar.streams(),
            toOrder);
    if (isBounded() && toOrder >= 0) {
      Workspace bounding = kept.child(BOUNDING);
      TANH.backward(constants(kept), sBar, null, bounding, parameterBars[0], toOrder, null);
    }
    for (int k = 0; k <= toOrder; k++) {
      if (isBounded()) { // y_k = … + t_k          t̄_k = ȳ_k
        tBar.stream(k).copyFrom(yBar.stream(k));
      } else { //           w_k = x_k - t_k        t̄_k = -w̄_k
        rows.combine(-1, xBar.stream(k), 0, xBar.stream(k), tBar.stream(k));
      }
    }
  }

  @Override
  public void inverse(Matrix y, Jet[] parameters, Matrix x, Workspace kept) {
    RowKernels rows = kept.kernels().rows();
    CouplingKernels kernels = kept.kernels().coupling();
    Matrix t = parameters[1].stream(0);
    if (isBounded()) { // x = (y - t)·e^(-s)
      Jet s = kept.jet(LOG_SCALE, y.columns());
      TANH.forward(constants(kept), parameters[0], s, null, kept.child(BOUNDING), 0, 0);
      rows.combine(1, y, -1, t, x);
      kernels.inverse(x, s.stream(0), x);
    } else { // x = y·e^s + t
      kernels.inverse(y, parameters[0].stream(0), x);
      rows.combine(1, x, 1, t, x);
    }
  }

  private Matrix constants(Workspace kept) {
    return kept.constant(CONSTANTS, tanh);
  }

  /** e^(-s) of the kernels. */
  private static Matrix scale(Workspace kept, int width) {
    return kept.jet(SCALE, width, 0).stream(0);
  }
}
