package org.ebflow.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.SequencedMap;
import org.ebflow.flow.Flow;
import org.ebflow.flow.io.Safetensors;
import org.ebflow.flow.layer.Initializers;
import org.ebflow.flow.model.FullyConnectedConfig;
import org.ebflow.flow.pass.Parameter;
import org.ebflow.flow.pass.Parameters;
import org.ebflow.linalg.KernelChoice;
import org.ebflow.linalg.Matrix;
import org.ebflow.linalg.Precision;
import org.ebflow.linalg.Team;
import org.ebflow.training.optimizer.OptimizerState;
import org.ebflow.training.optimizer.RmsProp;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A state file holds the blocks of the weights, whatever their layout in memory. */
class CheckpointTest {
  private static final int DIMENSION = 512; // rows that lie apart

  @TempDir private Path folder;

  private static Parameters weights() {
    Flow flow = new FullyConnectedConfig(1, .3, true).build(DIMENSION, Precision.FLOAT32, 1);
    return flow.parameters();
  }

  @Test
  void weightsWithGapsAreSavedWithoutThemAndComeBack() {
    Path file = folder.resolve("state.safetensors");
    Parameters saved = weights();
    Matrix weight = saved.of(saved.blocks().getFirst());
    assertThat(weight.contiguous()).isFalse();
    weight.set(511, 510, 7.5);
    OptimizerState state = new OptimizerState(new RmsProp(1e-3), saved, .999);
    state.average().of(saved.blocks().getFirst()).set(3, 511, -2.5);
    Checkpoint checkpoint = new Checkpoint();
    checkpoint.threads = 1;
    checkpoint.save(file, saved, state, Map.of());

    try (Safetensors tensors = Safetensors.read(file)) {
      String name = "moment0." + saved.names().getFirst();
      assertThat(tensors.rows(name)).isEqualTo(DIMENSION);
      assertThat(tensors.columns(name)).isEqualTo(DIMENSION);
    }
    Parameters loaded = weights();
    OptimizerState resumed = new OptimizerState(new RmsProp(1e-3), loaded, .999);
    Checkpoint.load(file, loaded, resumed, Map.of());
    assertThat(loaded.flat().array()).isEqualTo(saved.flat().array());
    assertThat(resumed.average().flat().array()).isEqualTo(state.average().flat().array());
  }

  /** As a layer with spectral normalisation keeps its vectors. */
  @Test
  void aBlockThatIsNotTrainedIsAveragedSavedAndResumedButNotUpdated() {
    Parameter weight = new Parameter("weight", 2, 3, Initializers.constant(1));
    Parameter vector = new Parameter("vector", 1, 3, Initializers.constant(4), false);
    SequencedMap<String, Parameter> named = new LinkedHashMap<>();
    named.put("0.vector", vector);
    named.put("0.weight", weight);
    Parameters weights = Parameters.initial(named, Precision.FLOAT64, 1);
    Parameters gradient = weights.zeros();
    gradient.flat().fill(1);
    RmsProp decaying = new RmsProp(1e-2, .99, 1e-8, .5);
    OptimizerState state = new OptimizerState(decaying, weights, .9);
    weights.of(vector).fill(5); // as its layer writes it
    try (Team team = new Team(2)) {
      team.run(
          worker ->
              state.new Part(worker, weights, gradient)
                  .update(KernelChoice.fastest(Precision.FLOAT64).optimizer(), 1e-2, 1));
    }
    state.updates(1);
    for (int c = 0; c < 3; c++) {
      assertThat(weights.of(vector).get(0, c)).isEqualTo(5);
      assertThat(state.average().of(vector).get(0, c))
          .isCloseTo(4 + 9. / 11, within(1e-12)); // decay 2/11 at the first update
      assertThat(weights.of(weight).get(1, c)).isLessThan(1);
    }
    Path file = folder.resolve("state.safetensors");
    Checkpoint checkpoint = new Checkpoint();
    checkpoint.threads = 1;
    Matrix further = Matrix.of(new double[] {.25, -3}, 1, 2);
    checkpoint.save(file, weights, state, Map.of("further", further));
    Parameters resumed = weights.zeros();
    OptimizerState resumedState = new OptimizerState(decaying, resumed, .9);
    Matrix restored = Matrix.allocate(Precision.FLOAT64, 1, 2);
    Checkpoint.load(file, resumed, resumedState, Map.of("further", restored));
    assertThat(restored.doubles()).containsExactly(.25, -3);
    assertThat(resumed.of(vector).get(0, 1)).isEqualTo(5);
    assertThat(resumedState.average().of(vector).get(0, 1))
        .isEqualTo(state.average().of(vector).get(0, 1));
  }
}
