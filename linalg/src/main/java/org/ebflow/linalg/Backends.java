package org.ebflow.linalg;

import java.lang.System.Logger.Level;
import java.util.HashMap;
import java.util.Map;
import java.util.SequencedMap;
import java.util.function.Supplier;
import org.ebflow.linalg.backend.BlasBackend;
import org.jspecify.annotations.Nullable;

/**
 * Backends by name, each loaded at most once, when it is first asked for. A failure is kept with
 * its cause.
 */
final class Backends {
  private static final System.Logger LOG = System.getLogger("org.ebflow.linalg");
  private static final String AUTO = "auto";

  private final SequencedMap<String, Supplier<BlasBackend>> constructors;
  private final Map<String, Loaded> loaded = new HashMap<>();

  /** What became of loading a backend: exactly one of the two is there. */
  private record Loaded(@Nullable Blas blas, @Nullable Throwable failure) {}

  /** Backends in the order in which {@code auto} tries them. */
  Backends(SequencedMap<String, Supplier<BlasBackend>> constructors) {
    this.constructors = constructors;
  }

  /** As {@link Blas#named}. */
  synchronized Blas named(String name) {
    Supplier<BlasBackend> constructor = constructors.get(name);
    if (constructor == null && !name.equals(AUTO)) {
      throw new IllegalArgumentException(
          "Blas.named: no backend \""
              + name
              + "\", expected one of auto, "
              + String.join(", ", constructors.keySet()));
    }
    Loaded result = loaded.get(name);
    if (result == null) {
      result = constructor == null ? fastest() : construct(constructor);
      loaded.put(name, result);
    }
    if (result.blas == null) {
      throw new IllegalStateException(
          "backend " + name + " can't load: " + result.failure, result.failure);
    }
    return result.blas;
  }

  private static Loaded construct(Supplier<BlasBackend> constructor) {
    try {
      return new Loaded(new Blas(constructor.get()), null);
    } catch (ExceptionInInitializerError failure) {
      return new Loaded(null, failure.getCause() == null ? failure : failure.getCause());
    } catch (RuntimeException | LinkageError failure) {
      return new Loaded(null, failure);
    }
  }

  private Loaded fastest() {
    StringBuilder passedOver = new StringBuilder();
    for (String name : constructors.keySet()) {
      try {
        Blas blas = named(name);
        LOG.log(Level.INFO, "BLAS backend " + name + " (" + blas.version() + ")" + passedOver);
        return new Loaded(blas, null);
      } catch (IllegalStateException failure) {
        passedOver.append("; ").append(failure.getMessage());
      }
    }
    return new Loaded(null, new IllegalStateException("none of them loads" + passedOver));
  }
}
