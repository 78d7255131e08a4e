package org.ebflow.training;

import java.nio.file.Path;
import java.util.List;
import org.ebflow.flow.Flow;
import org.ebflow.flow.InvalidInputException;
import org.ebflow.flow.layer.Layer;
import org.ebflow.flow.pass.Parameter;
import org.ebflow.flow.pass.Parameters;
import org.ebflow.linalg.Blas;
import org.ebflow.linalg.Matrix;
import org.ebflow.linalg.Noise;
import org.ebflow.linalg.Team;
import org.ebflow.training.data.Dataset;
import org.ebflow.training.data.Splits;
import org.ebflow.training.data.TableSummary;
import org.ebflow.training.objective.BatchShare;
import org.ebflow.training.preprocessing.Preprocessing;
import org.ebflow.training.preprocessing.TableDiagnostics;
import org.ebflow.training.preprocessing.Whitening;
import org.ebflow.training.scoring.EmpiricalDistribution;
import org.ebflow.training.scoring.Scorer;
import org.ebflow.training.scoring.TrainedFlow;
import org.jspecify.annotations.Nullable;

/**
 * What a run trains: the preprocessing, fitted to the training rows, and the flow behind it.
 *
 * <p>The caller's flow is trained as it is, or with the preprocessing as its first layers ({@link
 * TrainingSettings#matchAfterPreprocessing}). Models that are evaluated or saved have the two
 * apart, log p(x) is the same.
 */
final class RunModel {
  /** Least number of rows that data-dependent weights start from, whatever the batch. */
  private static final int INITIAL_ROWS = 64;

  /** Most training rows whose log p is kept with the model. */
  private static final int QUANTILE_ROWS = 10_000;

  private final Trainer trainer;
  private final TrainingSettings settings;
  private final Splits data;
  private final Blas blas;
  private final Preprocessing unwhitened;
  private final Preprocessing preprocessing;
  private final Flow flow;
  private final LastLayerUpdate lastLayer;

  /**
   * Fits the preprocessing.
   *
   * @throws IllegalArgumentException if the flow has another number of columns than the rows, is
   *     none that the objective trains, or does not end with the layer that the settings ask for
   * @throws InvalidInputException if the rows can't be told apart in the flow's precision, or their
   *     preprocessing does not fit it
   */
  RunModel(Trainer trainer, TrainingSettings settings, Splits data, Blas blas) {
    this.trainer = trainer;
    this.settings = settings;
    this.data = data;
    this.blas = blas;
    Dataset train = data.train();
    requireFits(train, trainer.flow());
    trainer.objective().requireTrains(trainer.flow());
    if (settings.augment()) {
      Augmentation.shapeOf(train); // refused before a folder is made
    }
    unwhitened = trainer.preprocessing().fit(train);
    preprocessing = trainer.whitening() ? whitened() : unwhitened;
    Flow trained = trainer.objective().withParameters(trainer.flow(), settings.seed());
    lastLayer =
        switch (settings.lastLayer()) {
          case TRAINED -> LastLayerUpdate.NONE;
          case CLOSED_FORM ->
              new ClosedFormLastLayer(trainer.flow(), preprocessing, data, settings, blas);
        };
    flow =
        lastLayer.freezing(
            settings.matchAfterPreprocessing() ? trained : trained.after(preprocessing.layers()));
    trainer.objective().requireTrains(flow); // the last layer may have been the only one
    requireFitsPrecision(train);
  }

  private static void requireFits(Dataset train, Flow flow) {
    if (train.size() == 0) {
      throw new IllegalArgumentException("Trainer: the training set is empty");
    }
    if (train.dimension() != flow.dimension()) {
      throw new IllegalArgumentException(
          "Trainer: rows of "
              + train.name()
              + " have "
              + train.dimension()
              + " values, the flow "
              + flow.dimension());
    }
  }

  private Preprocessing whitened() {
    try (Team team = new Team(settings.threads())) {
      return Whitening.after(
          unwhitened,
          data.train(),
          data.validation(),
          trainer.flow().precision(),
          new Noise(settings.seed()),
          blas,
          team);
    }
  }

  /** Preprocessing is fitted and computed in float64, the model perhaps not. */
  private void requireFitsPrecision(Dataset train) {
    for (String name : flow.parameters().nonFinite()) {
      if (name.startsWith(Flow.PREPROCESSING)) {
        throw new InvalidInputException(
            train.name()
                + ": expected numbers whose preprocessing fits precision f32, as it is part of the model, found weights beyond it in "
                + name
                + " (take --precision f64, or a preprocessing outside of the model)");
      }
    }
    boolean asTheyAre = !settings.matchAfterPreprocessing() || preprocessing.layers().isEmpty();
    if (train.levels() == 0 && asTheyAre) {
      train.requireVaryingIn(flow.precision());
    }
  }

  /** All rows of the run. */
  Splits data() {
    return data;
  }

  /** The flow that is trained. */
  Flow flow() {
    return flow;
  }

  /** Its weights, trained in place. */
  Parameters weights() {
    return flow.parameters();
  }

  /** What turns rows of the data into rows of the caller's flow. */
  Preprocessing preprocessing() {
    return preprocessing;
  }

  /** The same without the whitening map. */
  Preprocessing unwhitened() {
    return unwhitened;
  }

  /** The whitening map, null where the run whitens nothing. */
  @Nullable Layer whitening() {
    return trainer.whitening() ? preprocessing.layers().getLast() : null;
  }

  /** What moves the last layer beside the optimizer. */
  LastLayerUpdate lastLayer() {
    return lastLayer;
  }

  /** What the user should know of a table of real numbers, in one line each. */
  List<String> diagnostics() {
    return data.train().levels() > 0
        ? List.of()
        : TableDiagnostics.lines(
            TableSummary.of(data.train()),
            new TableDiagnostics.Treatment(
                !preprocessing.wholeColumns().isEmpty(),
                !preprocessing.layers().stream().allMatch(Layer::hasConstantJacobian),
                trainer.whitening(),
                settings.dataNoise().any()),
            blas);
  }

  /** Gives the weights that data initialise their first values. */
  void initialize(Batches batches) {
    if (trainer.whitening()) {
      weights().initializedByData(true); // by all rows, better than by the first
    } else if (!weights().initializedByData()) {
      flow.initialize(firstRows(batches), blas);
    }
    lastLayer.afterStep(0, weights());
  }

  /**
   * The first batch of the first epoch as the flow sees it, or more rows of that epoch where the
   * batch has fewer than {@link #INITIAL_ROWS}.
   */
  private Matrix firstRows(Batches batches) {
    int rows = Math.min(Math.max(batches.size(), INITIAL_ROWS), data.train().size());
    Matrix target = Matrix.allocate(flow.precision(), rows, flow.dimension());
    try (Team solo = new Team(1)) {
      BatchReader.forTeam(
          data.train(),
          preprocessing,
          settings,
          flow.precision(),
          blas,
          solo,
          BatchShare.whole(rows))[0]
          .read(batches.order(0), 0, 0, target);
    }
    return target;
  }

  /**
   * The model with the averaged weights, to be evaluated.
   *
   * @param average modified: its last layer is fitted, where that is not trained
   */
  TrainedFlow averaged(Parameters average) {
    lastLayer.fit(average);
    average.changed();
    return described(trainer.flow().withParameters(average), EmpiricalDistribution.unknown());
  }

  /**
   * The same model with what percentiles need, log p of all training rows or of {@link
   * #QUANTILE_ROWS} evenly spaced ones.
   */
  TrainedFlow withQuantiles(TrainedFlow averaged, Scorer scorer) {
    return described(
        averaged.flow(),
        EmpiricalDistribution.of(scorer.logProb(data.train().evenlySpaced(QUANTILE_ROWS))));
  }

  private TrainedFlow described(Flow weighted, EmpiricalDistribution quantiles) {
    return new TrainedFlow(
        weighted,
        preprocessing,
        TrainedFlow.DataDescription.of(data.train(), quantiles),
        settings.seed());
  }

  /** A model that this run has saved. */
  TrainedFlow load(Path file) {
    return TrainedFlow.load(file, trainer.flow().copy(flow.precision()));
  }

  /** Gives the caller's flow, trained in place, the weights that were trained with others. */
  void writeBack() {
    Parameters callers = trainer.flow().parameters();
    if (callers == weights()) {
      return;
    }
    for (Parameter block : callers.blocks()) {
      callers.of(block).copyFrom(weights().of(block));
    }
    callers.initializedByData(weights().initializedByData());
    callers.changed();
  }
}
