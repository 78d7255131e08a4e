package org.ebflow.training.scoring;

import java.util.List;
import java.util.Random;
import org.ebflow.flow.Flow;
import org.ebflow.flow.layer.Shape;
import org.ebflow.linalg.Matrix;
import org.ebflow.linalg.Precision;
import org.ebflow.training.preprocessing.Preprocessing;

/** Untrained models with weights unlike their initial ones, and rows for them. */
public final class TrainedFlows {
  private TrainedFlows() {}

  public static TrainedFlow table(Flow flow, double[] quantiles) {
    disturb(flow);
    int dimension = flow.dimension();
    double[] mean = new double[dimension];
    double[] deviation = new double[dimension];
    for (int c = 0; c < dimension; c++) {
      mean[c] = 10 * c;
      deviation[c] = 0.5 + c;
    }
    return new TrainedFlow(
        flow,
        Preprocessing.standardize(mean, deviation),
        new TrainedFlow.DataDescription(
            "table",
            List.of("a", "b", "c"),
            null,
            EmpiricalDistribution.ofQuantiles(quantiles),
            null),
        7);
  }

  public static TrainedFlow table(Precision precision) {
    return table(
        Flow.of(3).precision(precision).dense().smoothLeakyRelu(0.3).dense().build(),
        new double[0]);
  }

  /** Pictures of 2×2 pixels of 16 levels. */
  public static TrainedFlow images() {
    return images(Flow.of(4).dense().smoothLeakyRelu(0.3).dense().build());
  }

  /** The same by another flow, whose weights are moved off their start. */
  static TrainedFlow images(Flow flow) {
    disturb(flow);
    return new TrainedFlow(
        flow,
        Preprocessing.logit(4, 16, 1),
        new TrainedFlow.DataDescription(
            "pictures", List.of(), new Shape(1, 2, 2), EmpiricalDistribution.unknown(), null),
        7);
  }

  private static void disturb(Flow flow) {
    Random random = new Random(11);
    for (Matrix block : flow.parameters().byName().values()) {
      for (int r = 0; r < block.rows(); r++) {
        for (int c = 0; c < block.columns(); c++) {
          block.set(r, c, block.get(r, c) + 0.3 * random.nextGaussian());
        }
      }
    }
    flow.parameters().changed();
  }

  public static double[][] rows(int count) {
    Random random = new Random(5);
    double[][] rows = new double[count][3];
    for (double[] row : rows) {
      for (int c = 0; c < 3; c++) {
        row[c] = 10 * c + (0.5 + c) * random.nextGaussian();
      }
    }
    return rows;
  }

  public static double[][] pictures(int count) {
    Random random = new Random(6);
    double[][] rows = new double[count][4];
    for (double[] row : rows) {
      for (int c = 0; c < 4; c++) {
        row[c] = random.nextInt(16);
      }
    }
    return rows;
  }
}
