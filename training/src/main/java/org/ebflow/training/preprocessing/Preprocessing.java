package org.ebflow.training.preprocessing;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.SequencedMap;
import org.ebflow.flow.Flow;
import org.ebflow.flow.layer.FixedAffine;
import org.ebflow.flow.layer.Layer;
import org.ebflow.flow.layer.Logit;
import org.ebflow.flow.pass.Parameter;
import org.ebflow.flow.pass.Parameters;
import org.ebflow.linalg.Matrix;
import org.ebflow.linalg.Precision;
import org.ebflow.training.data.Dataset;
import org.jspecify.annotations.Nullable;

/**
 * What turns a row of the data into a row of the model: dequantisation of whole numbers, and layers
 * whose weights are fitted, not trained.
 *
 * <p>Source: Chao et al. 2023, section 4.3 and appendix. With "match after preprocessing" the
 * layers stay outside the model and their log-derivatives return in the likelihood of x; without,
 * they are layers of the model.
 *
 * @param levels number of integer values, whose unit interval is filled by uniform noise; 0 for
 *     real-valued data
 * @param wholeColumns columns of real-valued data that hold whole numbers n, spread over [n, n+1)
 *     by uniform noise
 * @param layers in the order of application, none for the identity
 * @param weights of the layers, named as files name them
 */
public record Preprocessing(
    int levels, List<Integer> wholeColumns, List<Layer> layers, Parameters weights) {
  /** Shrinks [0,1) so that the logit stays finite. */
  private static final double SHRINK = 1e-6;

  /** With the layers' initial weights. */
  public Preprocessing(int levels, List<Layer> layers) {
    this(levels, List.of(), layers, initialWeights(levels, layers));
  }

  private static Parameters initialWeights(int levels, List<Layer> layers) {
    SequencedMap<String, Parameter> named = new LinkedHashMap<>();
    for (int i = 0; i < layers.size(); i++) {
      String prefix = Flow.PREPROCESSING + i + ".";
      layers.get(i).parametersByName().forEach((name, block) -> named.put(prefix + name, block));
    }
    return Parameters.initial(named, levels > 0 ? Precision.FLOAT32 : Precision.FLOAT64, 0);
  }

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

  /** The same, with those columns of real-valued data spread. */
  public Preprocessing dequantizing(List<Integer> columns) {
    return new Preprocessing(levels, List.copyOf(columns), layers, weights);
  }

  /** The dequantisation alone. */
  public Preprocessing withoutLayers() {
    return new Preprocessing(levels, List.of()).dequantizing(wholeColumns);
  }

  /** Whether any column is spread by noise. */
  public boolean dequantizes() {
    return levels > 0 || !wholeColumns.isEmpty();
  }

  /**
   * Why a row is none of pixels: its first value that is no whole number from 0 to levels - 1.
   * Noise makes a density of such numbers, so that one between them has none: it is what pictures
   * scaled to 0…1 have. Null where it is a row of pixels, or the data are real-valued.
   *
   * @param rows finite values, read
   * @param from where the row begins
   * @param columns of the row
   */
  public @Nullable String problem(double[] rows, int from, int columns) {
    for (int c = 0; levels > 0 && c < columns; c++) {
      double value = rows[from + c];
      if (!(value >= 0 && value < levels && value == Math.rint(value))) {
        return String.format(
            Locale.ROOT,
            "column %d: expected a whole number from 0 to %d, as the model's pixels are, found %s",
            c + 1,
            levels - 1,
            value);
      }
    }
    return null;
  }

  /**
   * Rows of the data from rows before the layers: what was spread is rounded down, pixels to one of
   * their levels.
   *
   * @param rows modified, [*,dimension]
   */
  public void quantize(Matrix rows) {
    for (int r = 0; r < rows.rows(); r++) {
      for (int c = 0; levels > 0 && c < rows.columns(); c++) {
        rows.set(r, c, Math.clamp(Math.floor(rows.get(r, c)), 0, levels - 1));
      }
      for (int c : wholeColumns) {
        rows.set(r, c, Math.floor(rows.get(r, c)));
      }
    }
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
    return builder.build().withParameters(weights.copy(precision(model)));
  }

  /** How a preprocessing is found from training data. */
  @FunctionalInterface
  public interface Fit {
    /** The preprocessing for data like these. */
    Preprocessing fit(Dataset train);
  }
}
