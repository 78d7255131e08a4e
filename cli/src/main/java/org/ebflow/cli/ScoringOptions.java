package org.ebflow.cli;

import java.nio.file.Path;
import org.ebflow.training.scoring.Scorer;
import org.ebflow.training.scoring.ScoringPrecision;
import org.ebflow.training.scoring.TrainedFlow;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** With which model, in which precision and on what rows are scored. */
final class ScoringOptions {
  @Mixin ComputeOptions compute = new ComputeOptions();

  @Option(
      names = "--precision",
      paramLabel = "PRECISION",
      description =
          "f32, f64, or bf16: f32 with the operands of large products rounded to bfloat16, the fastest; a row's log_prob is then off by a nat, seldom two, "
              + "by up to four in thousands of dimensions. log Z is exact in all. Default: the model's.")
  private @Nullable String precision;

  /** The model of a run folder or file, in the precision wanted. */
  TrainedFlow model(Path run) {
    Thread.ofPlatform()
        .daemon()
        .name("ebflow-backend")
        .uncaughtExceptionHandler(
            (thread, failure) -> {}) // met again when the backend is asked for
        .start(compute::blas); // loads its libraries while the model is read
    ScoringPrecision wanted = precision();
    return wanted.weightsOf(TrainedFlow.load(run));
  }

  /** What decides the bits of the scores besides model and rows. */
  String computation() {
    return (precision == null ? "the model's precision" : precision)
        + " "
        + compute.blas().name()
        + " "
        + compute.blas().version();
  }

  /** Scores by what {@link #model} gave. */
  Scorer scorer(TrainedFlow model) {
    ScoringPrecision wanted = precision();
    return wanted.scorer(
        model,
        wanted == ScoringPrecision.BF16 ? compute.bfloat16Blas(false) : compute.blas(),
        compute.threads());
  }

  private ScoringPrecision precision() {
    return ScoringPrecision.of("--precision", precision);
  }
}
