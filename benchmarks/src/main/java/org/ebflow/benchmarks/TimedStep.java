package org.ebflow.benchmarks;

import java.util.Random;
import java.util.stream.IntStream;
import org.ebflow.flow.Flow;
import org.ebflow.flow.pass.Compute;
import org.ebflow.flow.pass.Parameters;
import org.ebflow.linalg.Blas;
import org.ebflow.linalg.KernelChoice;
import org.ebflow.linalg.Matrix;
import org.ebflow.linalg.Team;
import org.ebflow.training.TrainingSettings;
import org.ebflow.training.TrainingStep;
import org.ebflow.training.data.Dataset;
import org.ebflow.training.objective.Objective;
import org.ebflow.training.optimizer.OptimizerState;
import org.ebflow.training.recipe.Recipe;

/**
 * The training step of a published recipe as a run makes it, on random pixels: gather, dequantise,
 * preprocess, noise, loss, gradient, optimizer, moving average.
 */
public final class TimedStep {
  private static final int LEVELS = 256;
  private static final int BATCHES = 20;

  /** Learning rate: small, so that weights trained on noise stay near the start. */
  public static final double RATE = 1e-6;

  private final Team team;
  private final Flow flow;
  private final Dataset data;
  private final OptimizerState state;
  private final Parameters sums;
  private final TrainingStep step;
  private final int[] order;
  private final int batch;
  private long number;

  /** With that loss, in float32. */
  public TimedStep(TimedModel model, String loss, Blas blas, Team team) {
    this(model, loss, blas, team, false);
  }

  /** With that loss; {@code bfloat16} rounds the operands of products. */
  public TimedStep(TimedModel model, String loss, Blas blas, Team team, boolean bfloat16) {
    this.team = team;
    this.batch = model.batch();
    int dimension = model.dimension();
    byte[] pixels = new byte[BATCHES * batch * dimension];
    new Random(1).nextBytes(pixels);
    data = Dataset.ofPixels("random pixels", pixels, dimension, model.input(), LEVELS);
    order = IntStream.range(0, data.size()).toArray();
    Recipe recipe = model.recipe(loss);
    Objective objective = recipe.objective(dimension, data.imageShape());
    flow = objective.withParameters(recipe.flow(model.input(), recipe.precision()), recipe.seed());
    TrainingSettings settings =
        TrainingSettings.builder()
            .batchSize(batch)
            .seed(1)
            .threads(team.size())
            .clip(model.clip(loss))
            .build();
    state = new OptimizerState(recipe.optimizer(), flow.parameters(), settings.averageDecay());
    sums = flow.parameters().zeros();
    step =
        new TrainingStep(
            flow,
            bfloat16
                ? Compute.bfloat16(flow.parameters(), blas, team)
                : Compute.of(flow.precision(), blas),
            team,
            objective,
            data,
            recipe.preprocessing().fit(data),
            settings,
            state,
            sums,
            batch);
  }

  /** Makes the next step. */
  public void run() {
    step.run(team, order, (int) (number % BATCHES) * batch, number, RATE, false);
    number++;
  }

  /** The model that the steps train. */
  public Flow flow() {
    return flow;
  }

  /** Moving average of its weights. */
  public Parameters average() {
    return state.average();
  }

  /** Gradient of the last step, a copy. */
  public Parameters gradient() {
    Parameters result = sums.copy(sums.precision());
    Matrix flat = result.flat();
    KernelChoice.fastest(flat.precision())
        .rows()
        .combine(step.gradientScale(), flat, 0, flat, flat);
    return result;
  }

  /** The rows that the steps read, in order. */
  public Dataset data() {
    return data;
  }

  /** Mean loss of the last batch. */
  public double loss() {
    return step.loss();
  }

  /** Rows of the last batch whose loss was not finite. */
  public int nonFinite() {
    return step.nonFinite();
  }
}
