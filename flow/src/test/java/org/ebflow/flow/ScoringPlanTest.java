package org.ebflow.flow;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.util.Random;
import org.ebflow.flow.layer.Dense;
import org.ebflow.linalg.BFloat16Matrix;
import org.ebflow.linalg.Blas;
import org.ebflow.linalg.Matrix;
import org.ebflow.linalg.Precision;
import org.ebflow.linalg.Team;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ScoringPlanTest {
  private static final int D = 400;
  private static final int ROWS = 16;

  private static Blas packing() {
    Blas blas = Blas.named("onednn");
    assumeTrue(
        blas.packsUpperTriangular(ROWS, ROWS, Matrix.allocate(Precision.FLOAT32, D, D)),
        "oneDNN's primitives are not batch-invariant for this shape");
    return blas;
  }

  private static Matrix random(int rows, int columns) {
    Random random = new Random(5);
    Matrix result = Matrix.allocate(Precision.FLOAT32, rows, columns);
    for (int r = 0; r < rows; r++) {
      for (int c = 0; c < columns; c++) {
        result.set(r, c, random.nextGaussian());
      }
    }
    return result;
  }

  /** Weights off their start, which is triangular already. */
  private static Flow mixed(Flow flow) {
    flow.parameters()
        .byName()
        .values()
        .forEach(
            block -> {
              Matrix noise = random(block.rows(), block.columns());
              for (int r = 0; r < block.rows(); r++) {
                for (int c = 0; c < block.columns(); c++) {
                  block.set(r, c, block.get(r, c) + noise.get(r, c) / Math.sqrt(block.columns()));
                }
              }
            });
    flow.parameters().changed();
    return flow;
  }

  private static Flow twoLayers() {
    return mixed(Flow.of(D).dense().smoothLeakyRelu(0.3).dense().build());
  }

  /** ‖z‖² and ℓ of the rows by the plan are those of the flow in float64. */
  private static void requireDensities(ScoringPlan plan, Flow flow, Blas blas) {
    Matrix x = random(ROWS, D);
    Flow exact = flow.copy(Precision.FLOAT64);
    double[] densities = exact.unnormalisedLogDensity(x.copy(Precision.FLOAT64), blas);
    Matrix latents = exact.forward(x.copy(Precision.FLOAT64), blas);
    try (Team solo = new Team(1)) {
      FlowPass pass = plan.pass(solo, ROWS);
      pass.input().stream(0).copyFrom(x);
      pass.forward(0, 0);
      for (int r = 0; r < ROWS; r++) {
        double norm = 0;
        for (int c = 0; c < D; c++) {
          norm = Math.hypot(norm, latents.get(r, c));
        }
        assertThat(Math.sqrt(pass.latentSquares().get(0, r))).isCloseTo(norm, within(1e-5 * norm));
        assertThat(pass.density().order(0).get(0, r))
            .isCloseTo(densities[r], within(2e-5 * Math.abs(densities[r])));
      }
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 8})
  void theLatentOfAFullyConnectedLastLayerIsRotatedAndOnlyItsNormGivenOut(int threads) {
    Blas blas = packing();
    Flow flow = twoLayers();
    try (Team team = new Team(threads);
        Team solo = new Team(1);
        ScoringPlan plan = ScoringPlan.of(flow, blas, ROWS, ROWS, team)) {
      assertThat(plan.rotatesLatent()).isTrue();
      requireDensities(plan, flow, blas);
      FlowPass pass = plan.pass(solo, ROWS);
      assertThatThrownBy(pass::output)
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining("up to a rotation");
    }
  }

  @Test
  void inBfloat16ItIsRotatedToo() {
    Blas blas = packing();
    assumeTrue(
        blas.multipliesBFloat16()
            && blas.packsUpperTriangular(ROWS, ROWS, BFloat16Matrix.allocate(D, D)),
        "no packed bfloat16 products on this processor");
    try (Team team = new Team(2);
        ScoringPlan plan = ScoringPlan.bfloat16(twoLayers(), blas, ROWS, ROWS, team)) {
      assertThat(plan.rotatesLatent()).isTrue();
    }
  }

  @Test
  void whatIsNotPackedIsComputedBatchInvariantly() {
    Blas blas = packing();
    try (Team team = new Team(2);
        ScoringPlan plan = ScoringPlan.of(twoLayers(), blas, ROWS, ROWS, team)) {
      assertThat(plan.blas()).isSameAs(Blas.batchInvariant());
    }
  }

  @Test
  void aClosedOneHasFreedItsWeights() {
    Blas blas = packing();
    Flow flow = twoLayers();
    Dense first = (Dense) flow.layers().getFirst();
    try (Team team = new Team(2)) {
      ScoringPlan plan = ScoringPlan.of(flow, blas, ROWS, ROWS, team);
      assertThat(plan.packs(first.weight())).isTrue();
      plan.close();
      assertThat(plan.packs(first.weight())).isFalse();
    }
  }

  @Test
  void itIsNotRotatedWhereAnotherLayerHasTheSameWeightOrFollows() {
    Dense shared = new Dense(D);
    Blas blas = packing();
    for (Flow flow :
        new Flow[] {
          Flow.of(D).layer(shared).smoothLeakyRelu(0.3).layer(shared).build(),
          Flow.of(D).dense().smoothLeakyRelu(0.3).dense().actNorm().build()
        }) {
      mixed(flow);
      try (Team team = new Team(2);
          Team solo = new Team(1);
          ScoringPlan plan = ScoringPlan.of(flow, blas, ROWS, ROWS, team)) {
        assertThat(plan.rotatesLatent()).isFalse();
        assertThat(plan.pass(solo, ROWS).output().width()).isEqualTo(D);
        requireDensities(plan, flow, blas);
      }
    }
  }
}
