package org.ebflow.flow.model;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.ebflow.flow.Flow;
import org.ebflow.flow.FlowPass;
import org.ebflow.flow.layer.Activation;
import org.ebflow.flow.layer.AdditiveTransform;
import org.ebflow.flow.layer.AffineTransform;
import org.ebflow.flow.layer.Coupling;
import org.ebflow.flow.layer.Mlp;
import org.ebflow.flow.model.CouplingConfig.Transform;
import org.ebflow.flow.pass.Compute;
import org.ebflow.flow.pass.Parameter;
import org.ebflow.linalg.Blas;
import org.ebflow.linalg.Matrix;
import org.ebflow.linalg.Precision;
import org.ebflow.linalg.Team;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

class CouplingConfigTest {
  private static final Blas BLAS = Blas.named("java");

  private static Flow build(Transform transform, Init init, Precision precision) {
    return new CouplingConfig(2, 5, 2, Activation.Kind.ELU, false, transform, init)
        .build(3, precision, 4);
  }

  private static List<Coupling> couplings(Flow flow) {
    return flow.layers().stream()
        .filter(Coupling.class::isInstance)
        .map(Coupling.class::cast)
        .toList();
  }

  @Test
  void everyTransformIsBuiltOnTheSameColumns() {
    List<Coupling> published =
        couplings(build(Transform.PUBLISHED, Init.PUBLISHED, Precision.FLOAT64));
    List<Coupling> bounded = couplings(build(Transform.BOUNDED, Init.PUBLISHED, Precision.FLOAT64));
    List<Coupling> additive =
        couplings(build(Transform.ADDITIVE, Init.PUBLISHED, Precision.FLOAT64));

    for (int i = 0; i < 2; i++) {
      assertThat(published.get(i).description()).containsEntry("type", "masked_affine_coupling");
      assertThat(bounded.get(i).transform().description())
          .isEqualTo(AffineTransform.bounded(2).description());
      assertThat(additive.get(i).transform().description())
          .isEqualTo(new AdditiveTransform().description());
      assertThat(bounded.get(i).split().mask()).containsExactly(published.get(i).split().mask());
      assertThat(additive.get(i).split().mask()).containsExactly(published.get(i).split().mask());
      assertThat(activations(bounded.get(i)))
          .isEqualTo(activations(published.get(i)))
          .containsExactly(Activation.Kind.SWISH, Activation.Kind.ELU);
      assertThat(activations(additive.get(i))).containsExactly(Activation.Kind.ELU);
    }
  }

  private static List<Activation.Kind> activations(Coupling coupling) {
    return coupling.networks().stream()
        .map(network -> ((Mlp) network).settings().activation())
        .toList();
  }

  @ParameterizedTest
  @EnumSource(Transform.class)
  void anIdentityStartsEveryCouplingAsTheIdentity(Transform transform) {
    Flow flow = build(transform, Init.IDENTITY, Precision.FLOAT64);
    Matrix rows = Matrix.of(new double[] {.5, -1.25, 2, 3, 0, -7}, 2, 3);
    for (int i = 0; i < flow.layers().size(); i++) {
      if (flow.layers().get(i) instanceof Coupling) {
        assertThat(flow.part(i, i + 1).forward(rows, BLAS).doubles())
            .containsExactly(rows.doubles());
      }
    }
  }

  /** With weights so large that the networks give scales of many nats. */
  @ParameterizedTest
  @CsvSource({
    "BOUNDED, FLOAT32, 0.01, 4.000001",
    "BOUNDED, FLOAT64, 0.01, 4.000001",
    "ADDITIVE, FLOAT32, 0, 0",
    "PUBLISHED, FLOAT64, 100, 1e30"
  })
  void aFarRowIsScaledByNoMoreThanTheBound(
      Transform transform, Precision precision, double least, double most) {
    Flow flow = build(transform, Init.PUBLISHED, precision);
    Coupling first = couplings(flow).getFirst(); // transforms two of the three columns
    for (Parameter block : first.parameters()) {
      Matrix values = flow.parameters().of(block);
      for (int r = 0; r < values.rows(); r++) {
        for (int c = 0; c < values.columns(); c++) {
          values.set(r, c, 10 * values.get(r, c));
        }
      }
    }
    flow.parameters().changed();
    Flow alone = flow.part(1, 2);
    assertThat(alone.layers()).containsExactly(first);

    try (Team solo = new Team(1)) {
      FlowPass pass = FlowPass.forTeam(alone, Compute.of(precision, BLAS), solo, 1, 0)[0];
      pass.input().stream(0).copyFrom(Matrix.of(new double[] {1e4, -1e4, 1e4}, 1, 3));
      pass.push(0, 0);
      assertThat(Math.abs(pass.density().order(0).get(0, 0))).isBetween(least, most);
    }
  }
}
