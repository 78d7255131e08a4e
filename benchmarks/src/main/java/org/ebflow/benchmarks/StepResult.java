package org.ebflow.benchmarks;

import com.fasterxml.jackson.annotation.JsonProperty;
import java.util.List;
import java.util.Map;
import org.ebflow.linalg.Blas;
import org.ebflow.linalg.Team;
import org.jspecify.annotations.Nullable;

/**
 * A training step; of two dense layers also its products alone, its factorisations alone, and what
 * its products would take at the ceiling of their shapes; the three timed in turns.
 *
 * @param model its name
 * @param products null, as what concerns them is 0, where they are not taken apart
 * @param ceilingMillis sum over the step's products of the median time of that shape repeated
 * @param productFlop of the step's products
 * @param factorisationFlop of its factorisations, 0 when it has none
 */
record StepResult(
    String loss,
    String model,
    int batch,
    int threads,
    Timing step,
    @Nullable Timing products,
    @Nullable Timing factorisations,
    double ceilingMillis,
    double productFlop,
    double factorisationFlop) {
  /**
   * Checks that the step gives finite losses, then measures.
   *
   * @param ceilings by shape, for this team's size
   */
  static StepResult measure(
      Preset.Case which,
      Map<ProductShape, SgemmCeiling> ceilings,
      Blas blas,
      Team team,
      double seconds) {
    String loss = which.loss();
    TimedModel model = which.model();
    TimedStep step = new TimedStep(model, loss, blas, team);
    requireFinite(step, which);
    StepResult result =
        which.takenApart()
            ? ofDense(which, step, ceilings, blas, team, seconds)
            : new StepResult(
                loss,
                model.name(),
                model.batch(),
                team.size(),
                Timing.of(seconds, step::run)[0],
                null,
                null,
                0,
                0,
                0);
    requireFinite(step, which);
    return result;
  }

  private static StepResult ofDense(
      Preset.Case which,
      TimedStep step,
      Map<ProductShape, SgemmCeiling> ceilings,
      Blas blas,
      Team team,
      double seconds) {
    String loss = which.loss();
    int dimension = which.model().dimension();
    int batch = which.model().batch();
    StepProducts products = new StepProducts(loss, dimension, batch, blas);
    Timing[] times;
    double factorisationFlop = 0;
    if (Factorisations.neededBy(loss)) {
      Factorisations factorisations = new Factorisations(loss, dimension, batch, blas);
      factorisationFlop = factorisations.flop();
      times =
          Timing.of(seconds, step::run, () -> team.run(products), () -> team.run(factorisations));
    } else {
      times = Timing.of(seconds, step::run, () -> team.run(products));
    }
    return new StepResult(
        loss,
        which.model().name(),
        batch,
        team.size(),
        times[0],
        times[1],
        times.length > 2 ? times[2] : null,
        ceilingMillis(products.shapes(), ceilings),
        products.flop(),
        factorisationFlop);
  }

  private static void requireFinite(TimedStep step, Preset.Case which) {
    step.run();
    if (step.nonFinite() > 0 || !Double.isFinite(step.loss())) {
      throw new IllegalStateException(
          which + ": loss " + step.loss() + ", " + step.nonFinite() + " rows not finite");
    }
  }

  private static double ceilingMillis(
      List<ProductShape> shapes, Map<ProductShape, SgemmCeiling> ceilings) {
    double sum = 0;
    for (ProductShape shape : shapes) {
      SgemmCeiling ceiling = ceilings.get(shape);
      if (ceiling == null) {
        throw new IllegalStateException("no ceiling of " + shape);
      }
      sum += ceiling.timing().median();
    }
    return sum;
  }

  /** Steps per second at the median. */
  @JsonProperty
  double stepsPerSecond() {
    return 1e3 / step.median();
  }

  /** GFLOP/s of products and factorisations together over the whole step. */
  @JsonProperty
  double gflops() {
    return (productFlop + factorisationFlop) / step.median() / 1e6;
  }

  /** Speed of the products of a step relative to the ceiling of their shapes. */
  @JsonProperty
  double productsOfCeiling() {
    return products == null ? 0 : ceilingMillis / products.median();
  }

  /** Speed of the whole step relative to one that does nothing but its products, at the ceiling. */
  @JsonProperty
  double stepOfCeiling() {
    return ceilingMillis / step.median();
  }

  /** Share of the step that is neither products nor factorisations. */
  @JsonProperty
  double outside() {
    if (products == null) {
      return 0;
    }
    double inside = products.median() + (factorisations == null ? 0 : factorisations.median());
    return 1 - inside / step.median();
  }
}
