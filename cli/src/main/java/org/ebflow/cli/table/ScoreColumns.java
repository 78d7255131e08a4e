package org.ebflow.cli.table;

import java.util.stream.Stream;
import org.ebflow.training.scoring.Scorer;
import org.ebflow.training.scoring.Scores;
import org.ebflow.training.scoring.TrainedFlow;

/** The columns written for each row. */
final class ScoreColumns {
  static final String[] NAMES = {"log_prob", "bits_per_dim", "energy", "latent_norm", "percentile"};

  /** The same behind an id. */
  static final String[] WITH_ID =
      Stream.concat(Stream.of("id"), Stream.of(NAMES)).toArray(String[]::new);

  private final Scorer scorer;
  private final double bits;

  ScoreColumns(TrainedFlow model, Scorer scorer) {
    this.scorer = scorer;
    bits = model.flow().dimension() * Math.log(2);
  }

  /**
   * The columns of one row.
   *
   * @param target [5], overwritten
   */
  void of(Scores scores, int row, double[] target) {
    double logProb = scores.logProb()[row];
    target[0] = logProb;
    target[1] = -logProb / bits;
    target[2] = scores.energy()[row];
    target[3] = scores.latentNorm()[row];
    target[4] = scorer.percentile(logProb);
  }

  /** The cells of a row of CSV, numbers with all their digits. */
  static String[] text(String id, double[] values) {
    String[] cells = new String[1 + values.length];
    cells[0] = id;
    for (int c = 0; c < values.length; c++) {
      cells[1 + c] = Double.toString(values[c]);
    }
    return cells;
  }
}
