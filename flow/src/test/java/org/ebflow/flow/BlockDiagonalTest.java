package org.ebflow.flow;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;
import static org.ebflow.flow.Numbers.assertClose;
import static org.ebflow.flow.Numbers.flat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.util.List;
import java.util.stream.IntStream;
import org.ebflow.flow.layer.BlockDiagonal;
import org.ebflow.flow.layer.ColumnPermutation;
import org.ebflow.flow.layer.Dense;
import org.ebflow.flow.layer.Layer;
import org.ebflow.flow.layer.Shape;
import org.ebflow.flow.pass.Parameter;
import org.ebflow.flow.pass.Parameters;
import org.ebflow.linalg.Blas;
import org.ebflow.linalg.Lu;
import org.ebflow.linalg.Matrix;
import org.ebflow.linalg.Precision;
import org.ebflow.linalg.Team;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What block-diagonal layers promise beside the contract of all layers. */
class BlockDiagonalTest {
  private static final double ROUNDING = 1e-12;
  private static final Blas BLAS = Blas.named("openblas");

  private static Flow flow(Precision precision, Layer... layers) {
    Flow.Builder builder = Flow.of(layers[0].dimension()).precision(precision);
    for (Layer layer : layers) {
      builder.layer(layer);
    }
    return builder.build();
  }

  private static void set(Flow flow, Parameter block, double... values) {
    Matrix weights = flow.parameters().of(block);
    for (int i = 0; i < values.length; i++) {
      weights.set(i / weights.columns(), i % weights.columns(), values[i]);
    }
    flow.parameters().changed();
  }

  /** Columns 3 and 0 are the first group, 1 and 2 the second. */
  @Test
  void eachGroupOfColumnsIsMultipliedByAMatrixOfItsOwn() {
    BlockDiagonal layer = new BlockDiagonal(ColumnPermutation.of(3, 0, 1, 2), 2);
    Flow flow = flow(Precision.FLOAT64, layer);
    set(flow, layer.weight(), 1, 2, 3, 4, 5, 6, 7, 9);
    set(flow, layer.bias(), .1, .2, .3, .4);
    Matrix x = Matrix.of(new double[] {10, 20, 30, 40}, 1, 4);

    assertClose(
        flat(flow.forward(x, BLAS)),
        new double[] {
          3 * 40 + 4 * 10 + .1, 5 * 20 + 6 * 30 + .2, 7 * 20 + 9 * 30 + .3, 1 * 40 + 2 * 10 + .4
        },
        ROUNDING);
    // det = (1·4 - 2·3)·(5·9 - 6·7)
    assertThat(flow.logZ(BLAS)).isCloseTo(-Math.log(2 * 3), within(ROUNDING));
    assertClose(flat(flow.inverse(flow.forward(x, BLAS), BLAS)), flat(x), ROUNDING);
  }

  @Test
  void itStartsAsTheIdentity() {
    Flow flow = flow(Precision.FLOAT32, BlockDiagonal.tiles(new Shape(3, 6, 4), 2, 1, 1));
    Matrix x = LayerRun.random(72, 3, 111).copy(Precision.FLOAT32);

    assertThat(flat(flow.forward(x, BLAS))).containsExactly(flat(x));
    assertThat(flow.logZ(BLAS)).isZero();
  }

  /** The same linear map as one dense layer: values, log Z, and the gradient of the loss. */
  @ParameterizedTest
  @EnumSource(Precision.class)
  void itIsTheDenseLayerWithZerosOutsideOfTheGroups(Precision precision) {
    BlockDiagonal layer = new BlockDiagonal(ColumnPermutation.of(4, 1, 5, 0, 2, 3), 3);
    Dense dense = new Dense(6);
    Flow blocks = flow(precision, layer);
    blocks.parameters().copyFrom(LayerRun.randomParameters(layer).copy(precision));
    Flow whole = flow(precision, dense);
    Matrix weight = whole.parameters().of(dense.weight());
    weight.fill(0);
    int[] order = {4, 1, 5, 0, 2, 3};
    Matrix stack = blocks.parameters().of(layer.weight());
    for (int r = 0; r < 6; r++) {
      for (int j = 0; j < 3; j++) {
        weight.set(order[r], order[r / 3 * 3 + j], stack.get(r, j));
      }
    }
    whole.parameters().of(dense.bias()).copyFrom(blocks.parameters().of(layer.bias()));
    whole.parameters().changed();
    Matrix x = LayerRun.random(6, 7, 112).copy(precision);
    double tolerance = precision == Precision.FLOAT64 ? ROUNDING : 1e-6;

    assertClose(flat(blocks.forward(x, BLAS)), flat(whole.forward(x, BLAS)), tolerance);
    assertClose(flat(blocks.score(x, BLAS)), flat(whole.score(x, BLAS)), tolerance);
    assertThat(blocks.logZ(BLAS)).isCloseTo(whole.logZ(BLAS), within(1e-12));
    assertClose(blocks.logProb(x, BLAS), whole.logProb(x, BLAS), tolerance);
  }

  /** In the 1-norm: that of the first is 10·10, of the second 2, of both together 200·10. */
  @Test
  void itsConditionIsThatOfTheWorstBlock() {
    BlockDiagonal layer = new BlockDiagonal(ColumnPermutation.of(0, 1, 2, 3), 2);
    Flow flow = flow(Precision.FLOAT32, layer);
    set(flow, layer.weight(), 1, 9, 0, 1, 200, 0, 0, 100);

    assertThat(layer.condition(flow.parameters(), BLAS).orElseThrow()).isCloseTo(100, within(1e-9));
  }

  @Test
  void aSingularBlockHasDensityZeroAndInfiniteCondition() {
    BlockDiagonal layer = new BlockDiagonal(ColumnPermutation.of(0, 1, 2, 3), 2);
    Flow flow = flow(Precision.FLOAT32, layer);
    set(flow, layer.weight(), 1, 0, 0, 1, 1, 1, 1, 1);

    assertThat(flow.logZ(BLAS)).isEqualTo(Double.POSITIVE_INFINITY);
    assertThat(layer.condition(flow.parameters(), BLAS).orElseThrow())
        .isEqualTo(Double.POSITIVE_INFINITY);
  }

  @Test
  void groupsOfOtherSizesAreRefused() {
    ColumnPermutation order = ColumnPermutation.of(0, 1, 2, 3, 4, 5);

    assertThatThrownBy(() -> new BlockDiagonal(order, 4))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage(
            "BlockDiagonal: groups of 4 columns, expected a divisor of the number of columns, 6");
    assertThatThrownBy(() -> new BlockDiagonal(order, 0)).hasMessageContaining("groups of 0");
  }

  /** Row y, column x of an image of one channel and width 28 is number 28·y + x. */
  @Test
  void tilesAreThePixelsOfShiftedPatchesWithWrap() {
    Shape image = new Shape(1, 28, 28);
    ColumnPermutation plain = ColumnPermutation.tiles(image, 7, 0, 0);
    ColumnPermutation shifted = ColumnPermutation.tiles(image, 7, 3, 4);

    assertThat(sources(plain, 0, 8)).containsExactly(0, 1, 2, 3, 4, 5, 6, 28);
    assertThat(sources(plain, 49, 51)).containsExactly(7, 8); // the patch to the right
    assertThat(sources(plain, 4 * 49, 4 * 49 + 1)).containsExactly(7 * 28); // the one below
    assertThat(sources(shifted, 0, 8))
        .containsExactly(
            3 * 28 + 4,
            3 * 28 + 5,
            3 * 28 + 6,
            3 * 28 + 7,
            3 * 28 + 8,
            3 * 28 + 9,
            3 * 28 + 10,
            4 * 28 + 4);
    // the last patch of the first row: columns 25, 26, 27, 0, 1, 2, 3
    assertThat(sources(shifted, 3 * 49, 3 * 49 + 7))
        .containsExactly(
            3 * 28 + 25, 3 * 28 + 26, 3 * 28 + 27, 3 * 28, 3 * 28 + 1, 3 * 28 + 2, 3 * 28 + 3);
    // the last pixel of the last patch: row 27 + 3, column 27 + 4
    assertThat(shifted.source(783)).isEqualTo(2 * 28 + 3);
  }

  /** Element (y, x, c) of an image of 3 channels and width 4 is number 3·(4·y + x) + c. */
  @Test
  void aPatchHasAllChannels() {
    ColumnPermutation tiles = ColumnPermutation.tiles(new Shape(3, 2, 4), 2, 0, 0);

    assertThat(sources(tiles, 0, 12)).containsExactly(0, 1, 2, 3, 4, 5, 12, 13, 14, 15, 16, 17);
    assertThat(sources(tiles, 12, 14)).containsExactly(6, 7);
  }

  @Test
  void latticesArePixelsAFixedDistanceApart() {
    ColumnPermutation sets = ColumnPermutation.lattices(new Shape(1, 28, 28), 4, 4);

    assertThat(sources(sets, 0, 8)).containsExactly(0, 4, 8, 12, 16, 20, 24, 4 * 28);
    assertThat(sources(sets, 49, 51)).containsExactly(1, 5);
    assertThat(sources(sets, 4 * 49, 4 * 49 + 2)).containsExactly(28, 32);
    for (int i = 0; i < 784; i++) { // 49 pixels with equal (y mod 4, x mod 4)
      int first = sets.source(i / 49 * 49);
      assertThat(sets.source(i) / 28 % 4).isEqualTo(first / 28 % 4);
      assertThat(sets.source(i) % 28 % 4).isEqualTo(first % 28 % 4);
    }
  }

  private static int[] sources(ColumnPermutation permutation, int from, int to) {
    return IntStream.range(from, to).map(permutation::source).toArray();
  }

  @Test
  void patchesThatDoNotFitAreRefused() {
    Shape image = new Shape(1, 6, 9);

    assertThatThrownBy(() -> BlockDiagonal.tiles(image, 2, 0, 0))
        .hasMessage(
            "ColumnPermutation.tiles: patches of side 2, expected a divisor of both sides of the"
                + " image 1x6x9");
    assertThatThrownBy(() -> BlockDiagonal.tiles(image, 3, -1, 0))
        .hasMessageContaining("down and across are -1 and 0, expected at least 0");
    assertThatThrownBy(() -> BlockDiagonal.lattices(image, 4, 3))
        .hasMessage(
            "ColumnPermutation.lattices: pixels 4 and 3 apart, expected divisors of the height and"
                + " the width of the image 1x6x9");
    assertThatThrownBy(() -> BlockDiagonal.lattices(image, 0, 3)).hasMessageContaining("0 and 3");
  }

  /** Its weight is larger than those that are packed whole and rounded: it is neither. */
  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void itsScoresAreBatchInvariantAndItsProductsAreNeverRounded(boolean bfloat16) {
    int few = 8;
    int batch = 16;
    BlockDiagonal layer = BlockDiagonal.tiles(new Shape(1, 28, 28), 7, 3, 4);
    Flow flow = flow(Precision.FLOAT32, layer);
    flow.parameters().copyFrom(LayerRun.randomParameters(layer).copy(Precision.FLOAT32));
    Matrix x = LayerRun.random(784, batch, 113).copy(Precision.FLOAT32);
    Blas blas = Blas.auto();
    assumeTrue(!bfloat16 || blas.multipliesBFloat16(), "no bfloat16 products here");
    double[] expected =
        flow.copy(Precision.FLOAT64).unnormalisedLogDensity(x.copy(Precision.FLOAT64), BLAS);
    try (Team team = new Team(2);
        Team solo = new Team(1);
        ScoringPlan plan =
            bfloat16
                ? ScoringPlan.bfloat16(flow, blas, few, batch, team)
                : ScoringPlan.of(flow, blas, few, batch, team)) {
      assertThat(plan.packs(layer.weight())).isFalse();
      FlowPass all = plan.pass(solo, batch);
      all.input().stream(0).copyFrom(x);
      all.forward(0, 0);
      FlowPass some = plan.pass(solo, few);
      some.input().stream(0).copyFrom(x.rows(batch - few, batch));
      some.forward(0, 0);
      for (int r = 0; r < few; r++) {
        double found = all.density().order(0).get(0, batch - few + r);
        assertThat(some.density().order(0).get(0, r)).isEqualTo(found);
        double exact = expected[batch - few + r];
        assertThat(found).isCloseTo(exact, within(1e-6 * Math.abs(exact)));
      }
    }
  }

  @Test
  void factorsOfAllBlocksAreKeptUntilTheWeightsChange() {
    BlockDiagonal layer = new BlockDiagonal(ColumnPermutation.of(0, 1, 2, 3), 2);
    Flow flow = flow(Precision.FLOAT32, layer);
    Parameters parameters = flow.parameters();
    set(flow, layer.weight(), 2, 0, 0, 3, 5, 0, 0, 7);
    List<Lu> before = parameters.lus(layer.weight(), BLAS, Precision.FLOAT64);
    assertThat(before.get(0).logAbsDeterminant()).isCloseTo(Math.log(6), within(ROUNDING));
    assertThat(before.get(1).logAbsDeterminant()).isCloseTo(Math.log(35), within(ROUNDING));

    parameters.of(layer.weight()).set(3, 1, 11);
    assertThat(layer.logAbsDeterminant(parameters, BLAS))
        .isCloseTo(Math.log(6 * 35), within(ROUNDING));
    parameters.changed();
    assertThat(layer.logAbsDeterminant(parameters, BLAS))
        .isCloseTo(Math.log(6 * 55), within(ROUNDING));
    assertThat(parameters.lus(layer.weight(), BLAS, Precision.FLOAT64)).isSameAs(before);
    parameters.releaseFactorizations();
    assertThat(layer.logAbsDeterminant(parameters, BLAS))
        .isCloseTo(Math.log(6 * 55), within(ROUNDING));
  }

  @Test
  void onlyAStackOfSquaresHasFactorsOfSquares() {
    Dense dense = new Dense(3);
    BlockDiagonal layer = new BlockDiagonal(ColumnPermutation.of(0, 1, 2, 3), 2);
    Parameters ofDense = flow(Precision.FLOAT32, dense).parameters();
    Parameters ofBlocks = flow(Precision.FLOAT32, layer).parameters();

    assertThat(ofDense.lus(dense.weight(), BLAS, Precision.FLOAT64)).hasSize(1);
    assertThatThrownBy(() -> ofDense.lus(dense.bias(), BLAS, Precision.FLOAT64))
        .hasMessage("Parameters.squares: block bias is [1,3] FLOAT32, no stack of squares");
    assertThatThrownBy(() -> ofBlocks.lu(layer.weight(), BLAS, Precision.FLOAT64))
        .hasMessage("Parameters.lu: block blocks is [4,2] FLOAT32, expected a square");
  }
}
