package org.ebflow.flow.layer;

import java.util.List;
import java.util.Map;
import org.ebflow.flow.pass.Jet;
import org.ebflow.flow.pass.LogDet;
import org.ebflow.flow.pass.Workspace;
import org.ebflow.linalg.Matrix;
import org.ebflow.linalg.RowKernels;

/**
 * y = x + t, with t given by the networks; log|det ∂y/∂x| = 0.
 *
 * <p>Source: Dinh et al. 2015 (NICE), section 3.2; jets: docs/derivations/coupling.md.
 */
public final class AdditiveTransform implements CouplingTransform {
  static final String TYPE = "additive";

  @Override
  public List<String> parameterNames() {
    return List.of("translation");
  }

  @Override
  public Map<String, Object> description() {
    return Description.of(TYPE);
  }

  @Override
  public void forward(
      Jet x, Jet[] parameters, Jet y, LogDet logDet, Workspace kept, int fromOrder, int toOrder) {
    RowKernels rows = kept.kernels().rows();
    for (int k = fromOrder; k <= toOrder; k++) {
      rows.combine(1, x.stream(k), 1, parameters[0].stream(k), y.stream(k)); // y_k = x_k + t_k
    }
  }

  @Override
  public void backward(
      Jet yBar, LogDet logDetBar, Workspace kept, Jet xBar, Jet[] parameterBars, int toOrder) {
    for (int k = 0; k <= toOrder; k++) { // y_k = x_k + t_k   x̄_k = t̄_k = ȳ_k
      xBar.stream(k).copyFrom(yBar.stream(k));
      parameterBars[0].stream(k).copyFrom(yBar.stream(k));
    }
  }

  @Override
  public void inverse(Matrix y, Jet[] parameters, Matrix x, Workspace kept) {
    kept.kernels().rows().combine(1, y, -1, parameters[0].stream(0), x);
  }
}
