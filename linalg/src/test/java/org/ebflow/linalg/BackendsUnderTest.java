package org.ebflow.linalg;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.util.stream.Stream;
import org.ebflow.linalg.java.JavaBackend;
import org.junit.jupiter.params.provider.Arguments;

/**
 * The backends that every product and LU test runs over. Only netlib may be missing, where the
 * system has no BLAS: its tests are then reported as skipped.
 */
final class BackendsUnderTest {
  /** What the java backend is where the vector module is missing. */
  static final String PLAIN_LOOPS = "java by plain loops";

  private BackendsUnderTest() {}

  static Stream<String> names() {
    return Stream.of("openblas", "onednn", "netlib", "java", PLAIN_LOOPS);
  }

  static Stream<Arguments> withPrecisions() {
    return names()
        .flatMap(
            name -> Stream.of(Precision.values()).map(precision -> Arguments.of(name, precision)));
  }

  static Blas load(String name) {
    if (name.equals("netlib")) {
      assumeTrue(netlibLoads(), "no BLAS library is installed on this system");
    }
    return name.equals(PLAIN_LOOPS) ? new Blas(new JavaBackend(false)) : Blas.named(name);
  }

  private static boolean netlibLoads() {
    try {
      Blas.named("netlib");
      return true;
    } catch (IllegalStateException missing) {
      return false;
    }
  }
}
