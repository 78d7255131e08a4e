package org.ebflow.training;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.UUID;
import org.ebflow.flow.Flow;
import org.ebflow.flow.InvalidInputException;
import org.ebflow.flow.layer.Layer;
import org.ebflow.flow.pass.Compute;
import org.ebflow.flow.pass.Parameter;
import org.ebflow.flow.pass.Parameters;
import org.ebflow.linalg.Blas;
import org.ebflow.linalg.Matrix;
import org.ebflow.linalg.Noise;
import org.ebflow.linalg.Team;
import org.ebflow.training.data.Dataset;
import org.ebflow.training.data.Shuffle;
import org.ebflow.training.data.Splits;
import org.ebflow.training.data.TableSummary;
import org.ebflow.training.optimizer.OptimizerState;
import org.ebflow.training.preprocessing.Preprocessing;
import org.ebflow.training.preprocessing.TableDiagnostics;
import org.ebflow.training.preprocessing.Whitening;
import org.ebflow.training.scoring.EmpiricalDistribution;
import org.ebflow.training.scoring.Evaluation;
import org.ebflow.training.scoring.LikelihoodText;
import org.ebflow.training.scoring.Scorer;
import org.ebflow.training.scoring.TrainedFlow;
import org.jspecify.annotations.Nullable;

/** One run of a trainer: steps, evaluations, checkpoints. */
final class TrainingRun {
  private static final int METRICS_EVERY = 100;
  private static final int MOST_NON_FINITE_STEPS = 100;
  private static final int QUANTILE_ROWS = 10_000;

  /** Least number of rows that data-dependent weights start from, whatever the batch. */
  private static final int INITIAL_ROWS = 64;

  private final Trainer trainer;
  private final TrainingSettings settings;
  private final Splits data;
  private final RunFolder folder;
  private final TrainingListener listener;
  private final Blas blas;
  private final Preprocessing unwhitened;
  private final Preprocessing preprocessing;
  private final Flow model;
  private final LastLayerUpdate lastLayer;
  private final OptimizerState state;
  private final Parameters sums;
  private final int batch;
  private final long stepsPerEpoch;
  private final long totalSteps;
  private final int[] order;
  private final List<String> notes = new ArrayList<>();
  private long orderEpoch = -1;
  private Checkpoint at = new Checkpoint();
  private long savedStep;
  private long startNanos;
  private long lastRowNanos;
  private long lastRowStep;
  private @Nullable TrainingStep fullStep;
  private @Nullable TrainingStep tailStep;

  TrainingRun(Trainer trainer, TrainingSettings settings, Splits data, RunFolder folder) {
    this.trainer = trainer;
    this.settings = settings;
    this.data = data;
    this.folder = folder;
    this.listener = trainer.listener();
    this.blas = trainer.blas();
    Dataset train = data.train();
    requireFits(train, trainer.flow());
    unwhitened = trainer.preprocessing().fit(train);
    preprocessing = trainer.whitening() ? whitened() : unwhitened;
    Flow trained = trainer.objective().withParameters(trainer.flow(), settings.seed());
    lastLayer =
        switch (settings.lastLayer()) {
          case TRAINED -> LastLayerUpdate.NONE;
          case CLOSED_FORM ->
              new ClosedFormLastLayer(trainer.flow(), preprocessing, data, settings, blas);
        };
    model =
        lastLayer.freezing(
            settings.matchAfterPreprocessing() ? trained : trained.after(preprocessing.layers()));
    requireFitsPrecision(train);
    state = new OptimizerState(trainer.optimizer(), model.parameters(), settings.averageDecay());
    sums = model.parameters().zeros();
    batch = Math.min(settings.batchSize(), train.size());
    stepsPerEpoch = ((long) train.size() + batch - 1) / batch;
    totalSteps = settings.totalSteps(stepsPerEpoch);
    order = new int[train.size()];
  }

  /** What the user should know of a table of real numbers. */
  private List<String> diagnostics() {
    return data.train().levels() > 0
        ? List.of()
        : TableDiagnostics.lines(
            TableSummary.of(data.train()),
            new TableDiagnostics.Treatment(
                !preprocessing.wholeColumns().isEmpty(),
                !preprocessing.layers().stream().allMatch(Layer::hasConstantJacobian),
                trainer.whitening(),
                settings.dataNoise() > 0),
            blas);
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

  /** Preprocessing is fitted and computed in float64, the model perhaps not. */
  private void requireFitsPrecision(Dataset train) {
    for (String name : model.parameters().nonFinite()) {
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
      train.requireVaryingIn(model.precision());
    }
  }

  TrainedFlow run(boolean resume) {
    try {
      return train(resume);
    } finally {
      if (model.parameters() != trainer.flow().parameters()) {
        takeOver(trainer.flow().parameters());
      }
    }
  }

  /** The caller's flow, trained in place, gets the weights that were trained with others. */
  private void takeOver(Parameters callers) {
    for (Parameter block : callers.blocks()) {
      callers.of(block).copyFrom(model.parameters().of(block));
    }
    callers.initializedByData(model.parameters().initializedByData());
    callers.changed();
  }

  private TrainedFlow train(boolean resume) {
    boolean stoppedBefore;
    try (RunFolder.Lock _ = folder.lock();
        Team team = new Team(settings.threads())) {
      Compute compute =
          trainer.bfloat16()
              ? Compute.bfloat16(model.parameters(), blas, team)
              : Compute.of(model.precision(), blas);
      if (resume) {
        restore();
      } else {
        folder.create();
        begin(team);
      }
      listener.started(
          new TrainingListener.Plan(
              folder.path(), at.step, totalSteps, stepsPerEpoch, settings.threads(), blas.name()));
      notes.forEach(this::say);
      startNanos = System.nanoTime() - (long) (at.wallSeconds * 1e9);
      markRow();
      if (trainer.whitening() && at.evaluations.made() == 0) {
        evaluate(); // a Gaussian already: on few rows nothing may become better
      }
      stoppedBefore = stoppedEarly();
      while (!ended()) {
        step(compute, team);
        if (settings.evaluatesAfter(at.step, stepsPerEpoch, totalSteps)) {
          requireFiniteWeights(model.parameters());
          evaluate();
        }
        if (trainer.stopRequested() && !ended()) {
          requireFiniteWeights(model.parameters());
          save();
          folder.log("stopped on request after step " + at.step);
          throw new TrainingInterruptedException(
              "stopped after step "
                  + at.step
                  + " of "
                  + totalSteps
                  + ", saved in "
                  + folder.path());
        }
      }
    }
    if (!Double.isFinite(at.bestNll)) {
      throw diverged("the validation NLL was never finite");
    }
    if (stoppedEarly()) {
      say((stoppedBefore ? "had " : "") + stopReason());
    }
    folder.log("done");
    TrainedFlow best = loadBest();
    listener.finished(
        new TrainingListener.Outcome(
            best, at.step, at.bestStep, at.bestNll, stoppedEarly(), at.evaluations.improving()));
    return best;
  }

  private boolean ended() {
    return at.step >= totalSteps || stoppedEarly();
  }

  /** Whether the patience is at its end before the steps are. */
  private boolean stoppedEarly() {
    return at.step < totalSteps && at.evaluations.exhaust(settings.patience());
  }

  private String stopReason() {
    long without = at.evaluations.afterBest();
    return String.format(
        Locale.ROOT,
        "stopped early after step %d of %d: %d evaluation%s without a better validation NLL than the %.4f nats of step %d",
        at.step,
        totalSteps,
        without,
        without == 1 ? "" : "s",
        at.bestNll,
        at.bestStep);
  }

  /** Tells the user, and run.log. */
  private void say(String line) {
    folder.log(line);
    listener.noted(line);
  }

  private TrainedFlow loadBest() {
    return TrainedFlow.load(folder.model(), trainer.flow().copy(model.precision()));
  }

  private void writeConfig() {
    folder.writeConfig(RunConfig.json(at.runId, trainer, settings, data, model, preprocessing));
  }

  private void begin(Team team) {
    at.runId = UUID.randomUUID().toString();
    writeConfig();
    notes.addAll(diagnostics());
    fitBaselines(team);
    if (trainer.whitening()) {
      model.parameters().initializedByData(true); // by all rows, better than by the first
    } else if (!model.parameters().initializedByData()) {
      model.initialize(firstRows(), blas);
    }
    lastLayer.afterStep(0, model.parameters());
    state.average().copyFrom(model.parameters());
    folder.log(
        "started: "
            + model.parameters().count()
            + " weights, "
            + totalSteps
            + " steps of "
            + batch
            + " rows");
    save();
  }

  private void fitBaselines(Team team) {
    long start = System.nanoTime();
    BaselineFit fit =
        new BaselineFit(
            data,
            unwhitened,
            trainer.whitening() ? preprocessing.layers().getLast() : null,
            settings.seed(),
            blas,
            team,
            notes::add);
    for (Baseline baseline : Baseline.values()) {
      folder.save(baseline, fit.model(baseline), blas);
    }
    folder.log(
        String.format(
            Locale.ROOT, "fitted the baselines in %.1f s", (System.nanoTime() - start) * 1e-9));
  }

  private void restore() {
    at = Checkpoint.load(folder.state(), model.parameters(), state, lastLayer.state());
    requireOwn(RunConfig.runId(folder.config()));
    if (totalSteps < at.step) {
      throw new InvalidInputException(
          folder.path()
              + ": expected a length of at least the "
              + at.step
              + " steps that the run has made, found "
              + totalSteps);
    }
    savedStep = at.step;
    state.average().initializedByData(model.parameters().initializedByData());
    folder.cutBack(at.fileLengths);
    writeConfig(); // the length may be another
    folder.log("resumed after step " + at.step);
    takeLength();
    warnIfOther("threads", String.valueOf(at.threads), String.valueOf(settings.threads()));
    warnIfOther("backend", at.backend, blas.name());
  }

  /** What another length than that of the checkpoint means for patience and learning rate. */
  private void takeLength() {
    if (at.length == totalSteps || at.length == 0) {
      return;
    }
    if (stoppedEarly()) {
      if (at.step < at.length) {
        notes.add("had stopped early after step " + at.step + ", goes on to step " + totalSteps);
      }
      at.evaluations = at.evaluations.patientAgain();
    }
    if (settings.schedule() == RateSchedule.COSINE) {
      notes.add(
          "the cosine of the learning rate now ends at step "
              + totalSteps
              + " instead of "
              + at.length
              + ": from step "
              + at.step
              + " on the rates are those of the new length");
    }
  }

  /** Refuses the state of another run; earlier versions named no run. */
  private void requireOwn(String recorded) {
    if (at.runId.isEmpty()) {
      at.runId = recorded.isEmpty() ? UUID.randomUUID().toString() : recorded;
    } else if (!recorded.isEmpty() && !recorded.equals(at.runId)) {
      throw new InvalidInputException(
          folder.state()
              + ": expected the state of run "
              + recorded
              + ", as config.json says, found that of run "
              + at.runId);
    }
  }

  private static void warnIfOther(String what, String before, String now) {
    if (!before.equals(now)) {
      System.getLogger(Trainer.class.getName())
          .log(
              System.Logger.Level.WARNING,
              "the run was started with {0} {1}, now {2}: the results will differ in their last bits",
              what,
              before,
              now);
    }
  }

  /**
   * The first batch of the first epoch as the model sees it, or more rows of that epoch where the
   * batch has fewer than {@link #INITIAL_ROWS}, for weights that data initialise.
   */
  private Matrix firstRows() {
    Shuffle.fill(order, settings.seed(), 0);
    orderEpoch = 0;
    int rows = Math.min(Math.max(batch, INITIAL_ROWS), order.length);
    Matrix target = Matrix.allocate(model.precision(), rows, model.dimension());
    try (Team solo = new Team(1)) {
      BatchReader.forTeam(
          data.train(), preprocessing, settings, model.precision(), blas, solo, rows)[0]
          .read(order, 0, 0, target);
    }
    return target;
  }

  private void step(Compute compute, Team team) {
    long epoch = at.step / stepsPerEpoch;
    if (epoch != orderEpoch) {
      Shuffle.fill(order, settings.seed(), epoch);
      orderEpoch = epoch;
    }
    int start = (int) (at.step % stepsPerEpoch) * batch;
    boolean rowDue =
        (at.step + 1) % METRICS_EVERY == 0
            || (at.step + 1) % stepsPerEpoch == 0
            || at.step + 1 == totalSteps;
    double rate =
        trainer.optimizer().learningRate()
            * settings.rateFactor(at.step, stepsPerEpoch, totalSteps);
    TrainingStep step = stepOf(compute, team, Math.min(batch, order.length - start));
    step.run(team, order, start, at.step, rate, rowDue);
    at.step++;
    lastLayer.afterStep(at.step, model.parameters());
    at.lossSum += step.loss();
    at.lossSteps++;
    at.nonFiniteRows += step.nonFinite();
    at.nonFiniteSteps =
        step.nonFinite() > 0 || !Double.isFinite(step.loss()) ? at.nonFiniteSteps + 1 : 0;
    if (at.nonFiniteSteps >= MOST_NON_FINITE_STEPS) {
      throw diverged(
          MOST_NON_FINITE_STEPS
              + " steps in a row had losses that are not finite, up to step "
              + at.step);
    }
    listener.stepped(
        new TrainingListener.Progress(at.step, epoch, at.lossSum / at.lossSteps, stepsPerSecond()));
    if (rowDue) {
      double norm = step.gradientNorm();
      appendRow(epoch, at.lossSum / at.lossSteps, norm, rate, at.nonFiniteRows, null);
      at.lossSum = 0;
      at.lossSteps = 0;
      at.nonFiniteRows = 0;
      markRow();
    }
  }

  /** Weights that are not finite never become so again. */
  private void requireFiniteWeights(Parameters weights) {
    List<String> names = weights.nonFinite();
    if (!names.isEmpty()) {
      throw diverged("weights are not finite after step " + at.step + ", first " + names.get(0));
    }
  }

  private TrainingDivergedException diverged(String what) {
    folder.log("diverged at step " + at.step);
    return new TrainingDivergedException(
        what
            + "; the last good checkpoint, of step "
            + savedStep
            + ", is "
            + folder.state()
            + "; a learning rate that is too high is the likely cause");
  }

  private TrainingStep stepOf(Compute compute, Team team, int rows) {
    if (rows == batch) {
      if (fullStep == null) {
        fullStep = newStep(compute, team, rows);
      }
      return fullStep;
    }
    if (tailStep == null) {
      tailStep = newStep(compute, team, rows);
    }
    return tailStep;
  }

  private TrainingStep newStep(Compute compute, Team team, int rows) {
    return new TrainingStep(
        model,
        compute,
        team,
        trainer.objective(),
        data.train(),
        preprocessing,
        settings,
        state,
        sums,
        rows);
  }

  /**
   * By the averaged weights. Density and file are those of the flow behind its preprocessing,
   * whether or not the two were trained as one model: log p(x) is the same. The listener, which may
   * fail, is told after all is saved.
   */
  private void evaluate() {
    requireFiniteWeights(state.average());
    lastLayer.fit(state.average());
    state.average().changed();
    TrainedFlow averaged =
        new TrainedFlow(
            trainer.flow().withParameters(state.average()),
            preprocessing,
            describe(EmpiricalDistribution.unknown()),
            settings.seed());
    try (Scorer scorer = new Scorer(averaged, blas, settings.threads())) {
      Evaluation validation =
          scorer.evaluate(data.validation().size() > 0 ? data.validation() : data.train());
      boolean best = validation.betterThan(at.bestImpossible, at.bestNll);
      at.evaluations = at.evaluations.plus(best);
      if (best) {
        at.bestImpossible = validation.impossible();
        at.bestNll = validation.nll();
        at.bestStep = at.step;
        new TrainedFlow(
                averaged.flow(), preprocessing, describe(quantiles(scorer)), settings.seed())
            .save(folder.model(), blas);
      }
      appendRow(
          Math.max(0, at.step - 1) / stepsPerEpoch,
          Double.NaN,
          Double.NaN,
          Double.NaN,
          0,
          validation);
      folder.log(
          "step "
              + at.step
              + ": validation NLL "
              + LikelihoodText.of(validation.nll())
              + " nats"
              + (validation.impossible() == 0 ? "" : " " + validation.countedRows())
              + (best ? ", the best so far" : ""));
      if (at.nonFiniteSteps == 0 || ended()) {
        save();
      }
      listener.evaluated(at.step, validation, best, averaged);
    }
    state.average().releaseFactorizations(); // twice the weights' memory
    markRow();
  }

  private TrainedFlow.DataDescription describe(EmpiricalDistribution quantiles) {
    Dataset train = data.train();
    return new TrainedFlow.DataDescription(
        train.name(), train.columns(), train.imageShape(), quantiles, train.places());
  }

  /** log p of all training rows, or of {@link #QUANTILE_ROWS} evenly spaced ones. */
  private EmpiricalDistribution quantiles(Scorer scorer) {
    int[] rows = new int[Math.min(QUANTILE_ROWS, data.train().size())];
    for (int i = 0; i < rows.length; i++) {
      rows[i] = (int) ((long) i * data.train().size() / rows.length);
    }
    return EmpiricalDistribution.of(scorer.logProb(data.train().select(rows)));
  }

  private void save() {
    at.length = totalSteps;
    at.wallSeconds = wallSeconds();
    at.threads = settings.threads();
    at.backend = blas.name();
    at.fileLengths = folder.lengths();
    at.save(folder.state(), model.parameters(), state, lastLayer.state());
    savedStep = at.step;
  }

  private double wallSeconds() {
    return startNanos == 0 ? 0 : (System.nanoTime() - startNanos) * 1e-9;
  }

  private void markRow() {
    lastRowNanos = System.nanoTime();
    lastRowStep = at.step;
  }

  private double stepsPerSecond() {
    return (at.step - lastRowStep) / Math.max(1e-9, (System.nanoTime() - lastRowNanos) * 1e-9);
  }

  private void appendRow(
      long epoch,
      double loss,
      double norm,
      double rate,
      long nonFinite,
      @Nullable Evaluation validation) {
    folder.appendMetrics(
        String.join(
            ",",
            String.valueOf(at.step),
            String.valueOf(epoch),
            String.format(Locale.ROOT, "%.3f", wallSeconds()),
            number(loss),
            number(norm),
            number(rate),
            String.valueOf(nonFinite),
            number(validation == null ? Double.NaN : validation.nll()),
            number(validation == null ? Double.NaN : validation.bitsPerDimension()),
            validation == null ? String.format(Locale.ROOT, "%.2f", stepsPerSecond()) : ""));
  }

  private static String number(double value) {
    return Double.isNaN(value) ? "" : Objects.toString(value);
  }
}
