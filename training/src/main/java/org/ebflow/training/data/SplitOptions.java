package org.ebflow.training.data;

import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * How the rows of a file become training, validation and test part. Start from {@link #DEFAULT} and
 * change what differs:
 *
 * <pre>{@code
 * SplitOptions.DEFAULT.withTest(Path.of("test.csv")).withShares(.9, .1, 0)
 * }</pre>
 *
 * <p>A part with a file of its own has all rows of that file, and the other parts share the rows of
 * the first file in the proportion of their shares.
 *
 * @param train share of the rows, above 0
 * @param validation share of the rows; above 0 unless the part has a file of its own, which makes
 *     it meaningless
 * @param test share of the rows, likewise; the three add up to 1
 * @param validationFile the validation part's own file, or null
 * @param testFile the test part's own file, or null
 */
public record SplitOptions(
    double train,
    double validation,
    double test,
    @Nullable Path validationFile,
    @Nullable Path testFile) {
  /** 80/10/10 of one file. */
  public static final SplitOptions DEFAULT = new SplitOptions(.8, .1, .1, null, null);

  private static final double ROUNDING = 1e-9;

  /** Refuses impossible shares. */
  public SplitOptions {
    if (!(train > 0
        && (validationFile == null ? validation > 0 : validation >= 0)
        && (testFile == null ? test > 0 : test >= 0)
        && Math.abs(train + validation + test - 1) <= ROUNDING)) {
      throw new IllegalArgumentException(
          "split is "
              + train
              + ", "
              + validation
              + ", "
              + test
              + ", expected shares above 0 (0 where a part has a file of its own) that add up to 1");
    }
  }

  /** The same with other shares. */
  public SplitOptions withShares(double trainShare, double validationShare, double testShare) {
    return new SplitOptions(trainShare, validationShare, testShare, validationFile, testFile);
  }

  /** The same with another file for the validation part, or null for none. */
  public SplitOptions withValidation(@Nullable Path changed) {
    return new SplitOptions(train, validation, test, changed, testFile);
  }

  /** The same with another file for the test part, or null for none. */
  public SplitOptions withTest(@Nullable Path changed) {
    return new SplitOptions(train, validation, test, validationFile, changed);
  }

  /** The parts of these rows; those with files of their own are empty. */
  Splits draw(Dataset rows, long seed) {
    if (validationFile == null && testFile == null) {
      return rows.split(train, validation, test, seed);
    }
    double validates = validationFile == null ? validation : 0;
    double tests = testFile == null ? test : 0;
    double all = train + validates + tests;
    return rows.parts(train / all, validates / all, tests / all, seed);
  }
}
