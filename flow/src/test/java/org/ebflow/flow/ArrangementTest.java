package org.ebflow.flow;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.util.Objects;
import java.util.Random;
import org.ebflow.flow.layer.Dense;
import org.ebflow.linalg.BFloat16Matrix;
import org.ebflow.linalg.Blas;
import org.ebflow.linalg.Matrix;
import org.ebflow.linalg.PackedWeight;
import org.ebflow.linalg.Precision;
import org.ebflow.linalg.Team;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ArrangementTest {
  private static final int D = 400;
  private static final int ROWS = 16;

  private static Blas packing() {
    Blas blas = Blas.named("onednn");
    assumeTrue(
        blas.packsUpperTriangular(ROWS, ROWS, Matrix.allocate(Precision.FLOAT32, D, D)),
        "oneDNN's primitives do not treat these rows alike");
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

  /** z of the same rows, by an arrangement and by the flow. */
  private record Latents(Matrix arranged, Matrix exact) {
    static Latents of(Flow flow, Blas blas, int threads) {
      Matrix x = random(ROWS, D);
      try (Team team = new Team(threads);
          Team solo = new Team(1);
          Compute compute = Compute.rowsAlike(flow, blas, ROWS, ROWS, team)) {
        FlowPass pass = FlowPass.forwardOnly(flow, compute, solo, ROWS)[0];
        pass.input().stream(0).copyFrom(x);
        pass.forward(0, 0);
        return new Latents(
            pass.output().stream(0).copy(Precision.FLOAT64),
            flow.copy(Precision.FLOAT64).forward(x.copy(Precision.FLOAT64), blas));
      }
    }
  }

  private static double norm(Matrix matrix, int row) {
    double norm = 0;
    for (int c = 0; c < matrix.columns(); c++) {
      norm = Math.hypot(norm, matrix.get(row, c));
    }
    return norm;
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 8})
  void theLatentOfAFullyConnectedLastLayerIsTurned(int threads) {
    Flow flow = mixed(Flow.of(D).dense().smoothLeakyRelu(0.3).dense().build());
    Latents latents = Latents.of(flow, packing(), threads);
    for (int r = 0; r < ROWS; r++) {
      double norm = norm(latents.exact, r);
      assertThat(norm(latents.arranged, r)).isCloseTo(norm, within(1e-5 * norm));
      assertThat(Math.abs(latents.arranged.get(r, 0) - latents.exact.get(r, 0))).isGreaterThan(0.1);
    }
  }

  @Test
  void inBfloat16ItIsTurnedToo() {
    Blas blas = packing();
    assumeTrue(
        blas.multipliesBFloat16()
            && blas.packsUpperTriangular(ROWS, ROWS, BFloat16Matrix.allocate(D, D)),
        "no packed bfloat16 products on this processor");
    Flow flow = mixed(Flow.of(D).dense().smoothLeakyRelu(0.3).dense().build());
    Dense last = (Dense) flow.layers().getLast();
    try (Team team = new Team(2);
        Compute compute = Compute.bfloat16RowsAlike(flow, blas, ROWS, ROWS, team)) {
      assertThat(compute.turnedBias(last.bias())).isNotNull();
    }
  }

  @Test
  void whatIsNotPackedIsComputedByRowsAlike() {
    Blas blas = packing();
    Flow flow = mixed(Flow.of(D).dense().smoothLeakyRelu(0.3).dense().build());
    try (Team team = new Team(2);
        Compute compute = Compute.rowsAlike(flow, blas, ROWS, ROWS, team)) {
      assertThat(compute.blas()).isSameAs(Blas.rowsAlike());
    }
  }

  @Test
  void aClosedOneHasFreedItsWeights() {
    Blas blas = packing();
    Flow flow = mixed(Flow.of(D).dense().smoothLeakyRelu(0.3).dense().build());
    Dense last = (Dense) flow.layers().getLast();
    try (Team team = new Team(2)) {
      Compute compute = Compute.rowsAlike(flow, blas, ROWS, ROWS, team);
      PackedWeight packed = Objects.requireNonNull(compute.packed(last.weight()));
      compute.close();
      Matrix y = Matrix.allocate(Precision.FLOAT32, ROWS, D);
      assertThatThrownBy(() -> packed.multiply(random(ROWS, D), y))
          .isInstanceOf(IllegalStateException.class);
      assertThat(compute.packed(last.weight())).isNull();
      assertThat(compute.turnedBias(last.bias())).isNull();
    }
  }

  @Test
  void itIsNotWhereAnotherLayerHasTheSameWeightOrFollows() {
    Dense shared = new Dense(D);
    Blas blas = packing();
    for (Flow flow :
        new Flow[] {
          Flow.of(D).layer(shared).smoothLeakyRelu(0.3).layer(shared).build(),
          Flow.of(D).dense().smoothLeakyRelu(0.3).dense().actNorm().build()
        }) {
      Latents latents = Latents.of(mixed(flow), blas, 2);
      for (int r = 0; r < ROWS; r++) {
        for (int c = 0; c < D; c++) {
          double z = latents.exact.get(r, c);
          assertThat(latents.arranged.get(r, c)).isCloseTo(z, within(1e-4 * (1 + Math.abs(z))));
        }
      }
    }
  }
}
