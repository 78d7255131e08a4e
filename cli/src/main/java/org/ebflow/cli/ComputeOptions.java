package org.ebflow.cli;

import org.ebflow.flow.InvalidInputException;
import org.ebflow.linalg.Blas;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** Threads and matrix products. */
final class ComputeOptions {
  private static final int MOST_THREADS = 1024;

  private @Nullable Blas blas;

  @Option(names = "--threads", paramLabel = "N", description = "Threads. Default: one per core.")
  private int threads = Runtime.getRuntime().availableProcessors();

  @Option(
      names = "--backend",
      paramLabel = "NAME",
      description = "Matrix products: auto, onednn, openblas, netlib or java. Default: auto.")
  private String backend = "auto";

  int threads() {
    if (threads < 1 || threads > MOST_THREADS) {
      throw new InvalidInputException(
          "--threads is " + threads + ", expected 1 to " + MOST_THREADS);
    }
    return threads;
  }

  synchronized Blas blas() {
    if (blas == null) {
      blas = load();
    }
    return blas;
  }

  /**
   * For products of operands rounded to bfloat16, where auto means the only backend that has them.
   *
   * @param resumed whether a run goes on, whose precision cannot be chosen any more
   */
  Blas bfloat16Blas(boolean resumed) {
    if (backend.equals("auto")) {
      backend = "onednn";
    }
    Blas chosen = blas();
    if (!chosen.multipliesBFloat16()) {
      throw new InvalidInputException(
          "--precision bf16: "
              + (chosen.name().equals("onednn")
                  ? "this processor has no such products (AVX-512 with bfloat16), expected "
                      + (resumed
                          ? "one that has: a run goes on in its own precision"
                          : "--precision f32")
                  : "backend "
                      + chosen.name()
                      + " has no such products, expected --backend onednn"));
    }
    return chosen;
  }

  private Blas load() {
    if (backend.equals("cuda")) {
      throw new InvalidInputException(
          "--backend "
              + backend
              + " is not built yet, expected auto, openblas, onednn, netlib or java");
    }
    try {
      return backend.equals("auto") ? Blas.auto() : Blas.named(backend);
    } catch (IllegalArgumentException e) {
      throw new InvalidInputException(
          "--backend "
              + backend
              + ": no such backend, expected auto, openblas, onednn, netlib or java",
          e);
    } catch (IllegalStateException e) {
      throw new InvalidInputException(String.valueOf(e.getMessage()), e);
    }
  }
}
