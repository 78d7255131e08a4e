package org.ebflow.training.preprocessing;

import org.ebflow.flow.InvalidInputException;
import org.ebflow.training.data.RunningMoments;

/** Standardisation of real-valued columns. */
public final class Standardize {
  /** Deviations beyond these have a square or an inverse that is no normal float64. */
  private static final double LEAST = 1e-150;

  private static final double MOST = 1e150;

  private Standardize() {}

  /**
   * By the mean and the standard deviation of each column of the training set. A constant column
   * has no density and is refused, see {@link org.ebflow.training.data.Dataset#constantColumns}, as
   * is one whose deviation is out of range.
   */
  public static Preprocessing.Fit byTrainingSet() {
    return train -> {
      train.requireVaryingColumns();
      RunningMoments moments = RunningMoments.of(train);
      double[] deviations = moments.sampleDeviations();
      for (int c = 0; c < deviations.length; c++) {
        double deviation = deviations[c];
        if (!(deviation >= LEAST && deviation <= MOST)) {
          throw new InvalidInputException(
              train.name()
                  + ": column "
                  + train.columnName(c)
                  + " has standard deviation "
                  + deviation
                  + ", expected "
                  + LEAST
                  + " to "
                  + MOST
                  + " (leave it out with --columns)");
        }
      }
      return Preprocessing.standardize(moments.means(), deviations);
    };
  }
}
