package org.ebflow.flow.model;

import java.util.List;
import org.ebflow.flow.Flow;
import org.ebflow.flow.layer.ActNorm;
import org.ebflow.flow.layer.Activation;
import org.ebflow.flow.layer.AdditiveTransform;
import org.ebflow.flow.layer.AffineTransform;
import org.ebflow.flow.layer.Coupling;
import org.ebflow.flow.layer.CouplingSplit;
import org.ebflow.flow.layer.CouplingTransform;
import org.ebflow.flow.layer.Dense;
import org.ebflow.flow.layer.DifferentiableMap;
import org.ebflow.flow.layer.Initializers;
import org.ebflow.flow.layer.Layer;
import org.ebflow.flow.layer.MaskedAffineCoupling;
import org.ebflow.flow.layer.Mlp;
import org.ebflow.flow.layer.Shape;

/**
 * Blocks of a dense layer, a masked coupling and an ActNorm, and one more dense layer.
 *
 * <p>Source: Chao et al. 2023, section 5.1 (2-D data: 10 blocks, networks of 3 hidden layers of 64
 * units).
 *
 * @param blocks number of blocks, at least 1
 * @param width units of a hidden layer
 * @param hidden hidden layers of each network
 * @param activation of the translation networks
 * @param weightNormalisation whether every weight of the networks is trained as the directions of
 *     its rows, {@code weight_v}, and their lengths, {@code weight_g} (Salimans and Kingma 2016);
 *     the dense layers stay as they are
 * @param transform what a coupling does to the columns that it transforms
 * @param init published: random networks; else every coupling starts as the identity
 */
public record CouplingConfig(
    int blocks,
    int width,
    int hidden,
    Activation.Kind activation,
    boolean weightNormalisation,
    Transform transform,
    Init init)
    implements ModelConfig {
  private static final int MOST_LAYERS = 1000;
  private static final int MOST_WIDTH = 65_536;

  /** Largest |s| of {@link Transform#BOUNDED}, in nats: Glow's. */
  private static final double BOUND = 2;

  /** How a coupling transforms a column, by parameters that networks give. */
  public enum Transform {
    /**
     * (x - t)·e^(-s) with s as the network gives it: {@link MaskedAffineCoupling}. A row unlike all
     * that were trained on may be scaled without bound.
     */
    PUBLISHED,
    /** x·e^s + t with |s| at most 2 nats: {@link AffineTransform#bounded}. */
    BOUNDED,
    /** x + t: {@link AdditiveTransform}. */
    ADDITIVE
  }

  /** Refuses impossible values. */
  public CouplingConfig {
    if (Math.min(blocks, Math.min(width, hidden)) < 1
        || Math.max(blocks, hidden) > MOST_LAYERS
        || width > MOST_WIDTH) {
      throw new IllegalArgumentException(
          "blocks, width and hidden are "
              + blocks
              + ", "
              + width
              + ", "
              + hidden
              + ", expected 1 to "
              + MOST_LAYERS
              + ", "
              + MOST_WIDTH
              + ", "
              + MOST_LAYERS);
    }
  }

  /** With the published transform and start. */
  public CouplingConfig(
      int blocks, int width, int hidden, Activation.Kind activation, boolean weightNormalisation) {
    this(
        blocks,
        width,
        hidden,
        activation,
        weightNormalisation,
        Transform.PUBLISHED,
        Init.PUBLISHED);
  }

  /** With the published transform and start, without weight normalisation. */
  public CouplingConfig(int blocks, int width, int hidden, Activation.Kind activation) {
    this(blocks, width, hidden, activation, false);
  }

  @Override
  public String type() {
    return "coupling";
  }

  @Override
  public Flow.Builder layers(Shape input) {
    int dimension = input.size();
    if (dimension < 2) {
      throw new IllegalArgumentException(
          "model coupling needs at least 2 columns, the data have " + dimension);
    }
    Flow.Builder builder = Flow.of(dimension);
    for (int block = 0; block < blocks; block++) {
      builder.layer(orthogonal(dimension));
      builder.layer(coupling(mask(dimension, block)));
      builder.layer(new ActNorm(dimension));
    }
    return builder.layer(orthogonal(dimension));
  }

  private Layer coupling(double[] mask) {
    boolean identity = init != Init.PUBLISHED;
    return switch (transform) {
      case PUBLISHED ->
          new MaskedAffineCoupling(mask, width, hidden, activation, weightNormalisation, identity);
      case BOUNDED ->
          coupling(
              mask,
              AffineTransform.bounded(BOUND),
              // as in the published form
              network(mask.length, Activation.Kind.SWISH),
              network(mask.length, activation));
      case ADDITIVE -> coupling(mask, new AdditiveTransform(), network(mask.length, activation));
    };
  }

  private static Coupling coupling(
      double[] mask, CouplingTransform transform, DifferentiableMap... networks) {
    return new Coupling(CouplingSplit.mask(mask), transform, List.of(networks));
  }

  private Mlp network(int dimension, Activation.Kind kind) {
    Mlp.Settings settings = new Mlp.Settings(width, hidden, kind, weightNormalisation);
    return init == Init.PUBLISHED
        ? new Mlp(dimension, dimension, settings)
        : Mlp.startingAtZero(dimension, dimension, settings);
  }

  private static Dense orthogonal(int dimension) {
    return new Dense(dimension, Initializers.orthogonal(), Initializers.constant(0));
  }

  /** 0, 1, 0, … in even blocks, 1, 0, 1, … in odd ones. */
  private static double[] mask(int dimension, int block) {
    double[] mask = new double[dimension];
    for (int c = 0; c < dimension; c++) {
      mask[c] = (c + block + 1) % 2 == 0 ? 1 : 0;
    }
    return mask;
  }
}
