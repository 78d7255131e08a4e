package org.ebflow.training.scoring;

import java.util.List;

/** The columns written for each row that was scored. Threading: thread-safe. */
public final class ScoreColumns {
  /** Their names, in their order. */
  public static final List<String> NAMES =
      List.of("log_prob", "bits_per_dim", "energy", "latent_norm", "percentile");

  private final Scorer scorer;
  private final double bits;

  /** Those of rows scored by that scorer of the model. */
  public ScoreColumns(TrainedFlow model, Scorer scorer) {
    this.scorer = scorer;
    bits = model.flow().dimension() * Math.log(2);
  }

  /**
   * The columns of one row.
   *
   * @param target [5], overwritten
   */
  public void of(Scores scores, int row, double[] target) {
    double logProb = scores.logProb()[row];
    target[0] = logProb;
    target[1] = -logProb / bits;
    target[2] = scores.energy()[row];
    target[3] = scores.latentNorm()[row];
    target[4] = scorer.percentile(logProb);
  }
}
