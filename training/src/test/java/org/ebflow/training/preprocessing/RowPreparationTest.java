package org.ebflow.training.preprocessing;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.List;
import org.ebflow.flow.layer.FixedAffine;
import org.ebflow.flow.pass.NoisePurpose;
import org.ebflow.linalg.Blas;
import org.ebflow.linalg.Matrix;
import org.ebflow.linalg.Noise;
import org.ebflow.linalg.Precision;
import org.ebflow.linalg.Team;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class RowPreparationTest {
  private static final double[] ROW = {3, -2, 5, 4};

  /** Columns 0 and 2 hold whole numbers; the others keep their values. */
  @ParameterizedTest
  @CsvSource({"FLOAT32, 1", "FLOAT64, 1", "FLOAT32, 2", "FLOAT64, 2"})
  void onlyColumnsOfWholeNumbersAreSpreadAndOnlyByLessThanOne(Precision model, double scale) {
    Preprocessing some =
        new Preprocessing(0, List.of(FixedAffine.uniform(ROW.length, scale, 0)))
            .dequantizing(List.of(0, 2));
    Matrix prepared = prepared(some, model, 40);
    for (int r = 0; r < prepared.rows(); r++) {
      for (int c = 0; c < ROW.length; c++) {
        double value = prepared.get(r, c) / scale;
        if (c % 2 == 0) {
          assertThat(value).isBetween(ROW[c], ROW[c] + 1).isNotEqualTo(ROW[c]);
        } else {
          assertThat(value).isEqualTo(ROW[c]);
        }
      }
    }
    assertThat(prepared.get(0, 0) - ROW[0] * scale)
        .as("every column has noise of its own")
        .isNotCloseTo(prepared.get(0, 2) - ROW[2] * scale, within(1e-6));
  }

  private static Matrix prepared(Preprocessing preprocessing, Precision model, int rows) {
    try (Team solo = new Team(1)) {
      RowPreparation preparation =
          RowPreparation.forTeam(preprocessing, ROW.length, model, Blas.named("java"), solo, rows)[
              0];
      for (int r = 0; r < rows; r++) {
        for (int c = 0; c < ROW.length; c++) {
          preparation.rows().set(r, c, ROW[c]);
        }
      }
      assertThat(preparation.dequantizes()).isTrue();
      preparation.drawNoise(new Noise(1), NoisePurpose.DEQUANTIZATION, 0, 0);
      Matrix target = Matrix.allocate(model, rows, ROW.length);
      preparation.prepare(target);
      return target;
    }
  }
}
