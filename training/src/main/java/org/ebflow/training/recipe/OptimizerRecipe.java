package org.ebflow.training.recipe;

import com.fasterxml.jackson.annotation.JsonSubTypes;
import com.fasterxml.jackson.annotation.JsonTypeInfo;
import java.util.Map;
import org.ebflow.training.optimizer.Adam;
import org.ebflow.training.optimizer.Optimizer;
import org.ebflow.training.optimizer.RmsProp;

/** The optimizer of a recipe, told apart by its {@code name}. */
@JsonTypeInfo(use = JsonTypeInfo.Id.NAME, property = "name")
@JsonSubTypes({
  @JsonSubTypes.Type(value = OptimizerRecipe.RmsPropRecipe.class, name = "rmsprop"),
  @JsonSubTypes.Type(value = OptimizerRecipe.AdamRecipe.class, name = "adam"),
  @JsonSubTypes.Type(value = OptimizerRecipe.AdamWRecipe.class, name = "adamw")
})
sealed interface OptimizerRecipe {
  /** The optimizer. */
  Optimizer build();

  /** RMSprop. */
  record RmsPropRecipe(
      double lr, double decay, double epsilon, double weightDecay, Map<String, Double> rates)
      implements OptimizerRecipe {
    @Override
    public Optimizer build() {
      return new RmsProp(lr, decay, epsilon, weightDecay).withRates(rates);
    }
  }

  /** Adam with an L2 penalty. */
  record AdamRecipe(
      double lr,
      double beta1,
      double beta2,
      double epsilon,
      double weightDecay,
      Map<String, Double> rates)
      implements OptimizerRecipe {
    @Override
    public Optimizer build() {
      return new Adam(lr, beta1, beta2, epsilon, weightDecay, false).withRates(rates);
    }
  }

  /** Adam with decoupled decay of the weights. */
  record AdamWRecipe(
      double lr,
      double beta1,
      double beta2,
      double epsilon,
      double weightDecay,
      Map<String, Double> rates)
      implements OptimizerRecipe {
    @Override
    public Optimizer build() {
      return new Adam(lr, beta1, beta2, epsilon, weightDecay, true).withRates(rates);
    }
  }
}
