package org.ebflow.flow.pass;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.LinkedHashMap;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.ebflow.linalg.Blas;
import org.ebflow.linalg.Precision;
import org.ebflow.linalg.Team;
import org.junit.jupiter.api.Test;

/** Which buffers of a pass share memory. */
class WorkspaceTest {
  private static Workspace[] workspaces(Team team, int batch) {
    Parameters none = Parameters.initial(new LinkedHashMap<>(), Precision.FLOAT32, 1);
    Compute compute = Compute.of(Precision.FLOAT32, Blas.named("java"));
    return Workspace.forTeam(compute, none, team, batch, 1, true);
  }

  @Test
  void passingJetsOfAllLayersShareMemoryButThoseSideBySideDoNot() {
    try (Team team = new Team(2)) {
      Workspace[] kept = workspaces(team, 5);
      Jet first = kept[0].passing(0, 7, 1);

      assertThat(kept[0].passing(0, 7, 1)).isSameAs(first);
      assertThat(first.stream(1).rows()).isEqualTo(kept[0].rows());
      assertThat(kept[0].passing(2, 6, 1).stream(0).overlaps(first.stream(0))).isTrue();
      assertThat(kept[0].child(3).passing(2, 6, 1).stream(0).overlaps(first.stream(0))).isTrue();
      assertThat(kept[0].passing(1, 7, 1).whole(0, 1).overlaps(first.whole(0, 1))).isFalse();
      assertThat(kept[1].passing(0, 7, 1).whole(0, 1).overlaps(first.whole(0, 1))).isFalse();
      assertThat(first.stream(0).overlaps(first.stream(1))).isFalse();
    }
  }

  @Test
  void aWorkerWithoutRowsHasPassingJetsWithoutRows() {
    try (Team team = new Team(2)) {
      Workspace[] kept = workspaces(team, 1);
      assertThat(kept[0].rows() + kept[1].rows()).isEqualTo(1);
      for (Workspace own : kept) {
        assertThat(own.passing(0, 3, 1).stream(1).rows()).isEqualTo(own.rows());
      }
    }
  }

  @Test
  void aSlotIsNotReusedForAnotherShape() {
    try (Team team = new Team(1)) {
      Workspace kept = workspaces(team, 5)[0];
      kept.jet(0, 7);
      assertRefused(() -> kept.jet(0, 6), "slot 0 holds a jet of width 7 and order 1");
      assertRefused(() -> kept.jet(0, 7, 0), "slot 0 holds a jet of width 7 and order 1");
      assertRefused(() -> kept.cotangents(0, 8, 1), "slot 0 holds");
      kept.own(2, 3, 4);
      assertRefused(() -> kept.own(2, 4, 3), "slot 2 holds");
      assertRefused(() -> kept.constant(2, new double[] {1, 2}), "slot 2 holds");
    }
  }

  private static void assertRefused(ThrowingCallable call, String message) {
    assertThatThrownBy(call)
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining(message);
  }
}
