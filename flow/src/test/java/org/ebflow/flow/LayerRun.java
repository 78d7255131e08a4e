package org.ebflow.flow;

import org.ebflow.flow.layer.ConstantJacobian;
import org.ebflow.flow.layer.Layer;
import org.ebflow.flow.pass.Compute;
import org.ebflow.flow.pass.Gradients;
import org.ebflow.flow.pass.Jet;
import org.ebflow.flow.pass.LogDet;
import org.ebflow.flow.pass.Parameter;
import org.ebflow.flow.pass.Parameters;
import org.ebflow.flow.pass.Workspace;
import org.ebflow.linalg.Blas;
import org.ebflow.linalg.Matrix;
import org.ebflow.linalg.Noise;
import org.ebflow.linalg.Precision;
import org.ebflow.linalg.Team;

/**
 * One layer between jets of a whole batch, run by a team; all numbers come in and go out as
 * float64.
 */
final class LayerRun implements AutoCloseable {
  static final int BATCH = 5;

  /** A value that no layer computes: what must be left alone is filled with it. */
  static final double UNTOUCHED = 1234.5;

  final Layer layer;
  final Parameters parameters;
  final Parameters sums;
  final int batch;
  final int order;
  final Matrix x;
  final Matrix y;
  final Matrix xBar;
  private final Team team;
  private final Workspace[] workspaces;
  private final Jet[] inputs;
  private final Jet[] outputs;
  private final LogDet[] logDets;
  private final Gradients[] gradients;

  /**
   * {@code x} holds the stacked streams [(order+1)·batch, dimension]; it and the parameters are
   * copied to the precision.
   */
  LayerRun(
      Layer layer,
      Parameters parameters,
      Precision precision,
      Matrix x,
      int batch,
      String backend,
      int workers) {
    this.layer = layer;
    this.parameters = parameters.copy(precision);
    this.sums = this.parameters.zeros();
    this.batch = batch;
    this.order = x.rows() / batch - 1;
    this.x = x.copy(precision);
    this.y = Matrix.allocate(precision, x.rows(), x.columns());
    this.xBar = Matrix.allocate(precision, x.rows(), x.columns());
    team = new Team(workers);
    inputs = new Jet[workers];
    outputs = new Jet[workers];
    logDets = new LogDet[workers];
    gradients = new Gradients[workers];
    Compute compute = Compute.of(precision, Blas.named(backend));
    workspaces = Workspace.forTeam(compute, this.parameters, team, batch, order, true);
    for (int rank = 0; rank < workers; rank++) {
      inputs[rank] = jet(this.x, rank);
      outputs[rank] = jet(y, rank);
      logDets[rank] = new LogDet(order, workspaces[rank].rows());
      gradients[rank] = new Gradients(team.worker(rank), compute, sums);
    }
  }

  /** A subject with random weights in float64 and one worker. */
  static LayerRun alone(LayersUnderTest.Subject subject, Matrix x) {
    return new LayerRun(
        subject.layer(),
        randomParameters(subject.layer()),
        Precision.FLOAT64,
        x,
        BATCH,
        "openblas",
        1);
  }

  /** Weights of the layer with normal noise added to those that are trained. */
  static Parameters randomParameters(Layer layer) {
    Parameters parameters = Parameters.initial(layer.parametersByName(), Precision.FLOAT64, 5);
    long block = 0;
    for (Parameter parameter : parameters.blocks()) {
      Matrix weights = parameters.of(parameter);
      Matrix noise = Matrix.allocate(Precision.FLOAT64, weights.rows(), weights.columns());
      new Noise(21).gaussian(101, block++, 0, noise);
      if (!parameter.trained()) {
        continue;
      }
      double deviation = .3 / Math.sqrt(Math.max(1, weights.rows() / 4.0));
      for (int r = 0; r < weights.rows(); r++) {
        for (int c = 0; c < weights.columns(); c++) {
          weights.set(r, c, weights.get(r, c) + deviation * noise.get(r, c));
        }
      }
    }
    parameters.changed();
    return parameters;
  }

  /**
   * Random streams stacked: order 0 uniform on the subject's interval, the others standard normal.
   */
  static Matrix randomStreams(LayersUnderTest.Subject subject, int batch, int order) {
    Matrix streams = random(subject.dimension(), (order + 1) * batch, 102);
    Matrix values = streams.rows(0, batch);
    new Noise(21).uniform(103, 0, 0, values);
    for (int r = 0; r < batch; r++) {
      for (int c = 0; c < values.columns(); c++) {
        values.set(r, c, subject.from() + (subject.to() - subject.from()) * values.get(r, c));
      }
    }
    return streams;
  }

  /** Standard normal numbers. */
  static Matrix random(int columns, int rows, int purpose) {
    Matrix result = Matrix.allocate(Precision.FLOAT64, rows, columns);
    new Noise(21).gaussian(purpose, 0, 0, result);
    return result;
  }

  private Jet jet(Matrix all, int rank) {
    return new Jet(all, batch, team.worker(rank).from(batch), team.worker(rank).to(batch));
  }

  Gradients gradients() {
    return gradients[0];
  }

  LayerRun forward() {
    return forward(0, order);
  }

  LayerRun forward(int fromOrder, int toOrder) {
    team.run(
        worker -> {
          int rank = worker.rank();
          for (int k = fromOrder; k <= toOrder; k++) {
            logDets[rank].fill(k, 0);
          }
          layer.forward(
              inputs[rank], outputs[rank], logDets[rank], workspaces[rank], fromOrder, toOrder);
        });
    return this;
  }

  /** log|det| jets, [order+1, batch]. */
  Matrix logDet() {
    Matrix result = Matrix.allocate(Precision.FLOAT64, order + 1, batch);
    for (int rank = 0; rank < logDets.length; rank++) {
      for (int k = 0; k <= order; k++) {
        result
            .rows(k, k + 1)
            .columns(team.worker(rank).from(batch), team.worker(rank).to(batch))
            .copyFrom(logDets[rank].order(k));
      }
    }
    return result;
  }

  /**
   * Pulls back into {@link #xBar}, whose other streams keep {@link #UNTOUCHED}, and sums the
   * gradient into {@link #sums}.
   *
   * @param yBar cotangents of orders 0…n stacked, [(n+1)·batch, dimension]
   * @param logDetBar [n+1, batch]
   * @param times how often the same backward pass is noted
   */
  LayerRun backward(Matrix yBar, Matrix logDetBar, int toOrder, boolean wantGradients, int times) {
    Matrix cotangents = yBar.copy(x.precision());
    int cotangentOrder = yBar.rows() / batch - 1;
    Matrix target = xBar.rows(0, yBar.rows());
    xBar.fill(UNTOUCHED);
    team.run(
        worker -> {
          int rank = worker.rank();
          LogDet c = new LogDet(cotangentOrder, workspaces[rank].rows());
          for (int k = 0; k <= cotangentOrder; k++) {
            c.order(k)
                .copyFrom(logDetBar.rows(k, k + 1).columns(worker.from(batch), worker.to(batch)));
          }
          gradients[rank].begin(1);
          for (int i = 0; i < times; i++) {
            layer.backward(
                jet(cotangents, rank),
                c,
                workspaces[rank],
                jet(target, rank),
                toOrder,
                wantGradients ? gradients[rank] : null);
          }
          gradients[rank].finish();
        });
    return this;
  }

  /**
   * Sums factor·∂ log|det|/∂θ of the layers with constant Jacobian into {@link #sums}, by the first
   * worker after a backward pass without cotangents.
   *
   * @return their log|det|
   */
  double logDetGradient(double factor) {
    double[] result = {0};
    team.run(
        worker -> {
          int rank = worker.rank();
          Jet none = jet(Matrix.allocate(x.precision(), batch, x.columns()), rank);
          gradients[rank].begin(1);
          layer.backward(
              none, new LogDet(0, workspaces[rank].rows()), workspaces[rank], none, -1, gradients[rank]);
          gradients[rank].sum();
          if (rank == 0) {
            for (ConstantJacobian part : layer.constantParts()) {
              result[0] +=
                  part.addLogDetGradient(factor, parameters, workspaces[0].blas(), gradients[0]);
            }
          }
          worker.barrier();
          gradients[rank].pullBack();
        });
    return result[0];
  }

  /** Inverse of the order-0 stream of {@link #y}, a new matrix. */
  Matrix inverse() {
    Matrix result = Matrix.allocate(x.precision(), batch, x.columns());
    team.run(
        worker -> {
          int from = worker.from(batch);
          int to = worker.to(batch);
          layer.inverse(y.rows(from, to), result.rows(from, to), workspaces[worker.rank()]);
        });
    return result;
  }

  @Override
  public void close() {
    team.close();
  }
}
