package org.ebflow.training;

import java.util.List;
import java.util.Map;
import org.ebflow.flow.Flow;
import org.ebflow.flow.layer.Dense;
import org.ebflow.flow.layer.Layer;
import org.ebflow.flow.pass.Parameter;
import org.ebflow.flow.pass.Parameters;
import org.ebflow.linalg.Blas;
import org.ebflow.linalg.Matrix;
import org.ebflow.linalg.Noise;
import org.ebflow.linalg.Precision;
import org.ebflow.linalg.Team;
import org.ebflow.training.data.Dataset;
import org.ebflow.training.data.Shuffle;
import org.ebflow.training.data.Splits;
import org.ebflow.training.preprocessing.Moments;
import org.ebflow.training.preprocessing.Preprocessing;
import org.ebflow.training.preprocessing.ShrunkGaussian;

/**
 * A last dense layer of maximum likelihood, z = W y + b with WᵀW = C⁻¹ and b = -W m, where y is
 * what reaches it, with mean m and covariance C: {@link ShrunkGaussian}.
 *
 * <p>Every {@value #EVERY} steps some training rows, without data noise, go through the layers
 * below. Their moments enter an exponential average over {@link #window} rows, of which the layer
 * is made. So it follows the layers below whatever the objective that trains them.
 *
 * <p>The average of the weights is another flow, for which the average of W is not the best layer.
 * {@link #fit} makes its layer from all training rows, with the shrinkage that the validation rows
 * choose.
 *
 * <p>Cost: every {@value #EVERY} steps as many rows as they have trained on pass forward, their
 * products are summed in float64, 2·D² FLOP a row, and a [D,D] matrix is decomposed. An evaluation
 * does so with all training rows.
 */
final class ClosedFormLastLayer implements LastLayerUpdate {
  private static final int EVERY = 50;

  /**
   * Rows per column in the average. A Gaussian fitted to n rows loses about D(D+1)/4n nats: here
   * D/256.
   */
  private static final int ROWS_PER_COLUMN = 64;

  private final Dense last;
  private final Flow flow;
  private final Preprocessing below;
  private final Splits data;
  private final long seed;
  private final int threads;
  private final Blas blas;
  private final int rows;
  private final long window;
  private final int[] order;
  private long orderPass = -1;

  /** Running moments: number of rows, mean and covariance. */
  private final Matrix count = Matrix.allocate(Precision.FLOAT64, 1, 1);

  private final Matrix mean;
  private final Matrix covariance;

  /**
   * @param flow without its preprocessing
   * @throws IllegalArgumentException unless its last layer is dense
   */
  ClosedFormLastLayer(
      Flow flow, Preprocessing preprocessing, Splits data, TrainingSettings settings, Blas blas) {
    Layer layer = flow.layers().getLast();
    if (!(layer instanceof Dense dense)) {
      throw new IllegalArgumentException(
          "last_layer is closed_form, expected trained: the model ends with "
              + layer
              + " and not with a dense layer");
    }
    last = dense;
    this.flow = flow.copy(preprocessing.precision(flow.precision())).after(preprocessing.layers());
    List<Layer> all = this.flow.layers();
    below =
        new Preprocessing(
            preprocessing.levels(),
            preprocessing.wholeColumns(),
            all.subList(0, all.size() - 1),
            this.flow.parameters());
    this.data = data;
    this.blas = blas;
    seed = settings.seed();
    threads = settings.threads();
    order = new int[data.train().size()];
    rows = (int) Math.min(order.length, (long) EVERY * settings.batchSize());
    int dimension = flow.dimension();
    window = Math.max(rows, Math.min(order.length, (long) ROWS_PER_COLUMN * dimension));
    mean = Matrix.allocate(Precision.FLOAT64, 1, dimension);
    covariance = Matrix.allocate(Precision.FLOAT64, dimension, dimension);
  }

  @Override
  public Flow freezing(Flow trained) {
    return trained.withParameters(
        trained.parameters().freezing(List.of(last.weight(), last.bias())));
  }

  @Override
  public Map<String, Matrix> state() {
    return Map.of(
        "last_layer.count", count, "last_layer.mean", mean, "last_layer.covariance", covariance);
  }

  @Override
  public void afterStep(long step, Parameters weights) {
    if (step % EVERY != 0) {
      return;
    }
    Moments found = moments(data.train().select(next(step / EVERY * rows)), weights);
    if (!isUsable(found)) { // the run ends if the weights stay so
      return;
    }
    Moments before = new Moments((long) count.get(0, 0), mean, covariance);
    Moments average = before.averagedWith(found, window, blas);
    count.set(0, 0, (double) average.rows());
    mean.copyFrom(average.mean());
    covariance.copyFrom(average.covariance());
    write(ShrunkGaussian.fit(average, null, blas), weights);
  }

  /** Row numbers that follow the first {@code from} of all passes over the shuffled rows. */
  private int[] next(long from) {
    int[] result = new int[rows];
    for (int i = 0; i < rows; i++) {
      long pass = (from + i) / order.length;
      if (pass != orderPass) {
        Shuffle.fill(order, seed, pass);
        orderPass = pass;
      }
      result[i] = order[(int) ((from + i) % order.length)];
    }
    return result;
  }

  @Override
  public void fit(Parameters weights) {
    Moments train = moments(data.train(), weights);
    boolean validated = data.validation().size() > 0;
    Moments validation = validated ? moments(data.validation(), weights) : train;
    if (isUsable(train) && isUsable(validation)) {
      write(ShrunkGaussian.fit(train, validated ? validation : null, blas), weights);
    }
  }

  private void write(ShrunkGaussian gaussian, Parameters weights) {
    weights.of(last.weight()).copyFrom(gaussian.whitening());
    weights.of(last.bias()).copyFrom(gaussian.shift());
    weights.changed();
  }

  /** Moments of what reaches the last layer. */
  private Moments moments(Dataset dataset, Parameters weights) {
    Parameters own = flow.parameters();
    for (Parameter block : weights.blocks()) {
      if (own.blocks().contains(block)) { // an objective's own is not the flow's
        own.of(block).copyFrom(weights.of(block));
      }
    }
    try (Team team = new Team(threads)) {
      return Moments.of(dataset, below, flow.precision(), new Noise(seed), blas, team);
    }
  }

  /** Whether every column varies, by a finite variance. */
  private static boolean isUsable(Moments moments) {
    for (int c = 0; c < moments.mean().columns(); c++) {
      double variance = moments.covariance().get(c, c);
      if (!(variance > 0 && variance < Double.POSITIVE_INFINITY)) {
        return false;
      }
    }
    return true;
  }
}
