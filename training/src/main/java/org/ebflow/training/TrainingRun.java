package org.ebflow.training;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.ebflow.flow.pass.Compute;
import org.ebflow.flow.pass.Parameters;
import org.ebflow.linalg.Blas;
import org.ebflow.linalg.KernelChoice;
import org.ebflow.linalg.Matrix;
import org.ebflow.linalg.Precision;
import org.ebflow.linalg.RowKernels;
import org.ebflow.linalg.Team;
import org.ebflow.training.data.Splits;
import org.ebflow.training.optimizer.OptimizerState;
import org.ebflow.training.scoring.Evaluation;
import org.ebflow.training.scoring.LikelihoodText;
import org.ebflow.training.scoring.Scorer;
import org.ebflow.training.scoring.TrainedFlow;
import org.jspecify.annotations.Nullable;

/** One run of a trainer: steps, evaluations, checkpoints. */
final class TrainingRun {
  private static final int METRICS_EVERY = 100;
  private static final int MOST_NON_FINITE_STEPS = 100;

  private final Trainer trainer;
  private final TrainingSettings settings;
  private final Splits data;
  private final RunFolder folder;
  private final TrainingListener listener;
  private final Blas blas;
  private final ReplicaGroup replicas;
  private final RunModel model;
  private final Batches batches;
  private final OptimizerState state;
  private final Parameters sums;
  private final MetricsLog metrics;
  private final LossExplosion explosion;
  private Checkpoint at = new Checkpoint();
  private long savedStep;
  private @Nullable TrainingStep fullStep;
  private @Nullable TrainingStep tailStep;

  TrainingRun(Trainer trainer, TrainingSettings settings, Splits data, RunFolder folder) {
    this.trainer = trainer;
    this.settings = settings;
    this.data = data;
    this.folder = folder;
    this.listener = trainer.listener();
    this.blas = trainer.blas();
    this.replicas = trainer.replicas();
    model = new RunModel(trainer, settings, data, blas);
    batches = new Batches(data.train().size(), settings);
    state = new OptimizerState(trainer.optimizer(), model.weights(), settings.averageDecay());
    sums = model.weights().zeros();
    metrics = new MetricsLog(folder);
    explosion = new LossExplosion(settings, trainer.optimizer().learningRate());
  }

  TrainedFlow run(boolean resume) {
    try {
      return train(resume);
    } finally {
      trainer.forgetStopRequest();
      model.writeBack();
    }
  }

  private TrainedFlow train(boolean resume) {
    boolean stoppedBefore;
    try (RunFolder.Lock _ = folder.lock();
        Team team = new Team(settings.threads())) {
      Compute compute =
          trainer.bfloat16()
              ? Compute.bfloat16(model.weights(), blas, team)
              : Compute.of(model.flow().precision(), blas);
      start(resume, team);
      stoppedBefore = stoppedEarly();
      boolean ended = ended();
      while (!ended) {
        step(compute, team);
        boolean due = settings.evaluatesAfter(at.step, batches.perEpoch(), batches.steps());
        averageReplicas(due);
        if (due) {
          requireFiniteWeights(model.weights());
          evaluate();
          ended = replicas.ofFirst(ended());
        }
        if ((due || replicas.size() == 1) && replicas.ofFirst(trainer.stopRequested()) && !ended) {
          requireFiniteWeights(model.weights());
          save();
          folder.log("stopped on request after step " + at.step);
          throw new TrainingInterruptedException(
              "stopped after step "
                  + at.step
                  + " of "
                  + batches.steps()
                  + ", saved in "
                  + folder.path());
        }
      }
    }
    if (at.step > 0 && at.nonFiniteSteps == at.step) {
      throw diverged("all " + at.step + " steps had losses that are not finite");
    }
    if (!Double.isFinite(at.bestNll)) {
      throw diverged("the validation NLL was never finite");
    }
    if (stoppedEarly()) {
      say((stoppedBefore ? "had " : "") + stopReason());
    }
    folder.log("done");
    TrainedFlow best = model.load(folder.model());
    listener.finished(
        new TrainingListener.Outcome(
            best, at.step, at.bestStep, at.bestNll, stoppedEarly(), at.evaluations.improving()));
    return best;
  }

  private void start(boolean resume, Team team) {
    RunStart start = new RunStart(trainer, settings, folder, blas, model, batches, state);
    if (resume) {
      at = start.resume();
      savedStep = at.step;
    } else {
      at = start.begin(team);
      save();
    }
    requireOneCheckpoint();
    listener.started(
        new TrainingListener.Plan(
            folder.path(),
            at.step,
            batches.steps(),
            batches.perEpoch(),
            settings.threads(),
            blas.name()));
    start.notes().forEach(this::say);
    metrics.start(at.wallSeconds, at.step);
    if (trainer.whitening() && at.evaluations.made() == 0) {
      evaluate(); // a Gaussian already: on few rows nothing may become better
    }
  }

  /** Replicas that start differently would never agree again. */
  private void requireOneCheckpoint() {
    Matrix steps = Matrix.allocate(Precision.FLOAT64, 1, 1);
    steps.set(0, 0, (double) at.step);
    replicas.sum(List.of(steps));
    if (steps.get(0, 0) != (double) at.step * replicas.size()) {
      throw new IllegalStateException(
          "replica "
              + replicas.rank()
              + " of "
              + replicas.size()
              + " starts after step "
              + at.step
              + ", the others after others: expected one checkpoint");
    }
  }

  /** With the other replicas of the run, where that is due and they don't sum their gradients. */
  private void averageReplicas(boolean evaluates) {
    if (sumsGradients() || replicas.size() == 1) {
      return;
    }
    if (!evaluates && at.step % trainer.averageEvery() != 0) {
      return;
    }
    List<Parameters> averaged = new ArrayList<>(List.of(model.weights()));
    averaged.addAll(state.moments());
    if (evaluates) {
      averaged.add(state.average());
    }
    if (replicas.rank() > 0) { // numbers that are not trained, as a permutation, are the first's
      for (Parameters each : averaged) {
        each.flat().columns(each.trainedLength(), each.flat().columns()).fill(0);
      }
    }
    replicas.sum(averaged.stream().map(Parameters::flat).toList());
    RowKernels kernels = KernelChoice.fastest(model.weights().precision()).rows();
    for (Parameters each : averaged) {
      Matrix trained = each.flat().columns(0, each.trainedLength());
      kernels.combine(1.0 / replicas.size(), trained, 0, trained, trained);
    }
    model.weights().changed();
  }

  private boolean sumsGradients() {
    return trainer.averageEvery() == 0;
  }

  private boolean ended() {
    return at.step >= batches.steps() || stoppedEarly();
  }

  private boolean stoppedEarly() {
    return at.stoppedEarly(batches.steps(), settings.patience());
  }

  private String stopReason() {
    long without = at.evaluations.afterBest();
    return String.format(
        Locale.ROOT,
        "stopped early after step %d of %d: %d evaluation%s without a better validation NLL than the %.4f nats of step %d",
        at.step,
        batches.steps(),
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

  private void step(Compute compute, Team team) {
    long number = at.step;
    long next = number + 1;
    long epoch = batches.epoch(number);
    boolean rowDue =
        next % METRICS_EVERY == 0 || next % batches.perEpoch() == 0 || next == batches.steps();
    double rate =
        trainer.optimizer().learningRate()
            * settings.rateFactor(number, batches.perEpoch(), batches.steps());
    TrainingStep step = stepOf(compute, team, batches.rows(number));
    step.run(team, batches.order(epoch), batches.start(number), number, rate, rowDue);
    at.step = next;
    model.lastLayer().afterStep(at.step, model.weights());
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
    explosion.after(at.step, step.loss()).ifPresent(this::say);
    double loss = at.lossSum / at.lossSteps;
    listener.stepped(
        new TrainingListener.Progress(at.step, epoch, loss, metrics.stepsPerSecond(at.step)));
    if (rowDue) {
      metrics.appendSteps(at.step, epoch, loss, step.gradientNorm(), rate, at.nonFiniteRows);
      at.lossSum = 0;
      at.lossSteps = 0;
      at.nonFiniteRows = 0;
    }
  }

  private TrainingStep stepOf(Compute compute, Team team, int rows) {
    if (rows == batches.size()) {
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
        model.flow(),
        compute,
        team,
        trainer.objective(),
        data.train(),
        model.preprocessing(),
        settings,
        state,
        sums,
        rows,
        replicas,
        sumsGradients());
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
            + (settings.matchAfterPreprocessing()
                ? "; a learning rate that is too high is the likely cause"
                : "; a learning rate that is too high is the likely cause, or noise that takes rows out of the preprocessing's domain"));
  }

  /** By the averaged weights. The listener, which may fail, is told after all is saved. */
  private void evaluate() {
    requireFiniteWeights(state.average());
    TrainedFlow averaged = model.averaged(state.average());
    try (Scorer scorer = new Scorer(averaged, blas, settings.threads())) {
      Evaluation validation =
          scorer.evaluate(data.validation().size() > 0 ? data.validation() : data.train());
      boolean best = validation.betterThan(at.bestImpossible, at.bestNll);
      at.evaluations = at.evaluations.plus(best);
      if (best) {
        at.bestImpossible = validation.impossible();
        at.bestNll = validation.nll();
        at.bestStep = at.step;
        model.withQuantiles(averaged, scorer).save(folder.model(), blas);
      }
      metrics.appendEvaluation(at.step, batches.epoch(Math.max(0, at.step - 1)), validation);
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
    metrics.measureFrom(at.step);
  }

  private void save() {
    at.length = batches.steps();
    at.wallSeconds = metrics.wallSeconds();
    at.threads = settings.threads();
    at.backend = blas.name();
    at.fileLengths = folder.lengths();
    at.save(folder.state(), model.weights(), state, model.lastLayer().state());
    savedStep = at.step;
  }
}
