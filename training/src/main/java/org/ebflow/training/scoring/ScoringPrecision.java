package org.ebflow.training.scoring;

import org.ebflow.flow.InvalidInputException;
import org.ebflow.linalg.Blas;
import org.ebflow.linalg.Precision;
import org.jspecify.annotations.Nullable;

/** In which precision rows are scored. */
public enum ScoringPrecision {
  /** That of the model's weights. */
  OF_MODEL(null),
  /** float32. */
  F32(Precision.FLOAT32),
  /** float64. */
  F64(Precision.FLOAT64),
  /** float32 with the operands of large products rounded to bfloat16 (docs/decisions/0026). */
  BF16(Precision.FLOAT32);

  private final @Nullable Precision weights;

  ScoringPrecision(@Nullable Precision weights) {
    this.weights = weights;
  }

  /**
   * That of an option, which is called {@code option} in messages.
   *
   * @throws InvalidInputException if it is none
   */
  public static ScoringPrecision of(String option, @Nullable String name) {
    return switch (name) {
      case null -> OF_MODEL;
      case "f32" -> F32;
      case "f64" -> F64;
      case "bf16" -> BF16;
      default ->
          throw new InvalidInputException(option + " is " + name + ", expected f32, f64 or bf16");
    };
  }

  /** A model with the weights in this precision. */
  public TrainedFlow weightsOf(TrainedFlow model) {
    return weights == null ? model : model.copy(weights);
  }

  /**
   * Scores by a model that {@link #weightsOf} gave.
   *
   * @param blas one with products of bfloat16 where they are asked for
   */
  public Scorer scorer(TrainedFlow model, Blas blas, int threads) {
    return this == BF16 ? Scorer.bfloat16(model, blas, threads) : new Scorer(model, blas, threads);
  }
}
