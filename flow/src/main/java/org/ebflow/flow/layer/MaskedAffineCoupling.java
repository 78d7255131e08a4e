package org.ebflow.flow.layer;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Stream;
import org.ebflow.flow.pass.Gradients;
import org.ebflow.flow.pass.Jet;
import org.ebflow.flow.pass.LogDet;
import org.ebflow.flow.pass.Parameter;
import org.ebflow.flow.pass.Workspace;
import org.ebflow.linalg.CouplingKernels;
import org.ebflow.linalg.Matrix;
import org.ebflow.linalg.RowKernels;
import org.jspecify.annotations.Nullable;

/**
 * Masked affine coupling, y = m∘x + (1-m)∘(x - t)∘e^(-s) with s and t networks of m∘x.
 *
 * <p>Source: Dinh et al. 2017 (Real NVP), section 3.4, in the form of the published 2-D model;
 * jets: docs/derivations/coupling.md.
 *
 * <p>Shapes (row-major): x, s, t, y [batch,D] per order, m [D] of zeros and ones; logDet [batch]
 * nats, -Σ(1-m)·s.
 *
 * <p>Domain and inverse: all reals, x = m∘y + (1-m)∘(y∘e^s + t). s is not bounded: |s| beyond about
 * 80 overflows float32.
 *
 * <p>Cost: two networks per row and order. Threading: immutable.
 */
public final class MaskedAffineCoupling implements Layer {
  static final String TYPE = "masked_affine_coupling";
  private static final String WEIGHT_NORMALISATION = "weight_normalisation";
  private static final int MASK = 0;
  private static final int MASKED = 1;
  private static final int LOG_SCALE = 2;
  private static final int TRANSLATION = 3;
  private static final int SCALE = 4;
  private static final int COTANGENTS = 10;
  private static final int SCALE_NETWORK = 0;
  private static final int TRANSLATION_NETWORK = 1;

  private final double[] mask;
  private final int width;
  private final int hidden;
  private final TranslationActivation activation;
  private final boolean weightNormalisation;
  private final Mlp scaleNetwork;
  private final Mlp translationNetwork;

  /** Activation of the translation network; the scale network always has Swish. */
  public enum TranslationActivation {
    /** x·sigmoid(βx), β trainable. */
    SWISH,
    /** x for x &gt; 0, else eˣ - 1. */
    ELU,
    /** x for x &gt; 0, else x/100. */
    LEAKY_RELU,
    /** x for x &gt; 0, else 0. */
    RELU
  }

  /** With random networks, without weight normalisation. */
  public MaskedAffineCoupling(
      double[] mask, int width, int hidden, TranslationActivation activation) {
    this(mask, width, hidden, activation, false);
  }

  /**
   * With random networks.
   *
   * @param mask one for the columns that pass unchanged and feed the networks, zero for those
   *     transformed
   * @param width units of a hidden layer
   * @param hidden number of hidden layers
   * @param weightNormalisation whether the networks' weights are directions times magnitudes
   *     (Salimans and Kingma 2016); the start is the same function
   */
  public MaskedAffineCoupling(
      double[] mask,
      int width,
      int hidden,
      TranslationActivation activation,
      boolean weightNormalisation) {
    this.mask = mask.clone();
    this.width = width;
    this.hidden = hidden;
    this.activation = activation;
    this.weightNormalisation = weightNormalisation;
    scaleNetwork = network("scale.", Activation.Kind.SWISH);
    translationNetwork = network("translation.", Activation.Kind.valueOf(activation.name()));
  }

  private Mlp network(String prefix, Activation.Kind kind) {
    return new Mlp(prefix, mask.length, width, hidden, mask.length, kind, weightNormalisation);
  }

  static MaskedAffineCoupling of(Description description, Shape input) {
    return new MaskedAffineCoupling(
        description.numbers("mask"),
        description.count("width"),
        description.count("hidden"),
        TranslationActivation.valueOf(description.text("activation").toUpperCase(Locale.ROOT)),
        description.has(WEIGHT_NORMALISATION) && description.flag(WEIGHT_NORMALISATION));
  }

  @Override
  public Map<String, Object> description() {
    Map<String, Object> map = new LinkedHashMap<>();
    map.put("type", TYPE);
    map.put("mask", Arrays.stream(mask).boxed().toList());
    map.put("width", width);
    map.put("hidden", hidden);
    map.put("activation", activation.name().toLowerCase(Locale.ROOT));
    if (weightNormalisation) { // else absent, as in files that know of none
      map.put(WEIGHT_NORMALISATION, true);
    }
    return map;
  }

  /** A copy of the mask. */
  public double[] mask() {
    return mask.clone();
  }

  /** Units of a hidden layer. */
  public int width() {
    return width;
  }

  /** Hidden layers of each network. */
  public int hidden() {
    return hidden;
  }

  /** Activation of the translation network. */
  public TranslationActivation activation() {
    return activation;
  }

  /** Whether the networks' weights are directions times magnitudes. */
  public boolean weightNormalisation() {
    return weightNormalisation;
  }

  @Override
  public List<Parameter> parameters() {
    return Stream.concat(
            scaleNetwork.parameters().stream(), translationNetwork.parameters().stream())
        .toList();
  }

  @Override
  public int dimension() {
    return mask.length;
  }

  @Override
  public void forward(Jet x, Jet y, LogDet logDet, Workspace kept, int fromOrder, int toOrder) {
    Matrix m = kept.constant(MASK, mask);
    Jet masked = kept.jet(MASKED, mask.length);
    Jet s = kept.jet(LOG_SCALE, mask.length);
    Jet t = kept.jet(TRANSLATION, mask.length);
    for (int k = fromOrder; k <= toOrder; k++) {
      kept.kernels().rows().scaleColumns(x.stream(k), m, masked.stream(k));
    }
    scaleNetwork.forward(masked, s, kept.child(SCALE_NETWORK), fromOrder, toOrder);
    translationNetwork.forward(masked, t, kept.child(TRANSLATION_NETWORK), fromOrder, toOrder);
    CouplingKernels kernels = kept.kernels().coupling();
    Matrix scale = scale(kept);
    if (fromOrder == 0) {
      kernels.value(m, x.stream(0), s.stream(0), t.stream(0), y.stream(0), scale, logDet.order(0));
    }
    if (fromOrder <= 1 && toOrder >= 1) {
      kernels.tangent(
          m,
          scale,
          x.stream(0),
          s.stream(0),
          t.stream(0),
          x.stream(1),
          s.stream(1),
          t.stream(1),
          y.stream(1),
          logDet.order(1));
    }
    if (toOrder == 2) {
      kernels.second(m, scale, x.streams(), s.streams(), t.streams(), y.stream(2), logDet.order(2));
    }
    kept.keep(x);
  }

  @Override
  public void backward(
      Jet yBar,
      LogDet logDetBar,
      Workspace kept,
      Jet xBar,
      int toOrder,
      @Nullable Gradients gradients) {
    int order = yBar.order();
    Matrix m = kept.constant(MASK, mask);
    Jet direct = cotangents(kept, 0, order);
    Jet sBar = cotangents(kept, 1, order);
    Jet tBar = cotangents(kept, 2, order);
    Jet throughScale = cotangents(kept, 3, order);
    Jet throughTranslation = cotangents(kept, 4, order);
    kept.kernels()
        .coupling()
        .pullBack(
            order,
            m,
            scale(kept),
            kept.kept().streams(),
            kept.jet(LOG_SCALE, mask.length).streams(),
            kept.jet(TRANSLATION, mask.length).streams(),
            yBar.streams(),
            logDetBar.orders(),
            direct.streams(),
            sBar.streams(),
            tBar.streams());
    scaleNetwork.backward(sBar, kept.child(SCALE_NETWORK), throughScale, toOrder, gradients);
    translationNetwork.backward(
        tBar, kept.child(TRANSLATION_NETWORK), throughTranslation, toOrder, gradients);
    RowKernels kernels = kept.kernels().rows();
    for (int k = 0; k <= toOrder; k++) {
      Matrix sum = throughScale.stream(k);
      kernels.combine(1, sum, 1, throughTranslation.stream(k), sum);
      kernels.scaleColumns(sum, m, sum); // networks see m∘x
      kernels.combine(1, direct.stream(k), 1, sum, xBar.stream(k));
    }
  }

  @Override
  public void inverse(Matrix y, Matrix x, Workspace kept) {
    Jet masked = kept.jet(MASKED, mask.length);
    Jet s = kept.jet(LOG_SCALE, mask.length);
    Jet t = kept.jet(TRANSLATION, mask.length);
    Matrix m = kept.constant(MASK, mask);
    kept.kernels().rows().scaleColumns(y, m, masked.stream(0)); // m∘y = m∘x
    scaleNetwork.forward(masked, s, kept.child(SCALE_NETWORK), 0, 0);
    translationNetwork.forward(masked, t, kept.child(TRANSLATION_NETWORK), 0, 0);
    kept.kernels().coupling().inverse(m, y, s.stream(0), t.stream(0), x);
  }

  private Matrix scale(Workspace kept) {
    return kept.jet(SCALE, mask.length, 0).stream(0);
  }

  /** Cotangents of a lower order, as the score's, have buffers of their own. */
  private Jet cotangents(Workspace kept, int which, int order) {
    return kept.jet(COTANGENTS * (order + 1) + which, mask.length, order);
  }

  @Override
  public String toString() {
    return "MaskedAffineCoupling(" + mask.length + ")";
  }
}
