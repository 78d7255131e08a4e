package org.ebflow.benchmarks.peers;

import org.ebflow.flow.pass.Compute;
import org.ebflow.flow.Flow;
import org.ebflow.flow.pass.NoisePurpose;
import org.ebflow.flow.pass.Parameter;
import org.ebflow.flow.pass.Parameters;

import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import org.ebflow.benchmarks.Scoring;
import org.ebflow.benchmarks.TimedModel;
import org.ebflow.flow.io.Safetensors;
import org.ebflow.linalg.Blas;
import org.ebflow.linalg.Matrix;
import org.ebflow.linalg.Noise;
import org.ebflow.linalg.Precision;
import org.ebflow.linalg.Team;
import org.ebflow.training.preprocessing.Preprocessing;
import org.ebflow.training.scoring.Scorer;
import org.ebflow.benchmarks.TimedStep;
import org.ebflow.training.scoring.TrainedFlow;

/** All that goes into and comes out of one piece of the library's work, as a file. */
final class Reference {
  /** Key of the loss in the file's metadata. */
  static final String LOSS = "loss";

  /** Of the noise of {@link TimedStep}. */
  private static final Noise NOISE = new Noise(1);

  private static final int WEIGHTS = 1000;

  private Reference() {}

  /** One training step from perturbed weights. */
  static void writeStep(String loss, TimedModel model, int threads, Path file) {
    Map<String, Matrix> tensors = new LinkedHashMap<>();
    try (Team team = new Team(threads);
        Team solo = new Team(1)) {
      Blas blas = Blas.auto();
      TimedStep step = new TimedStep(model, loss, blas, team);
      Parameters weights = step.flow().parameters();
      perturb(weights);
      step.average().copyFrom(weights);
      Parameters before = weights.copy(weights.precision());
      put(tensors, "weights", before);
      putDirections(tensors, before);
      Matrix pixels = Matrix.allocate(Precision.FLOAT32, model.batch(), model.dimension());
      step.data().copyRows(0, model.batch(), pixels, 0);
      tensors.put("pixels", dequantised(pixels));
      if (!loss.equals("ml")) {
        var pass =
            model
                .recipe(loss)
                .objective(model.dimension(), model.input())
                .forTeam(step.flow(), Compute.of(Precision.FLOAT32, blas), solo, model.batch())[0];
        pass.draw(NOISE, 0);
        tensors.put("noise", pass.noise(0));
      }
      step.run();
      put(tensors, "gradient", step.gradient());
      put(tensors, "updated weight", weights);
      put(tensors, "updated average", step.average());
      Safetensors.write(file, tensors, Map.of(LOSS, String.valueOf(step.loss())));
    }
  }

  /** Scores of one batch by perturbed weights. */
  static void writeScores(TimedModel model, int threads, Path file) {
    int dimension = model.dimension();
    int batch = model.batch();
    Flow flow = model.recipe("ssm").flow(dimension, Precision.FLOAT32);
    perturb(flow.parameters());
    Matrix pixels = Matrix.allocate(Precision.FLOAT32, batch, dimension);
    NOISE.uniform(NoisePurpose.SAMPLING, 0, 0, pixels);
    for (int i = 0; i < pixels.size(); i++) {
      pixels.floats()[i] = (float) Math.floor(256 * pixels.floats()[i]);
    }
    Map<String, Matrix> tensors = new LinkedHashMap<>();
    put(tensors, "weights", flow.parameters());
    tensors.put("pixels", dequantised(pixels));
    Preprocessing preprocessing = new Preprocessing(0, Scoring.preprocessing(dimension).layers());
    try (Scorer scorer =
        new Scorer(
            new TrainedFlow(flow, preprocessing, Scoring.DATA, 1), Blas.auto(), threads)) {
      double[] logProb = scorer.score(pixels.copy(Precision.FLOAT64)).logProb();
      tensors.put("logProb", Matrix.of(logProb, 1, batch));
    }
    Safetensors.write(file, tensors, Map.of());
  }

  /**
   * Moves weights away from the published start, where much is zero or one: the less the deeper the
   * flow, so that nothing overflows.
   */
  private static void perturb(Parameters weights) {
    double size = 0.3 * Math.min(1, 12.0 / weights.blocks().size());
    for (int i = 0; i < weights.blocks().size(); i++) {
      if (!weights.blocks().get(i).trained()) {
        continue;
      }
      Matrix block = weights.of(weights.blocks().get(i));
      Matrix normal = Matrix.allocate(block.precision(), block.rows(), block.columns());
      NOISE.gaussian(NoisePurpose.INITIALIZATION, WEIGHTS + i, 0, normal);
      double deviation = size / (block.rows() == 1 ? 1 : Math.sqrt(block.columns()));
      for (int r = 0; r < block.rows(); r++) {
        for (int c = 0; c < block.columns(); c++) {
          block.set(r, c, block.get(r, c) + deviation * normal.get(r, c));
        }
      }
    }
    weights.changed();
  }

  /** Adds the noise of the first batch, in place. */
  private static Matrix dequantised(Matrix pixels) {
    Matrix uniform = Matrix.allocate(Precision.FLOAT32, pixels.rows(), pixels.columns());
    NOISE.uniform(NoisePurpose.DEQUANTIZATION, 0, 0, uniform);
    for (int i = 0; i < pixels.size(); i++) {
      pixels.floats()[i] += uniform.floats()[i];
    }
    return pixels;
  }

  /** Of the blocks that are trained. */
  private static void put(Map<String, Matrix> tensors, String name, Parameters parameters) {
    int number = 0;
    for (Parameter block : parameters.blocks()) {
      if (block.trained()) {
        tensors.put(name + " " + number++, parameters.of(block));
      }
    }
  }

  /** Directions u from which power iterations of spectral normalisation go on. */
  private static void putDirections(Map<String, Matrix> tensors, Parameters parameters) {
    int number = 0;
    for (Map.Entry<String, Matrix> block : parameters.byName().entrySet()) {
      if (block.getKey().endsWith(".weight_u")) {
        tensors.put("direction " + number++, block.getValue());
      }
    }
  }
}
