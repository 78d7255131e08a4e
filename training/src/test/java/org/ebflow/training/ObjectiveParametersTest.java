package org.ebflow.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Random;
import java.util.SequencedMap;
import org.ebflow.flow.Flow;
import org.ebflow.flow.io.Safetensors;
import org.ebflow.flow.layer.Initializers;
import org.ebflow.flow.pass.Compute;
import org.ebflow.flow.pass.Gradients;
import org.ebflow.flow.pass.Parameter;
import org.ebflow.linalg.Matrix;
import org.ebflow.linalg.Noise;
import org.ebflow.linalg.Precision;
import org.ebflow.linalg.Team;
import org.ebflow.linalg.Worker;
import org.ebflow.training.check.GradientCheck;
import org.ebflow.training.data.Dataset;
import org.ebflow.training.data.Splits;
import org.ebflow.training.objective.BatchShare;
import org.ebflow.training.objective.MaximumLikelihood;
import org.ebflow.training.objective.Objective;
import org.ebflow.training.objective.ObjectivePass;
import org.ebflow.training.optimizer.Adam;
import org.ebflow.training.scoring.TrainedFlow;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** An objective that trains parameters of its own beside the flow's. */
class ObjectiveParametersTest {
  private static final double[] GOAL = {1, -2, .5};

  @TempDir private Path folder;

  /** -log p(x) + ½‖θ - goal‖² with θ the objective's own, [1,3]. */
  private record WithGoal(Parameter theta) implements Objective {
    WithGoal() {
      this(new Parameter("theta", 1, GOAL.length, Initializers.constant(0)));
    }

    @Override
    public String name() {
      return "goal";
    }

    @Override
    public SequencedMap<String, Parameter> parameters(Flow flow) {
      SequencedMap<String, Parameter> own = new LinkedHashMap<>();
      own.put("theta", theta);
      return own;
    }

    @Override
    public ObjectivePass[] forTeam(Flow flow, Compute compute, Team team, BatchShare share) {
      ObjectivePass[] passes = new MaximumLikelihood().forTeam(flow, compute, team, share);
      for (int rank = 0; rank < passes.length; rank++) {
        passes[rank] =
            new Pass(passes[rank], flow.parameters().of(theta), theta, team.worker(rank));
      }
      return passes;
    }
  }

  private record Pass(ObjectivePass likelihood, Matrix theta, Parameter block, Worker worker)
      implements ObjectivePass {
    @Override
    public Matrix data() {
      return likelihood.data();
    }

    @Override
    public void draw(Noise noise, long step) {
      likelihood.draw(noise, step);
    }

    @Override
    public Matrix noise(int draw) {
      return likelihood.noise(draw);
    }

    @Override
    public void evaluate(@Nullable Gradients gradients) {
      likelihood.evaluate(gradients);
      double penalty = 0;
      for (int c = 0; c < GOAL.length; c++) {
        double distance = theta.get(0, c) - GOAL[c];
        penalty += distance * distance / 2;
        if (gradients != null && worker.rank() == 0) {
          gradients.of(block).set(0, c, distance / gradients.scale());
        }
      }
      for (int r = 0; r < losses().columns(); r++) {
        losses().set(0, r, losses().get(0, r) + penalty);
      }
      worker.barrier();
    }

    @Override
    public Matrix losses() {
      return likelihood.losses();
    }

    @Override
    public int nonFinite() {
      return likelihood.nonFinite();
    }
  }

  private static Flow flow() {
    return Flow.of(2).precision(Precision.FLOAT64).dense().smoothLeakyRelu(.3).dense().build();
  }

  private static Splits data() {
    Random random = new Random(2);
    double[][] rows = new double[100][2];
    for (double[] row : rows) {
      row[0] = random.nextGaussian();
      row[1] = row[0] + random.nextGaussian();
    }
    return Dataset.of(rows).split(.8, .1, .1, 1);
  }

  private static Trainer trainer(Flow flow, WithGoal objective, int epochs) {
    return Trainer.of(flow, objective)
        .optimizer(new Adam(.05))
        .batchSize(20)
        .epochs(epochs)
        .averageDecay(.5)
        .threads(2);
  }

  @Test
  void theirGradientIsChecked() {
    GradientCheck.Report report =
        GradientCheck.of(flow()).objective(new WithGoal()).run().orThrow();
    assertThat(report.blocks()).extracting(GradientCheck.Block::name).contains("objective.theta");
  }

  @Test
  void theyAreTrainedAndResumedAndNotPartOfTheModel() {
    Flow flow = flow();
    WithGoal objective = new WithGoal();
    Path run = folder.resolve("run");
    TrainedFlow trained = trainer(flow, objective, 60).fit(data(), run);
    assertThat(flow.parameters().names()).doesNotContain("objective.theta");
    assertThat(trained.flow().parameters().names())
        .containsExactlyElementsOf(flow.parameters().names());
    try (Safetensors model = Safetensors.read(new RunFolder(run).model());
        Safetensors state = Safetensors.read(new RunFolder(run).state())) {
      assertThat(model.names()).containsExactlyInAnyOrderElementsOf(flow.parameters().names());
      Matrix theta = Matrix.allocate(Precision.FLOAT64, 1, GOAL.length);
      state.copyTo("weights.objective.theta", theta);
      for (int c = 0; c < GOAL.length; c++) {
        assertThat(theta.get(0, c)).isCloseTo(GOAL[c], within(.05));
      }
      Matrix weight = Matrix.allocate(Precision.FLOAT64, 2, 2);
      state.copyTo("weights.0.weight", weight);
      assertThat(flow.parameters().byName().get("0.weight").toRows()).isEqualTo(weight.toRows());
    }

    Path whole = folder.resolve("whole");
    Flow once = flow();
    trainer(once, new WithGoal(), 70).fit(data(), whole);
    Flow again = flow();
    trainer(again, new WithGoal(), 70).resume(data(), run);
    assertThat(again.parameters().flat().array()).isEqualTo(once.parameters().flat().array());
  }
}
