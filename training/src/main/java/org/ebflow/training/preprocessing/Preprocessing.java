package org.ebflow.training.preprocessing;

import java.util.List;
import org.ebflow.flow.Flow;
import org.ebflow.flow.layer.FixedAffine;
import org.ebflow.flow.layer.Layer;
import org.ebflow.flow.layer.Logit;
import org.ebflow.linalg.Precision;
import org.ebflow.training.data.Dataset;
import org.jspecify.annotations.Nullable;

/**
 * What turns a row of the data into a row of the model: dequantisation of integers, and layers
 * without weights.
 *
 * <p>Source: Chao et al. 2023, section 4.3 and appendix. With "match after preprocessing" the
 * layers stay outside the model and their log-derivatives return in the likelihood of x; without,
 * they are layers of the model.
 *
 * @param levels number of integer values, whose unit interval is filled by uniform noise; 0 for
 *     real-valued data
 * @param layers in the order of application, none for the identity
 */
public record Preprocessing(int levels, List<Layer> layers) {
  /** Shrinks [0,1) so that the logit stays finite. */
  private static final double SHRINK = 1e-6;

  /** Rows as they are. */
  public static Preprocessing none() {
    return new Preprocessing(0, List.of());
  }

  /** y = (x + u)/levels, y ← (y + δ)(1-2δ) with δ = 1e-6, then (log y - log(1-y))/smoothness. */
  public static Preprocessing logit(int dimension, int levels, double smoothness) {
    double shrunk = 1 - 2 * SHRINK;
    return new Preprocessing(
        levels,
        List.of(
            FixedAffine.uniform(dimension, shrunk / levels, SHRINK * shrunk),
            new Logit(smoothness)));
  }

  /** (x - mean)/deviation per column. */
  public static Preprocessing standardize(double[] mean, double[] deviation) {
    double[] scale = new double[mean.length];
    double[] shift = new double[mean.length];
    for (int c = 0; c < mean.length; c++) {
      scale[c] = 1 / deviation[c];
      shift[c] = -mean[c] / deviation[c];
    }
    return new Preprocessing(0, List.of(new FixedAffine(scale, shift)));
  }

  /** In which precision it is computed: large real numbers cancel in float32, pixels do not. */
  public Precision precision(Precision model) {
    return levels > 0 ? model : Precision.FLOAT64;
  }

  /** The layers as a flow of their own, null when there are none. */
  public @Nullable Flow flow(int dimension, Precision model) {
    if (layers.isEmpty()) {
      return null;
    }
    Flow.Builder builder = Flow.of(dimension).precision(precision(model));
    layers.forEach(builder::layer);
    return builder.build();
  }

  /** How a preprocessing is found from training data. */
  @FunctionalInterface
  public interface Fit {
    /** The preprocessing for data like these. */
    Preprocessing fit(Dataset train);
  }
}
