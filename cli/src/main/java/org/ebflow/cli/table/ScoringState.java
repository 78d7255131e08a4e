package org.ebflow.cli.table;

import org.jspecify.annotations.Nullable;

/**
 * How far an unfinished scoring has got.
 *
 * @param rows input rows read, over all inputs
 * @param input the last of the inputs that were begun, from 0
 * @param rowsOfInput rows of it that were read
 * @param bytes of the scores
 * @param rejectedBytes of the rejected rows
 * @param scored rows written
 * @param rejected rows that could not be scored
 * @param impossible rows written whose density is zero
 * @param firstImpossible the first of them, or null
 */
record ScoringState(
    long rows,
    int input,
    long rowsOfInput,
    long bytes,
    long rejectedBytes,
    long scored,
    long rejected,
    long impossible,
    @Nullable String firstImpossible) {
  /** Nothing is done yet. */
  static final ScoringState START = new ScoringState(0, 0, 0, 0, 0, 0, 0, 0, null);
}
