package org.ebflow.training.scoring;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;
import static org.ebflow.training.scoring.ScorerTest.BLOCK;
import static org.ebflow.training.scoring.ScorerTest.ROWS;
import static org.ebflow.training.scoring.ScorerTest.coupling;
import static org.ebflow.training.scoring.ScorerTest.gaussianRows;
import static org.ebflow.training.scoring.ScorerTest.model;
import static org.ebflow.training.scoring.ScorerTest.requireRowsAlike;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.util.stream.Stream;
import org.ebflow.flow.Flow;
import org.ebflow.flow.layer.Shape;
import org.ebflow.flow.model.ConvolutionalConfig;
import org.ebflow.flow.model.GlowConfig;
import org.ebflow.linalg.BFloat16Matrix;
import org.ebflow.linalg.Blas;
import org.ebflow.linalg.PackedWeight;
import org.ebflow.linalg.Precision;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Scores whose large products round their factors to bfloat16. */
class ScorerBfloat16Test {
  @Test
  void aRowHasTheSameBitsAloneAndAtEveryPlaceOfABlockInBfloat16() {
    requireBfloat16();
    Flow flow = Flow.of(400).dense().smoothLeakyRelu(0.3).dense().build();
    requireRowsAlike(400, Scorer.bfloat16(model(flow), Blas.named("onednn"), 2));
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void inBfloat16FullyConnectedNetworksOfCouplingLayersStayFloat32(boolean normalised) {
    requireBfloat16();
    Flow flow = Flow.of(2).layer(coupling(200, normalised, 1, 0)).dense().build();
    TrainedFlow model = model(flow);
    double[][] rows = gaussianRows(ROWS, 2);
    try (Scorer exact = new Scorer(model, Blas.named("onednn"), 2);
        Scorer rounded = Scorer.bfloat16(model, Blas.named("onednn"), 2)) {
      double[] expected = exact.logProb(rows);
      double[] found = rounded.logProb(rows);
      for (int r = 0; r < ROWS; r++) {
        assertThat(found[r]).isCloseTo(expected[r], within(1e-4 * (1 + Math.abs(expected[r]))));
      }
    }
    requireRowsAlike(2, Scorer.bfloat16(model, Blas.named("onednn"), 2));
  }

  /** By products of image rows and of patches, in layers and in networks of couplings. */
  static Stream<Flow> convolutions() {
    return Stream.of(
        new ConvolutionalConfig(2, 1, 3, .3, false).build(new Shape(1, 8, 8), Precision.FLOAT32, 2),
        new GlowConfig(1, 1, 16).build(new Shape(1, 12, 12), Precision.FLOAT32, 2));
  }

  @ParameterizedTest
  @MethodSource("convolutions")
  void inBfloat16ConvolutionsAreRounded(Flow flow) {
    requireBfloat16();
    TrainedFlow model = model(flow);
    double[][] rows = gaussianRows(ROWS, flow.dimension());
    try (Scorer exact = new Scorer(model, Blas.named("onednn"), 2);
        Scorer rounded = Scorer.bfloat16(model, Blas.named("onednn"), 2)) {
      assertThat(rounded.logZ()).isEqualTo(exact.logZ());
      double[] expected = exact.logProb(rows);
      double[] found = rounded.logProb(rows);
      double difference = 0;
      for (int r = 0; r < ROWS; r++) {
        assertThat(found[r]).isCloseTo(expected[r], within(2e-2 * Math.abs(expected[r])));
        difference += Math.abs(found[r] / expected[r] - 1) / ROWS;
      }
      assertThat(difference).isGreaterThan(1e-5); // more than float32 rounds
    }
    requireRowsAlike(flow.dimension(), Scorer.bfloat16(model, Blas.named("onednn"), 2));
  }

  private static void requireBfloat16() {
    Blas blas = Blas.named("onednn");
    PackedWeight packed =
        blas.multipliesBFloat16() ? blas.pack(8, BLOCK, BFloat16Matrix.allocate(300, 300)) : null;
    assumeTrue(packed != null, "no packed bfloat16 products on this processor");
    packed.close();
  }

  @Test
  void inBfloat16ScoresAreNearAndLogZIsTheSame() {
    requireBfloat16();
    TrainedFlow model = model(Flow.of(300).dense().smoothLeakyRelu(0.3).dense().build());
    double[][] rows = gaussianRows(100, 300);
    try (Scorer exact = new Scorer(model, Blas.auto(), 2);
        Scorer rounded = Scorer.bfloat16(model, Blas.named("onednn"), 2)) {
      assertThat(rounded.logZ()).isEqualTo(exact.logZ());
      double[] expected = exact.logProb(rows);
      double[] actual = rounded.logProb(rows);
      assertThat(actual).isNotEqualTo(expected);
      for (int r = 0; r < rows.length; r++) { // energies of some hundred nats, factors to 8 bits
        assertThat(actual[r]).isCloseTo(expected[r], within(1e-2 * Math.abs(expected[r])));
      }
    }
  }

  @Test
  void bfloat16IsForFloat32ModelsAndBackendsThatHaveIt() {
    TrainedFlow wide = model(Flow.of(300).dense().precision(Precision.FLOAT64).build());
    assertThatThrownBy(() -> Scorer.bfloat16(wide, Blas.named("onednn"), 1))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("FLOAT64");
    TrainedFlow narrow = wide.copy(Precision.FLOAT32);
    assertThatThrownBy(() -> Scorer.bfloat16(narrow, Blas.named("java"), 1))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("backend java does not have bfloat16 products");
  }
}
