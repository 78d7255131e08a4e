package org.ebflow.flow.layer;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Masked affine coupling, y = m∘x + (1-m)∘(x - t)∘e^(-s) with s and t MLPs of m∘x: the {@link
 * Coupling} of the published 2-D model.
 *
 * <p>Source: Dinh et al. 2017 (Real NVP), section 3.4, in the form of Chao et al. 2023; jets:
 * docs/derivations/coupling.md.
 *
 * <p>Shapes (row-major): x, s, t, y [batch,D] per order, m [D] of zeros and ones; logDet [batch]
 * nats, -Σ(1-m)·s.
 *
 * <p>Cost: two networks per row and order. Threading: immutable.
 */
public final class MaskedAffineCoupling extends Coupling {
  static final String TYPE = "masked_affine_coupling";

  private final Mlp.Settings settings;

  /** With random networks, without weight normalisation. */
  public MaskedAffineCoupling(double[] mask, int width, int hidden, Activation.Kind activation) {
    this(mask, width, hidden, activation, false);
  }

  /**
   * With random networks.
   *
   * @param mask one for the columns that pass unchanged and feed the networks, zero for those
   *     transformed
   * @param width units of a hidden layer
   * @param hidden number of hidden layers
   * @param activation of the translation network; the scale network always has Swish
   * @param weightNormalisation whether the networks' weights are directions times magnitudes
   *     (Salimans and Kingma 2016); the start is the same function
   */
  public MaskedAffineCoupling(
      double[] mask,
      int width,
      int hidden,
      Activation.Kind activation,
      boolean weightNormalisation) {
    this(mask, width, hidden, activation, weightNormalisation, false);
  }

  /**
   * As the other, or starting as the identity.
   *
   * @param identity whether the last map of each network starts as zero
   */
  public MaskedAffineCoupling(
      double[] mask,
      int width,
      int hidden,
      Activation.Kind activation,
      boolean weightNormalisation,
      boolean identity) {
    this(mask, new Mlp.Settings(width, hidden, activation, weightNormalisation), identity);
  }

  private MaskedAffineCoupling(double[] mask, Mlp.Settings settings, boolean identity) {
    Mlp.Settings scale =
        new Mlp.Settings(
            settings.width(),
            settings.hidden(),
            Activation.Kind.SWISH,
            settings.weightNormalisation());
    super(
        CouplingSplit.mask(mask),
        AffineTransform.published(),
        List.of(network(mask.length, scale, identity), network(mask.length, settings, identity)));
    this.settings = settings;
  }

  private static Mlp network(int dimension, Mlp.Settings settings, boolean zero) {
    return zero
        ? Mlp.startingAtZero(dimension, dimension, settings)
        : new Mlp(dimension, dimension, settings);
  }

  static MaskedAffineCoupling of(Description description, Shape input) {
    return new MaskedAffineCoupling(
        description.numbers("mask"), Mlp.Settings.of(description), false);
  }

  @Override
  public Map<String, Object> description() {
    Map<String, Object> result =
        new LinkedHashMap<>(Description.of(TYPE, "mask", Arrays.stream(mask()).boxed().toList()));
    settings.describe(result);
    return result;
  }

  /** A copy of the mask. */
  public double[] mask() {
    return split().mask();
  }

  /** Units of a hidden layer. */
  public int width() {
    return settings.width();
  }

  /** Hidden layers of each network. */
  public int hidden() {
    return settings.hidden();
  }

  /** Activation of the translation network. */
  public Activation.Kind activation() {
    return settings.activation();
  }

  /** Whether the networks' weights are directions times magnitudes. */
  public boolean weightNormalisation() {
    return settings.weightNormalisation();
  }

  @Override
  public String toString() {
    return "MaskedAffineCoupling(" + dimension() + ")";
  }
}
