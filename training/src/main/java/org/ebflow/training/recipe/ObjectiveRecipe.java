package org.ebflow.training.recipe;

import com.fasterxml.jackson.annotation.JsonSubTypes;
import com.fasterxml.jackson.annotation.JsonTypeInfo;
import org.ebflow.training.objective.DenoisingScoreMatching;
import org.ebflow.training.objective.FiniteDifferenceScoreMatching;
import org.ebflow.training.objective.LossScale;
import org.ebflow.training.objective.MaximumLikelihood;
import org.ebflow.training.objective.Objective;
import org.ebflow.training.objective.RelativeGradient;
import org.ebflow.training.objective.SampledMaximumLikelihood;
import org.ebflow.training.objective.SelfNormalizing;
import org.ebflow.training.objective.SlicedScoreMatching;

/** The objective of a recipe, told apart by its {@code loss}. */
@JsonTypeInfo(use = JsonTypeInfo.Id.NAME, property = "loss")
@JsonSubTypes({
  @JsonSubTypes.Type(value = ObjectiveRecipe.Ml.class, name = "ml"),
  @JsonSubTypes.Type(value = ObjectiveRecipe.Sml.class, name = "sml"),
  @JsonSubTypes.Type(value = ObjectiveRecipe.Ssm.class, name = "ssm"),
  @JsonSubTypes.Type(value = ObjectiveRecipe.Dsm.class, name = "dsm"),
  @JsonSubTypes.Type(value = ObjectiveRecipe.Fdssm.class, name = "fdssm"),
  @JsonSubTypes.Type(value = ObjectiveRecipe.Rg.class, name = "rg"),
  @JsonSubTypes.Type(value = ObjectiveRecipe.Snf.class, name = "snf")
})
sealed interface ObjectiveRecipe {
  /**
   * The objective for data of that many channels: the published weight of the energy in ssm and dsm
   * is λ/C.
   */
  Objective build(int channels);

  /** Streams of a row in the jets of a step: orders, times the rows evaluated in its place. */
  default int streams() {
    return 1;
  }

  /** Maximum likelihood. */
  record Ml() implements ObjectiveRecipe {
    @Override
    public Objective build(int channels) {
      return new MaximumLikelihood();
    }
  }

  /** Maximum likelihood by the relative gradient. */
  record Rg() implements ObjectiveRecipe {
    @Override
    public Objective build(int channels) {
      return new RelativeGradient();
    }
  }

  /** Maximum likelihood by self-normalising layers; {@code penalty} weighs the reconstruction. */
  record Snf(double penalty) implements ObjectiveRecipe {
    @Override
    public Objective build(int channels) {
      return new SelfNormalizing(penalty);
    }
  }

  /** Maximum likelihood with sampled normalisation. */
  record Sml(LossScale scale) implements ObjectiveRecipe {
    @Override
    public Objective build(int channels) {
      return new SampledMaximumLikelihood(scale);
    }

    @Override
    public int streams() {
      return 2;
    }
  }

  /** Sliced score matching; {@code lambda} is λ. */
  record Ssm(int slices, boolean plain, double lambda, LossScale scale) implements ObjectiveRecipe {
    @Override
    public Objective build(int channels) {
      return new SlicedScoreMatching(slices, plain, lambda / channels, scale);
    }

    @Override
    public int streams() {
      return 3;
    }
  }

  /** Denoising score matching; {@code sigma} is σ, {@code startSigma} σ₀, {@code lambda} λ. */
  record Dsm(double sigma, double startSigma, long annealSteps, double lambda, LossScale scale)
      implements ObjectiveRecipe {
    @Override
    public Objective build(int channels) {
      return new DenoisingScoreMatching(sigma, startSigma, annealSteps, lambda / channels, scale);
    }

    @Override
    public int streams() {
      return 2;
    }
  }

  /** Finite-difference score matching; {@code radius} is ξ, {@code lambda} λ. */
  record Fdssm(double radius, double lambda, LossScale scale) implements ObjectiveRecipe {
    @Override
    public Objective build(int channels) {
      return new FiniteDifferenceScoreMatching(radius, lambda, scale);
    }

    @Override
    public int streams() {
      return 3;
    }
  }
}
