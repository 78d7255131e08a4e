package org.ebflow.training.scoring;

import java.util.Arrays;
import java.util.EnumMap;
import java.util.Map;
import java.util.Objects;
import org.ebflow.training.data.Dataset;

/** How well the scores of a model tell rows of other data from rows of its own. */
public final class OutOfDistribution {
  /** Most training rows whose log p is averaged for {@link Score#TYPICALITY}. */
  private static final int TRAINING_ROWS = 10_000;

  private OutOfDistribution() {}

  /** By what a row may be told; the higher, the odder. */
  public enum Score {
    /** -log p. */
    LOG_PROB("log_prob"),
    /** ‖z‖, the norm of the latent. */
    LATENT_NORM("latent_norm"),
    /**
     * |log p - the training rows' mean log p|: the test of typicality for a batch of one (Nalisnick
     * et al. 2019, arXiv 1906.02994), with the mean over at most 10,000 evenly spaced training
     * rows. A row of density zero is as odd as can be.
     */
    TYPICALITY("typicality"),
    /**
     * ‖∇ log p‖ in the space of the model's input ({@link Scorer#gradientNorm}); its negative is
     * the "approximate mass" of Grathwohl et al. 2020, arXiv 1912.03263.
     */
    GRADIENT_NORM("gradient_norm");

    private final String key;

    Score(String key) {
      this.key = key;
    }

    /** Its name in tables and JSON. */
    public String key() {
      return key;
    }
  }

  /**
   * How each score ranks others, which are the positives, above the model's own rows.
   *
   * @param train the rows that the model was trained on
   * @param own rows of the same kind that it was not trained on
   */
  public static Map<Score, RankingMetrics> compare(
      Scorer scorer, Dataset train, Dataset own, Dataset others) {
    double trainingNll = scorer.evaluate(train.evenlySpaced(TRAINING_ROWS)).nll();
    Map<Score, double[]> negatives = scores(scorer, own, trainingNll);
    Map<Score, double[]> positives = scores(scorer, others, trainingNll);
    Map<Score, RankingMetrics> result = new EnumMap<>(Score.class);
    positives.forEach(
        (score, values) ->
            result.put(
                score, RankingMetrics.of(Objects.requireNonNull(negatives.get(score)), values)));
    return result;
  }

  private static Map<Score, double[]> scores(Scorer scorer, Dataset rows, double trainingNll) {
    Scores scores = scorer.score(rows);
    Map<Score, double[]> result = new EnumMap<>(Score.class);
    result.put(Score.LOG_PROB, scores.negativeLogProb());
    result.put(Score.LATENT_NORM, scores.latentNorm());
    result.put(
        Score.TYPICALITY,
        Arrays.stream(scores.logProb()).map(of -> distance(of, trainingNll)).toArray());
    result.put(Score.GRADIENT_NORM, scorer.gradientNorm(rows));
    return result;
  }

  private static double distance(double logProb, double trainingNll) {
    return Double.isFinite(logProb) ? Math.abs(logProb + trainingNll) : Double.POSITIVE_INFINITY;
  }
}
