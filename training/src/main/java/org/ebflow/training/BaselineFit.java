package org.ebflow.training;

import java.util.Locale;
import java.util.function.Consumer;
import org.ebflow.flow.Flow;
import org.ebflow.flow.layer.Dense;
import org.ebflow.flow.layer.FixedAffine;
import org.ebflow.flow.layer.Layer;
import org.ebflow.linalg.Blas;
import org.ebflow.linalg.Noise;
import org.ebflow.linalg.Precision;
import org.ebflow.linalg.Team;
import org.ebflow.training.data.Dataset;
import org.ebflow.training.data.Splits;
import org.ebflow.training.preprocessing.Margins;
import org.ebflow.training.preprocessing.Preprocessing;
import org.ebflow.training.preprocessing.ShrunkGaussian;
import org.ebflow.training.preprocessing.Whitening;
import org.ebflow.training.scoring.EmpiricalDistribution;
import org.ebflow.training.scoring.TrainedFlow;
import org.jspecify.annotations.Nullable;

/**
 * Fits the baselines of a run: docs/derivations/baselines.md. What the run has fitted already is
 * not fitted again.
 *
 * <p>A baseline that can't be fitted, or would cost too much, is reported and left out. It never
 * keeps a model from being trained.
 */
final class BaselineFit {
  /** Most operations for a Gaussian, some 20 seconds of two cores. */
  private static final double MOST_OPERATIONS = 2e12;

  /** Operations of an eigendecomposition and of what follows, relative to D³. */
  private static final double OF_EIGENVECTORS = 20;

  private final Splits data;
  private final Preprocessing unwhitened;
  private final @Nullable Layer whitening;
  private final long seed;
  private final Blas blas;
  private final Team team;
  private final Consumer<String> missing;
  private final int dimension;
  private final Precision precision;
  private @Nullable Preprocessing margins;

  /**
   * @param unwhitened the run's preprocessing without the whitening map
   * @param whitening that map, null where the run whitens nothing
   * @param missing told in one line why a baseline is left out
   */
  BaselineFit(
      Splits data,
      Preprocessing unwhitened,
      @Nullable Layer whitening,
      long seed,
      Blas blas,
      Team team,
      Consumer<String> missing) {
    this.data = data;
    this.unwhitened = unwhitened;
    this.whitening = whitening;
    this.seed = seed;
    this.blas = blas;
    this.team = team;
    this.missing = missing;
    dimension = data.train().dimension();
    precision = unwhitened.levels() > 0 ? Precision.FLOAT32 : Precision.FLOAT64;
  }

  /** The baseline, or null where there is none. */
  @Nullable TrainedFlow model(Baseline baseline) {
    try {
      return switch (baseline) {
        case GAUSSIAN -> gaussianBehind(unwhitened.levels() > 0 ? logit() : identity());
        case MARGINS -> model(margins(), FixedAffine.uniform(dimension, 1, 0));
        case COPULA -> gaussianBehind(margins());
      };
    } catch (RuntimeException | OutOfMemoryError e) {
      missing.accept("no baseline " + baseline.title() + ": " + e.getMessage());
      return null;
    }
  }

  private Preprocessing logit() {
    return Preprocessing.logit(dimension, unwhitened.levels(), 1);
  }

  private Preprocessing identity() {
    return Preprocessing.none().dequantizing(unwhitened.wholeColumns());
  }

  private Preprocessing margins() {
    if (margins == null) {
      margins = Margins.dequantizedAs(unwhitened, data.train());
    }
    return margins;
  }

  private TrainedFlow gaussianBehind(Preprocessing before) {
    if (whitening != null && before.equals(unwhitened)) {
      return model(before, whitening);
    }
    double rows = data.train().size() + (double) data.validation().size();
    double operations = (2 * rows + OF_EIGENVECTORS * dimension) * ((double) dimension * dimension);
    if (operations > MOST_OPERATIONS) {
      throw new IllegalArgumentException(
          String.format(
              Locale.ROOT,
              "%,.0f rows of %,d columns would take %.1e operations, more than %.1e",
              rows,
              dimension,
              operations,
              MOST_OPERATIONS));
    }
    ShrunkGaussian gaussian =
        Whitening.fit(
            before, data.train(), data.validation(), precision, new Noise(seed), blas, team);
    return model(before, Dense.untrained(gaussian.whitening(), gaussian.shift()));
  }

  private TrainedFlow model(Preprocessing before, Layer layer) {
    Dataset train = data.train();
    return new TrainedFlow(
        Flow.of(dimension).precision(precision).layer(layer).build(),
        before,
        new TrainedFlow.DataDescription(
            train.name(),
            train.columns(),
            train.imageShape(),
            EmpiricalDistribution.unknown(),
            train.places()),
        seed);
  }
}
