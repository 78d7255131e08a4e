package org.ebflow.training.objective;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import org.ebflow.flow.Flow;
import org.ebflow.linalg.Matrix;
import org.ebflow.linalg.Precision;
import org.junit.jupiter.api.Test;

/**
 * Losses and gradients of a flow of one dense layer in closed form, written out from the
 * definitions: with z = Wx + b the density is Gaussian, ℓ = -½‖z‖² - (D/2) log 2π, the score s =
 * -Wᵀz and the Hessian -WᵀW.
 */
class LinearFlowTest {
  private static final double ROUNDING = 1e-12;
  private static final double ENERGY = .3;
  private static final double[][] W = {{1.5, -.4}, {.3, .8}};
  private static final double[] B = {.2, -.7};
  private static final double[][] X = {{.4, 1.1}, {-.9, .3}, {.2, -1.6}};
  private static final double[][] V = {{1, -1}, {1, 1}, {-1, -1}};
  private static final double[][] EPSILON = {{.3, -1.2}, {.8, .1}, {-.5, 2}};
  private static final int D = 2;

  /** Loss of one sample and its gradient: of W as rows, of b. */
  private record Sample(double loss, double[][] weightBar, double[] biasBar) {}

  private interface ClosedForm {
    Sample of(int sample);
  }

  @Test
  void maximumLikelihood() {
    // ½‖z‖² + (D/2) log 2π - log|det W|
    double determinant = W[0][0] * W[1][1] - W[0][1] * W[1][0];
    double[][] inverseTransposed = {
      {W[1][1] / determinant, -W[1][0] / determinant},
      {-W[0][1] / determinant, W[0][0] / determinant}
    };
    check(
        new MaximumLikelihood(),
        null,
        i -> {
          double[] z = latent(X[i]);
          double loss = .5 * dot(z, z) + D / 2.0 * Math.log(2 * Math.PI) - Math.log(determinant);
          return new Sample(loss, sum(1, outer(z, X[i]), -1, inverseTransposed), z);
        });
  }

  @Test
  void sampledMaximumLikelihood() {
    // ½(½‖z‖² - ½‖ẑ‖²), ẑ that of the sample x̂, here the rows of EPSILON
    check(
        new SampledMaximumLikelihood(LossScale.PER_DIMENSION),
        EPSILON,
        i -> {
          double[] z = latent(X[i]);
          double[] sampled = latent(EPSILON[i]);
          double loss = .25 * (dot(z, z) - dot(sampled, sampled));
          return new Sample(
              loss,
              sum(.5, outer(z, X[i]), -.5, outer(sampled, EPSILON[i])),
              sum(.5, z, -.5, sampled));
        });
  }

  @Test
  void slicedScoreMatching() {
    // with u = Wᵀz: (½‖u‖² - ‖Wv‖²)/D + λE; ∂½‖u‖² = z uᵀ + (Wu) xᵀ, ∂‖Wv‖² = 2 (Wv) vᵀ, ∂E = z xᵀ
    check(
        new SlicedScoreMatching(1, false, ENERGY, LossScale.PER_DIMENSION),
        V,
        i -> {
          double[] z = latent(X[i]);
          double[] u = transposedTimes(z);
          double[] wv = times(V[i]);
          double[][] weightBar =
              sum(
                  1.0 / D,
                  sum(1, outer(z, u), 1, outer(times(u), X[i])),
                  -2.0 / D,
                  outer(wv, V[i]));
          return withEnergy(
              i, (.5 * dot(u, u) - dot(wv, wv)) / D, weightBar, scaled(1.0 / D, times(u)), ENERGY);
        });
  }

  @Test
  void plainSlicedScoreMatching() {
    // with p = -vᵀs = zᵀWv: ½p² - ‖Wv‖² + λE; ∂p = z vᵀ + (Wv) xᵀ
    check(
        new SlicedScoreMatching(1, true, ENERGY, LossScale.PER_SAMPLE),
        V,
        i -> sliced(i, V[i], 1, ENERGY));
  }

  @Test
  void finiteDifferenceScoreMatching() {
    // E is quadratic: the same as the plain sliced loss in the direction v, divided by ξ²
    double radius = .7;
    double[][] v = new double[X.length][];
    for (int i = 0; i < v.length; i++) {
      v[i] = scaled(radius / Math.sqrt(D), V[i]);
    }
    double weight = 1 / (radius * radius);
    check(
        new FiniteDifferenceScoreMatching(radius, ENERGY, LossScale.PER_DIMENSION),
        v,
        i -> sliced(i, v[i], weight, ENERGY * weight));
    check(
        new FiniteDifferenceScoreMatching(radius, ENERGY, LossScale.PER_SAMPLE),
        v,
        i -> sliced(i, v[i], D * weight, ENERGY * D * weight));
  }

  @Test
  void denoisingScoreMatching() {
    Objective objective = new DenoisingScoreMatching(.4, ENERGY, LossScale.PER_DIMENSION);
    checkDenoising(objective, 0, .4);
    checkDenoising(objective, 7, .4);
  }

  @Test
  void annealedDenoisingScoreMatching() {
    // from 1.6 to .1 in 8 steps: halved every other step
    Objective objective = new DenoisingScoreMatching(.1, 1.6, 8, ENERGY, LossScale.PER_DIMENSION);
    checkDenoising(objective, 0, 1.6);
    checkDenoising(objective, 2, .8);
    checkDenoising(objective, 3, .8 / Math.sqrt(2));
    checkDenoising(objective, 6, .2);
    checkDenoising(objective, 8, .1);
    checkDenoising(objective, 1_000_000, .1);
  }

  /** With the noise of width σ that a step is expected to have. */
  private static void checkDenoising(Objective objective, long step, double sigma) {
    // with x̃ = x + σε and r = s(x̃) + ε/σ = ε/σ - Wᵀz̃: ½‖r‖²/D + λE(x̃); ∂ = -(z̃ rᵀ + (Wr)
    // x̃ᵀ)/D
    check(
        objective,
        step,
        EPSILON,
        i -> {
          double[] x = sum(1, X[i], sigma, EPSILON[i]);
          double[] z = latent(x);
          double[] r = sum(-1, transposedTimes(z), 1 / sigma, EPSILON[i]);
          double energy = .5 * dot(z, z) + D / 2.0 * Math.log(2 * Math.PI);
          double[][] weightBar =
              sum(-1.0 / D, sum(1, outer(z, r), 1, outer(times(r), x)), ENERGY, outer(z, x));
          return new Sample(
              .5 * dot(r, r) / D + ENERGY * energy, weightBar, sum(-1.0 / D, times(r), ENERGY, z));
        });
  }

  @Test
  void theDataAreStationaryWhenTheFlowIsTheirGaussian() {
    // mean 0 and covariance Σ = diag(4, 1/4); Wᵀ W = Σ⁻¹; all four sign vectors average v vᵀ to I
    double[][] data = {{2, .5}, {2, -.5}, {-2, .5}, {-2, -.5}};
    double c = Math.cos(.6);
    double s = Math.sin(.6);
    Flow flow = flow(new double[][] {{c * .5, -s * 2}, {s * .5, c * 2}}, new double[2]);
    Matrix x = Matrix.ofRows(Precision.FLOAT64, data);
    double[][] first = {{1, 1}, {1, 1}, {1, 1}, {1, 1}};
    double[][] second = {{1, -1}, {1, -1}, {1, -1}, {1, -1}};
    try (ObjectiveRun ml = new ObjectiveRun(flow, new MaximumLikelihood(), x, "openblas", 1);
        ObjectiveRun ssm =
            new ObjectiveRun(
                flow,
                new SlicedScoreMatching(2, false, 0, LossScale.PER_SAMPLE),
                x,
                "openblas",
                1)) {
      ssm.bring(0, Matrix.ofRows(Precision.FLOAT64, first))
          .bring(1, Matrix.ofRows(Precision.FLOAT64, second));
      for (ObjectiveRun run : new ObjectiveRun[] {ml, ssm}) {
        double loss = run.meanLossWithGradient();
        assertThat(run.flatGradient()).containsOnly(new double[] {0}, within(ROUNDING));
        Matrix weight = flow.parameters().byName().get("0.weight");
        double at = weight.get(0, 1);
        for (double step : new double[] {-.1, .1}) {
          weight.set(0, 1, at + step);
          assertThat(run.meanLoss()).isGreaterThan(loss);
        }
        weight.set(0, 1, at);
      }
      // ½ tr(Σ⁻¹) - tr(Σ⁻¹)
      assertThat(ssm.meanLoss()).isCloseTo(-.5 * (.25 + 4), within(ROUNDING));
    }
  }

  private static Sample sliced(int i, double[] v, double weight, double energyWeight) {
    double[] z = latent(X[i]);
    double[] wv = times(v);
    double p = dot(z, wv);
    double[][] weightBar =
        sum(weight * p, sum(1, outer(z, v), 1, outer(wv, X[i])), -2 * weight, outer(wv, v));
    return withEnergy(
        i, weight * (.5 * p * p - dot(wv, wv)), weightBar, scaled(weight * p, wv), energyWeight);
  }

  private static Sample withEnergy(
      int i, double loss, double[][] weightBar, double[] biasBar, double energyWeight) {
    double[] z = latent(X[i]);
    double energy = .5 * dot(z, z) + D / 2.0 * Math.log(2 * Math.PI);
    return new Sample(
        loss + energyWeight * energy,
        sum(1, weightBar, energyWeight, outer(z, X[i])),
        sum(1, biasBar, energyWeight, z));
  }

  private static void check(Objective objective, double[][] draw, ClosedForm expected) {
    check(objective, 0, draw, expected);
  }

  private static void check(Objective objective, long step, double[][] draw, ClosedForm expected) {
    Flow flow = flow(W, B);
    try (ObjectiveRun run =
        new ObjectiveRun(flow, objective, Matrix.ofRows(Precision.FLOAT64, X), "openblas", 1)) {
      if (draw != null) {
        run.draw(0, step);
        run.bring(0, Matrix.ofRows(Precision.FLOAT64, draw));
      }
      run.meanLossWithGradient();
      double[][] weightBar = new double[D][D];
      double[] biasBar = new double[D];
      double[] losses = run.losses();
      for (int i = 0; i < X.length; i++) {
        Sample sample = expected.of(i);
        assertThat(losses[i]).isCloseTo(sample.loss(), within(10 * ROUNDING));
        weightBar = sum(1, weightBar, 1.0 / X.length, sample.weightBar());
        biasBar = sum(1, biasBar, 1.0 / X.length, sample.biasBar());
      }
      double[][] found = run.gradient().byName().get("0.weight").toRows();
      for (int r = 0; r < D; r++) {
        assertThat(found[r]).containsExactly(weightBar[r], within(10 * ROUNDING));
      }
      assertThat(run.gradient().byName().get("0.bias").toRows()[0])
          .containsExactly(biasBar, within(10 * ROUNDING));
    }
  }

  private static Flow flow(double[][] weight, double[] bias) {
    Flow flow = Flow.of(D).precision(Precision.FLOAT64).dense().build();
    flow.parameters().byName().get("0.weight").copyFrom(Matrix.ofRows(Precision.FLOAT64, weight));
    flow.parameters().byName().get("0.bias").copyFrom(Matrix.of(bias.clone(), 1, D));
    return flow;
  }

  private static double[] latent(double[] x) {
    return sum(1, times(x), 1, B);
  }

  private static double[] times(double[] x) {
    return new double[] {dot(W[0], x), dot(W[1], x)};
  }

  private static double[] transposedTimes(double[] z) {
    return sum(z[0], W[0], z[1], W[1]);
  }

  private static double dot(double[] a, double[] b) {
    return a[0] * b[0] + a[1] * b[1];
  }

  private static double[] scaled(double factor, double[] a) {
    return new double[] {factor * a[0], factor * a[1]};
  }

  private static double[] sum(double p, double[] a, double q, double[] b) {
    return new double[] {p * a[0] + q * b[0], p * a[1] + q * b[1]};
  }

  private static double[][] sum(double p, double[][] a, double q, double[][] b) {
    return new double[][] {sum(p, a[0], q, b[0]), sum(p, a[1], q, b[1])};
  }

  private static double[][] outer(double[] a, double[] b) {
    return new double[][] {scaled(a[0], b), scaled(a[1], b)};
  }
}
