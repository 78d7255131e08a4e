package org.ebflow.flow;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import org.ebflow.flow.layer.Activation;
import org.ebflow.flow.layer.Convolution;
import org.ebflow.flow.layer.Layer;
import org.ebflow.flow.layer.Shape;
import org.ebflow.flow.model.FullyConnectedConfig;
import org.ebflow.flow.model.GlowConfig;
import org.ebflow.flow.model.Init;
import org.ebflow.flow.pass.Parameters;
import org.ebflow.linalg.Precision;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

final class MemoryNeedTest {
  private static final long GIB = 1L << 30;

  private static List<Layer> layers(int dimension) {
    return new FullyConnectedConfig(2, .3, true).layers(Shape.plain(dimension)).layers();
  }

  @ParameterizedTest
  @EnumSource(Precision.class)
  void weightsAreThoseThatAreAllocatedButForAlignment(Precision precision) {
    Parameters weights =
        new FullyConnectedConfig(2, .3, true).build(512, precision, 1).parameters();

    MemoryNeed need = MemoryNeed.ofWeights(layers(512), precision);

    assertThat(need.heap()).isEqualTo((long) weights.flat().columns() * precision.bytes());
    assertThat(need.outside()).isZero();
  }

  @Test
  void theTwoLargeLayersOf12288ColumnsAreCountedWithoutAllocatingThem() {
    List<Layer> layers = layers(12_288);
    long square = 12_288L * 12_288;

    assertThat(MemoryNeed.ofWeights(layers, Precision.FLOAT32).heap())
        .isEqualTo(4 * (2L * 12_288 * 12_304 + 2 * 12_288)); // rows 12,304 apart
    assertThat(MemoryNeed.ofInitialDraws(layers)).isEqualTo(new MemoryNeed(8 * square, 0));
    assertThat(MemoryNeed.ofFactorizations(layers)).isEqualTo(new MemoryNeed(0, 16 * square));
    assertThat(MemoryNeed.ofScoringPlan(layers, Precision.FLOAT32))
        .isEqualTo(new MemoryNeed(8 * square, (16 + 8 + 8) * square));
  }

  @Test
  void jetsWithinTheNetworksOfCouplingsCount() {
    List<Layer> layers =
        new GlowConfig(1, 1, 8, Activation.Kind.LEAKY_RELU, false, Init.PUBLISHED)
            .layers(new Shape(1, 4, 4))
            .layers();

    // Of 2×2 pixels: four maps of 8 channels and one of 4 before the last, which has 4 too. The
    // coupling has 2 channels of input, and two parameters, input and output of the other 2.
    long network = 4 * (4 * 8 + 4 + 4);
    long coupling = 4 * 2 + 4 * (2 + 2) * 2 + network;
    assertThat(MemoryNeed.numbers(layers, 16)).isEqualTo(4 * 2 * 16 + coupling);
    assertThat(MemoryNeed.ofPass(layers, 16, 10, 6, Precision.FLOAT32))
        .isEqualTo(new MemoryNeed(4L * 10 * 6 * (4 * 2 * 16 + coupling), 0));
  }

  @Test
  void copiesInBfloat16AreOneForAllWorkersOfADenseWeightAndOneForEachOfAConvolutions() {
    MemoryNeed pass = new MemoryNeed(4000, 0);

    assertThat(MemoryNeed.ofRounding(layers(20), pass, 3))
        .isEqualTo(new MemoryNeed(2 * 2 * (20 * 20 + 20) + 1000, 0));
    assertThat(MemoryNeed.ofRounding(List.of(new Convolution(new Shape(2, 4, 4), 3)), pass, 3))
        .isEqualTo(new MemoryNeed(2 * (3 * 2 * 18 + 2) + 1000, 0));
  }

  @Test
  void needsAddUpAndTakeTurns() {
    MemoryNeed a = new MemoryNeed(3, 10);
    MemoryNeed b = new MemoryNeed(5, 7);

    assertThat(a.plus(b)).isEqualTo(new MemoryNeed(8, 17));
    assertThat(a.or(b)).isEqualTo(new MemoryNeed(5, 10));
    assertThat(a.times(3)).isEqualTo(new MemoryNeed(9, 30));
  }

  @Test
  void whatFitsPasses() {
    assertThatCode(() -> new MemoryNeed(6 * GIB, 4 * GIB).requireFits("it", 7 * GIB, 11 * GIB))
        .doesNotThrowAnyException();
  }

  @Test
  void aHeapThatIsTooSmallIsToldWithItsRemedy() {
    assertThatThrownBy(() -> new MemoryNeed(6 * GIB, 4 * GIB).requireFits("it", 6 * GIB, 24 * GIB))
        .isInstanceOf(InvalidInputException.class)
        .hasMessage(
            "it: expected 10.9 GiB of memory, 6.6 GiB of it Java heap, found 24.0 GiB, of which the heap may take 6.0 GiB (EBFLOW_JAVA_OPTS=-Xmx… allows more)");
  }

  @Test
  void aMachineThatIsTooSmallIsTold() {
    assertThatThrownBy(() -> new MemoryNeed(6 * GIB, 4 * GIB).requireFits("it", 7 * GIB, 10 * GIB))
        .isInstanceOf(InvalidInputException.class)
        .hasMessage(
            "it: expected 10.9 GiB of memory, 6.6 GiB of it Java heap, found 10.0 GiB, of which the heap may take 7.0 GiB");
  }
}
