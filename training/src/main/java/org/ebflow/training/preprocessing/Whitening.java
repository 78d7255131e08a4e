package org.ebflow.training.preprocessing;

import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.ebflow.flow.layer.Dense;
import org.ebflow.flow.layer.Layer;
import org.ebflow.linalg.Blas;
import org.ebflow.linalg.Noise;
import org.ebflow.linalg.Precision;
import org.ebflow.linalg.Team;
import org.ebflow.training.data.Dataset;

/**
 * A fixed affine map behind a preprocessing, after which the training rows have mean 0 and a
 * covariance near I: {@link ShrunkGaussian#whitening}.
 *
 * <p>A flow that starts as the identity behind it starts as that Gaussian. Score matching behind it
 * weighs directions otherwise than before it.
 */
public final class Whitening {
  private static final Logger LOGGER = System.getLogger(Whitening.class.getName());

  private Whitening() {}

  /**
   * The preprocessing with the map behind it.
   *
   * @param train rows whose moments it takes, every prepared column of which must vary
   * @param validation rows that choose the shrinkage; none where it is empty
   * @param model precision of the model's rows
   * @param noise of the dequantisation
   */
  public static Preprocessing after(
      Preprocessing before,
      Dataset train,
      Dataset validation,
      Precision model,
      Noise noise,
      Blas blas,
      Team team) {
    ShrunkGaussian gaussian = fit(before, train, validation, model, noise, blas, team);
    LOGGER.log(
        Level.INFO,
        String.format(
            Locale.ROOT, "whitened by moments with shrinkage %.3g", gaussian.shrinkage()));
    List<Layer> layers = new ArrayList<>(before.layers());
    layers.add(Dense.untrained(gaussian.whitening(), gaussian.shift()));
    return new Preprocessing(before.levels(), layers).dequantizing(before.wholeColumns());
  }

  /**
   * The Gaussian of prepared rows, by which they are whitened.
   *
   * @param train rows whose moments it takes, every prepared column of which must vary
   * @param validation rows that choose the shrinkage; none where it is empty
   * @param model precision of the model's rows
   * @param noise of the dequantisation
   */
  public static ShrunkGaussian fit(
      Preprocessing before,
      Dataset train,
      Dataset validation,
      Precision model,
      Noise noise,
      Blas blas,
      Team team) {
    return ShrunkGaussian.fit(
        Moments.of(train, before, model, noise, blas, team),
        validation.size() == 0 ? null : Moments.of(validation, before, model, noise, blas, team),
        blas);
  }
}
