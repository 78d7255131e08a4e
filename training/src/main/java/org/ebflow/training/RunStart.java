package org.ebflow.training;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.UUID;
import org.ebflow.flow.InvalidInputException;
import org.ebflow.linalg.Blas;
import org.ebflow.linalg.Team;
import org.ebflow.training.optimizer.OptimizerState;

/** How a run starts: anew, or from its last checkpoint. Writes config.json either way. */
final class RunStart {
  private final Trainer trainer;
  private final TrainingSettings settings;
  private final RunFolder folder;
  private final Blas blas;
  private final RunModel model;
  private final Batches batches;
  private final OptimizerState state;
  private final List<String> notes = new ArrayList<>();

  RunStart(
      Trainer trainer,
      TrainingSettings settings,
      RunFolder folder,
      Blas blas,
      RunModel model,
      Batches batches,
      OptimizerState state) {
    this.trainer = trainer;
    this.settings = settings;
    this.folder = folder;
    this.blas = blas;
    this.model = model;
    this.batches = batches;
    this.state = state;
  }

  /** What the user should know of the start, in one line each. */
  List<String> notes() {
    return notes;
  }

  /**
   * Starts a run anew: makes its folder, looks at the rows, fits the baselines and initialises the
   * weights.
   *
   * @return where it stands, not yet saved
   */
  Checkpoint begin(Team team) {
    folder.create();
    Checkpoint start = new Checkpoint();
    start.runId = UUID.randomUUID().toString();
    writeConfig(start);
    notes.addAll(model.diagnostics());
    if (model.data().validation().size() == 0) {
      notes.add(
          "no rows for validation: what is called validation NLL, by which the model is chosen, is of the training rows");
    }
    fitBaselines(team);
    model.initialize(batches);
    state.average().copyFrom(model.weights());
    folder.log(
        "started: "
            + model.weights().count()
            + " weights, "
            + batches.steps()
            + " steps of "
            + batches.size()
            + " rows");
    return start;
  }

  private void writeConfig(Checkpoint start) {
    folder.writeConfig(
        RunConfig.json(
            start.runId, trainer, settings, model.data(), model.flow(), model.preprocessing()));
  }

  private void fitBaselines(Team team) {
    long start = System.nanoTime();
    BaselineFit fit =
        new BaselineFit(
            model.data(),
            model.unwhitened(),
            model.whitening(),
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

  /**
   * Goes on from the last checkpoint.
   *
   * @return where the run stands
   * @throws InvalidInputException if the checkpoint is damaged or another run's, or has more steps
   *     than are asked for
   */
  Checkpoint resume() {
    Checkpoint last =
        Checkpoint.load(folder.state(), model.weights(), state, model.lastLayer().state());
    requireOwn(last);
    if (batches.steps() < last.step) {
      throw new InvalidInputException(
          folder.path()
              + ": expected a length of at least the "
              + last.step
              + " steps that the run has made, found "
              + batches.steps());
    }
    state.average().initializedByData(model.weights().initializedByData());
    folder.cutBack(last.fileLengths);
    writeConfig(last); // the length may be another
    folder.log("resumed after step " + last.step);
    takeLength(last);
    warnIfOther("threads", String.valueOf(last.threads), String.valueOf(settings.threads()));
    warnIfOther("backend", last.backend, blas.name());
    return last;
  }

  /** Refuses the state of another run; earlier versions named no run. */
  private void requireOwn(Checkpoint last) {
    String recorded = RunConfig.runId(folder.config());
    if (last.runId.isEmpty()) {
      last.runId = recorded.isEmpty() ? UUID.randomUUID().toString() : recorded;
    } else if (!recorded.isEmpty() && !recorded.equals(last.runId)) {
      throw new InvalidInputException(
          folder.state()
              + ": expected the state of run "
              + recorded
              + ", as config.json says, found that of run "
              + last.runId);
    }
  }

  /** What another length than that of the checkpoint means for patience and learning rate. */
  private void takeLength(Checkpoint last) {
    long steps = batches.steps();
    if (last.length == steps || last.length == 0) {
      return;
    }
    if (last.stoppedEarly(steps, settings.patience())) {
      if (last.step < last.length) {
        notes.add("had stopped early after step " + last.step + ", goes on to step " + steps);
      }
      last.evaluations = last.evaluations.patientAgain();
    }
    if (settings.schedule() == RateSchedule.COSINE) {
      notes.add(
          "the cosine of the learning rate now ends at step "
              + steps
              + " instead of "
              + last.length
              + ": from step "
              + last.step
              + " on the rates are those of the new length");
    }
    long before = settings.dataNoise().within(last.length).steps();
    long now = settings.dataNoise().within(steps).steps();
    if (now != before) {
      notes.add("the noise on the rows now falls until step " + now + " instead of " + before);
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
}
