package org.ebflow.training;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import org.ebflow.flow.Flow;
import org.ebflow.flow.io.Safetensors;
import org.ebflow.flow.model.FullyConnectedConfig;
import org.ebflow.flow.pass.Parameters;
import org.ebflow.linalg.Matrix;
import org.ebflow.linalg.Precision;
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
    checkpoint.save(file, saved, state);

    try (Safetensors tensors = Safetensors.read(file)) {
      String name = "moment0." + saved.names().getFirst();
      assertThat(tensors.rows(name)).isEqualTo(DIMENSION);
      assertThat(tensors.columns(name)).isEqualTo(DIMENSION);
    }
    Parameters loaded = weights();
    OptimizerState resumed = new OptimizerState(new RmsProp(1e-3), loaded, .999);
    Checkpoint.load(file, loaded, resumed);
    assertThat(loaded.flat().array()).isEqualTo(saved.flat().array());
    assertThat(resumed.average().flat().array()).isEqualTo(state.average().flat().array());
  }
}
