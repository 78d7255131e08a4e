package org.ebflow.training.check;

import java.util.ArrayList;
import java.util.List;
import org.ebflow.flow.Flow;
import org.ebflow.flow.pass.Compute;
import org.ebflow.flow.pass.Gradients;
import org.ebflow.flow.pass.NoisePurpose;
import org.ebflow.flow.pass.Parameter;
import org.ebflow.flow.pass.Parameters;
import org.ebflow.linalg.Blas;
import org.ebflow.linalg.Matrix;
import org.ebflow.linalg.Noise;
import org.ebflow.linalg.Precision;
import org.ebflow.linalg.Team;
import org.ebflow.training.objective.Objective;
import org.ebflow.training.objective.ObjectivePass;
import org.ebflow.training.objective.SlicedScoreMatching;
import org.jspecify.annotations.Nullable;

/**
 * Compares the gradient of an objective in every parameter block with fourth-order central
 * differences, in float64.
 *
 * <p>In each block: 8 directions of length one and 20 coordinates (all, when there are fewer). The
 * error is |difference quotient - gradient| / max(largest |gradient| of the block, 1e-3 · largest
 * |gradient| of all). A quotient that is off is taken again on either side of the point and with
 * shorter steps, so that a kink near the point (ELU's second derivative) does not count. The
 * quotient nearest to the gradient counts. So a kink nearer than the shortest step on both sides
 * can fail a right gradient; another seed tells. A wrong gradient passes only if one of the fifteen
 * quotients is off by as much as it is, to a millionth.
 *
 * <p>The flow is copied; the copy's weights are moved a little by seeded noise, so that a symmetric
 * start hides nothing.
 */
public final class GradientCheck {
  /** Largest error that passes. */
  public static final double TOLERANCE = 1e-6;

  private static final int DIRECTIONS = 8;
  private static final int COORDINATES = 20;
  private static final int BATCH = 4;
  private static final double PERTURBATION = 0.02;

  /**
   * From 1e-3, where the quotient's own error is below the tolerance, down to where the rounding of
   * the loss nears it: the shortest one decides only how near a kink may be.
   */
  private static final double[] STEPS = {1e-3, 2e-4, 3e-5, 1e-5, 2e-6};

  /**
   * Places in steps, each with its weight times 12, of fourth-order difference quotients: central,
   * ahead, behind. A kink on one side of the point does not disturb the quotient on the other.
   */
  private static final double[][] STENCILS = {
    {1, 8, -1, -8, 2, -1, -2, 1},
    {0, -25, 1, 48, 2, -36, 3, 16, 4, -3},
    {0, 25, -1, -48, -2, 36, -3, -16, -4, 3}
  };

  private static final double SMALL_SHARE = 1e-3;
  private static final int DIRECTION_PURPOSE = 100;
  private static final int PERTURBATION_PURPOSE = 101;
  private static final int COORDINATE_PURPOSE = 102;

  private final Flow flow;
  private Objective objective = new SlicedScoreMatching();
  private @Nullable Blas blas;
  private long seed = 1;
  private @Nullable Matrix input;

  private GradientCheck(Flow flow) {
    this.flow = flow;
  }

  /** A check of that flow under sliced score matching, which needs all derivatives there are. */
  public static GradientCheck of(Flow flow) {
    return new GradientCheck(flow);
  }

  /** Another objective. */
  public GradientCheck objective(Objective value) {
    objective = value;
    return this;
  }

  /** Matrix products; the fastest that loads unless told otherwise. */
  public GradientCheck blas(Blas value) {
    blas = value;
    return this;
  }

  /** Seed of input, noise, directions and perturbation; 1 unless told otherwise. */
  public GradientCheck seed(long value) {
    seed = value;
    return this;
  }

  /** Rows to check on, [rows,dimension]; four standard normal rows unless told otherwise. */
  public GradientCheck input(Matrix rows) {
    input = rows;
    return this;
  }

  /**
   * Result for one parameter block.
   *
   * @param name layer index and parameter
   * @param rows of the block
   * @param columns of the block
   * @param largestGradient largest |gradient| of its elements
   * @param worstError largest error of its directions and coordinates
   */
  public record Block(
      String name, int rows, int columns, double largestGradient, double worstError) {
    /** Whether the error is within the tolerance; NaN is not. */
    public boolean passed() {
      return worstError <= TOLERANCE;
    }
  }

  /**
   * Result of a check.
   *
   * @param objective name of the objective
   * @param loss its value
   * @param blocks in the order of the layers
   */
  public record Report(String objective, double loss, List<Block> blocks) {
    /** Largest error of all blocks; NaN if any is. */
    public double worstError() {
      return blocks.stream().mapToDouble(Block::worstError).reduce(0, Math::max);
    }

    /** Whether all blocks passed. */
    public boolean passed() {
      return blocks.stream().allMatch(Block::passed);
    }

    /**
     * Returns this report if all blocks passed.
     *
     * @throws AssertionError naming the blocks that are off
     */
    public Report orThrow() {
      if (!passed()) {
        throw new AssertionError(
            objective
                + " gradient is off in "
                + blocks.stream().filter(block -> !block.passed()).toList());
      }
      return this;
    }
  }

  /**
   * Runs the check.
   *
   * @throws IllegalArgumentException if the objective does not follow the gradient of its losses
   */
  public Report run() {
    if (!objective.followsGradient()) {
      throw new IllegalArgumentException(
          "loss "
              + objective.name()
              + " follows no gradient of a loss, expected one that does: ml trains the same model");
    }
    Flow copy = objective.withParameters(flow.copy(Precision.FLOAT64), seed);
    Parameters weights = copy.parameters();
    if (weights.blocks().isEmpty()) {
      throw new IllegalArgumentException(
          "GradientCheck: the flow has no weights, expected some (a layer without any is checked between dense layers)");
    }
    Noise noise = new Noise(seed);
    perturb(weights, noise);
    Compute compute = Compute.of(Precision.FLOAT64, blas == null ? Blas.auto() : blas);
    Parameters sums = weights.zeros();
    try (Team solo = new Team(1)) {
      Matrix rows = input == null ? draw(noise, copy.dimension()) : input;
      ObjectivePass pass = objective.forTeam(copy, compute, solo, rows.rows())[0];
      pass.data().copyFrom(rows);
      pass.draw(noise, 0);
      Gradients gradients = new Gradients(solo.worker(0), compute, sums);
      pass.evaluate(gradients);
      Matrix flat = sums.flat();
      compute.kernels().rows().combine(gradients.scale(), flat, 0, flat, flat);
      if (pass.nonFinite() > 0) {
        throw new IllegalArgumentException(
            "GradientCheck: the loss of "
                + pass.nonFinite()
                + " of "
                + rows.rows()
                + " rows is not finite");
      }
      return new Report(objective.name(), mean(pass), compare(pass, weights, sums, noise));
    }
  }

  /** Moves all weights that are trained; others may be no real numbers, such as a permutation. */
  private static void perturb(Parameters weights, Noise noise) {
    for (int i = 0; i < weights.blocks().size(); i++) {
      if (!weights.blocks().get(i).trained()) {
        continue;
      }
      Matrix values = weights.of(weights.blocks().get(i));
      Matrix draws = Matrix.allocate(Precision.FLOAT64, values.rows(), values.columns());
      noise.gaussian(PERTURBATION_PURPOSE, i, 0, draws);
      double scale =
          PERTURBATION
              / Math.sqrt(
                  Math.max(1, values.columns() / 16.0)); // keeps wide layers well conditioned
      for (int k = 0; k < draws.size(); k++) {
        values.doubles()[index(values, k)] += scale * draws.doubles()[k];
      }
    }
    weights.changed();
  }

  private static Matrix draw(Noise noise, int dimension) {
    Matrix rows = Matrix.allocate(Precision.FLOAT64, BATCH, dimension);
    noise.gaussian(NoisePurpose.DATA_NOISE, 0, 0, rows);
    return rows;
  }

  private static double mean(ObjectivePass pass) {
    double sum = 0;
    for (double loss : pass.losses().doubles()) {
      sum += loss;
    }
    return sum / pass.losses().columns();
  }

  private static List<Block> compare(
      ObjectivePass pass, Parameters weights, Parameters sums, Noise noise) {
    double overall = largest(sums.flat());
    List<Block> blocks = new ArrayList<>();
    for (int i = 0; i < weights.blocks().size(); i++) {
      Parameter block = weights.blocks().get(i);
      if (!weights.trains(block)) {
        continue;
      }
      Matrix values = weights.of(block);
      Matrix gradient = sums.of(block);
      double largest = largest(gradient);
      double scale = Math.max(largest, SMALL_SHARE * overall);
      double worst = 0;
      for (Matrix direction : directions(values, noise, i)) {
        worst = Math.max(worst, error(pass, weights, values, gradient, direction, scale));
      }
      blocks.add(new Block(weights.names().get(i), block.rows(), block.columns(), largest, worst));
    }
    return blocks;
  }

  /** Place of element k in the array, counted row by row: rows may lie apart. */
  private static int index(Matrix matrix, int k) {
    int columns = matrix.columns();
    return matrix.offset() + k / columns * matrix.stride() + k % columns;
  }

  private static double largest(Matrix values) {
    double largest = 0;
    for (int k = 0; k < values.size(); k++) {
      largest = Math.max(largest, Math.abs(values.doubles()[index(values, k)]));
    }
    return largest;
  }

  private static List<Matrix> directions(Matrix values, Noise noise, int block) {
    int count = values.size();
    List<Matrix> result = new ArrayList<>();
    for (int k = 0; k < DIRECTIONS; k++) {
      Matrix direction = Matrix.allocate(Precision.FLOAT64, 1, count);
      noise.gaussian(DIRECTION_PURPOSE, (long) block * DIRECTIONS + k, 0, direction);
      double squares = 0;
      for (double value : direction.doubles()) {
        squares += value * value;
      }
      for (int j = 0; j < count; j++) {
        direction.doubles()[j] /= Math.sqrt(squares);
      }
      result.add(direction);
    }
    Matrix places = Matrix.allocate(Precision.FLOAT64, 1, COORDINATES);
    noise.uniform(COORDINATE_PURPOSE, block, 0, places);
    for (int k = 0; k < Math.min(COORDINATES, count); k++) {
      Matrix direction = Matrix.allocate(Precision.FLOAT64, 1, count);
      direction.doubles()[count <= COORDINATES ? k : (int) (places.doubles()[k] * count)] = 1;
      result.add(direction);
    }
    return result;
  }

  private static double error(
      ObjectivePass pass,
      Parameters weights,
      Matrix values,
      Matrix gradient,
      Matrix direction,
      double scale) {
    double expected = 0;
    for (int k = 0; k < values.size(); k++) {
      expected += gradient.doubles()[index(gradient, k)] * direction.doubles()[k];
    }
    Matrix before = values.copy(Precision.FLOAT64);
    double best = Double.POSITIVE_INFINITY;
    for (double step : STEPS) {
      double error = Double.POSITIVE_INFINITY;
      for (double[] stencil : STENCILS) {
        double quotient = 0;
        for (int k = 0; k < stencil.length; k += 2) {
          double at = stencil[k] * step;
          quotient +=
              stencil[k + 1] / (12 * step) * lossAt(pass, weights, values, before, direction, at);
        }
        error = Math.min(error, distance(quotient, expected) / (scale > 0 ? scale : 1));
        if (error <= TOLERANCE / 10) {
          break;
        }
      }
      best = Math.min(best, error);
      if (best <= TOLERANCE / 10) {
        break;
      }
    }
    values.copyFrom(before);
    weights.changed();
    return best;
  }

  private static double distance(double quotient, double expected) {
    double distance = Math.abs(quotient - expected);
    return Double.isNaN(distance) ? Double.POSITIVE_INFINITY : distance;
  }

  private static double lossAt(
      ObjectivePass pass,
      Parameters weights,
      Matrix values,
      Matrix before,
      Matrix direction,
      double step) {
    for (int k = 0; k < values.size(); k++) {
      values.doubles()[index(values, k)] = before.doubles()[k] + step * direction.doubles()[k];
    }
    weights.changed();
    pass.evaluate(null);
    return mean(pass);
  }
}
