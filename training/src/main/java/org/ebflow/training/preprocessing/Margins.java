package org.ebflow.training.preprocessing;

import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.ebflow.flow.layer.MarginalGaussianization;
import org.ebflow.flow.layer.MarginalGaussianization.Form;
import org.ebflow.linalg.Matrix;
import org.ebflow.linalg.Precision;
import org.ebflow.training.data.Dataset;

/**
 * Marginal Gaussianization by the training rows: each column becomes standard normal, as far as its
 * rows say. Fits: docs/derivations/margins.md.
 */
public final class Margins {
  /** Most rows of a table that are looked at, evenly spaced. */
  private static final int MOST_ROWS = 100_000;

  /** Most numbers of a table that are looked at, if that leaves {@link #LEAST_ROWS}. */
  private static final int MOST_NUMBERS = 1 << 24;

  private static final int LEAST_ROWS = 2_000;

  private Margins() {}

  /**
   * By smoothed counts for pixels, by smoothed quantiles for real columns. A constant real column
   * has no density and is refused, see {@link Dataset#constantColumns}.
   *
   * @param dequantize whether columns of whole numbers are spread over [n, n+1)
   */
  public static Preprocessing.Fit byTrainingSet(boolean dequantize) {
    return train -> {
      if (train.levels() > 0) {
        return ofPixels(train);
      }
      train.requireVaryingColumns();
      return ofReals(train, dequantize ? train.wholeColumns() : List.of());
    };
  }

  /**
   * With the dequantisation of another preprocessing, so that densities behind the two can be
   * compared; that one itself where it is one of margins already.
   */
  public static Preprocessing dequantizedAs(Preprocessing other, Dataset train) {
    if (other.layers().size() == 1 && other.layers().get(0) instanceof MarginalGaussianization) {
      return other;
    }
    if (other.levels() > 0) {
      return ofPixels(train);
    }
    train.requireVaryingColumns();
    return ofReals(train, other.wholeColumns());
  }

  private static Preprocessing ofPixels(Dataset train) {
    Matrix table = PixelMargins.of(train).table();
    return new Preprocessing(
        train.levels(), List.of(new MarginalGaussianization(Form.HISTOGRAM, table)));
  }

  private static Preprocessing ofReals(Dataset train, List<Integer> whole) {
    int fitting = Math.clamp(MOST_NUMBERS / train.dimension(), LEAST_ROWS, MOST_ROWS);
    double[][] columns = train.evenlySpaced(fitting).byColumn();
    RealMargin[] margins = new RealMargin[columns.length];
    IntStream.range(0, columns.length)
        .parallel()
        .forEach(
            c ->
                margins[c] =
                    RealMargin.fit(
                        columns[c],
                        whole.contains(c),
                        columns.length,
                        train.name() + ": column " + train.columnName(c)));
    int knots = Arrays.stream(margins).mapToInt(RealMargin::knots).max().orElseThrow();
    double[][] table =
        Arrays.stream(margins).map(margin -> margin.tableRow(knots)).toArray(double[][]::new);
    Matrix all = Matrix.ofRows(Precision.FLOAT64, table);
    return new Preprocessing(0, List.of(new MarginalGaussianization(Form.QUANTILES, all)))
        .dequantizing(whole);
  }
}
