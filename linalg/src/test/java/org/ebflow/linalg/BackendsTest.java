package org.ebflow.linalg;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.LinkedHashMap;
import java.util.SequencedMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Supplier;
import org.ebflow.linalg.backend.BlasBackend;
import org.ebflow.linalg.java.JavaBackend;
import org.junit.jupiter.api.Test;

class BackendsTest {
  private final SequencedMap<String, Supplier<BlasBackend>> constructors = new LinkedHashMap<>();
  private final AtomicInteger attempts = new AtomicInteger();
  private final UnsatisfiedLinkError missing = new UnsatisfiedLinkError("no libfast.so");

  BackendsTest() {
    constructors.put(
        "fast",
        () -> {
          attempts.incrementAndGet();
          throw missing;
        });
    constructors.put("java", JavaBackend::new);
  }

  @Test
  void backendAskedForByNameThatCannotLoadIsAnErrorWithItsCause() {
    Backends backends = new Backends(constructors);
    for (int i = 0; i < 2; i++) {
      assertThatThrownBy(() -> backends.named("fast"))
          .isInstanceOf(IllegalStateException.class)
          .hasMessage("backend fast can't load: java.lang.UnsatisfiedLinkError: no libfast.so")
          .hasCause(missing);
    }
    assertThat(attempts).hasValue(1);
  }

  @Test
  void causeOfAFailedInitialiserIsUnwrapped() {
    constructors.put(
        "fast",
        () -> {
          throw new ExceptionInInitializerError(missing);
        });
    assertThatThrownBy(() -> new Backends(constructors).named("fast")).hasCause(missing);
  }

  @Test
  void autoTakesTheFirstThatLoads() {
    Backends backends = new Backends(constructors);
    assertThat(backends.named("auto").name()).isEqualTo("java");
    assertThat(backends.named("auto")).isSameAs(backends.named("java"));
  }

  @Test
  void autoWithoutAnyNamesEveryReason() {
    constructors.remove("java");
    assertThatThrownBy(() -> new Backends(constructors).named("auto"))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("backend fast can't load")
        .hasMessageContaining("no libfast.so");
  }

  @Test
  void unknownNameIsRefusedWithTheValidOnes() {
    assertThatThrownBy(() -> Blas.named("mkl"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContainingAll("mkl", "auto", "openblas", "onednn", "netlib", "java");
  }

  @Test
  void propertyChoosesTheDefault() {
    System.setProperty("ebflow.backend", "java");
    try {
      assertThat(Blas.auto().name()).isEqualTo("java");
    } finally {
      System.clearProperty("ebflow.backend");
    }
    assertThat(Blas.auto()).isSameAs(Blas.named("auto"));
  }

  @Test
  void oneDnnIsTheFirstChoice() {
    assertThat(Blas.named("auto")).isSameAs(Blas.named("onednn"));
    assertThat(Blas.named("onednn").version()).contains("oneDNN 3.11", "OpenBLAS 0.3.31");
  }
}
