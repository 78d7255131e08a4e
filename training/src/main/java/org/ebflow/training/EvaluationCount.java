package org.ebflow.training;

/**
 * How many evaluations a run has made, and which of them counts for its patience.
 *
 * @param made evaluations so far
 * @param best number of the best one, from 1; 0 if there is none, or if an earlier version made it
 * @param patientFrom patience counts evaluations after this one only
 */
record EvaluationCount(long made, long best, long patientFrom) {
  static final EvaluationCount NONE = new EvaluationCount(0, 0, 0);

  /** With one more, which is the best so far or not. */
  EvaluationCount plus(boolean better) {
    return new EvaluationCount(made + 1, better ? made + 1 : best, patientFrom);
  }

  /** Evaluations after the best. */
  long afterBest() {
    return made - best;
  }

  /** Whether that many in a row were no better, where 0 is no limit. */
  boolean exhaust(int patience) {
    return patience > 0 && made - Math.max(best, patientFrom) >= patience;
  }

  /** The same with all of the patience before it again. */
  EvaluationCount patientAgain() {
    return new EvaluationCount(made, best, made);
  }

  /** Whether the last of several was the best. */
  boolean improving() {
    return made > 1 && best == made;
  }
}
