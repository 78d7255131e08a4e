package org.ebflow.training;

import java.util.List;
import org.ebflow.linalg.Matrix;

/**
 * Processes that train one model together, each on its share of every batch (data-parallel
 * training).
 *
 * <p>All members run the same {@link Trainer} on the same data and make as many steps as one
 * process. The rows of a batch are divided among them ({@link
 * org.ebflow.training.objective.BatchShare}), each with the noise that one process would give it.
 *
 * <p>Every member makes the same calls in the same order, and each call returns when all have made
 * it.
 */
public interface ReplicaGroup {
  /** The only member of its group. */
  ReplicaGroup SINGLE =
      new ReplicaGroup() {
        @Override
        public int rank() {
          return 0;
        }

        @Override
        public int size() {
          return 1;
        }

        @Override
        public void sum(List<Matrix> numbers) {}

        @Override
        public boolean ofFirst(boolean value) {
          return value;
        }
      };

  /** This member, from 0. */
  int rank();

  /** Number of members. */
  int size();

  /**
   * Replaces each number by its sum over the members, with the same bits at all of them.
   *
   * @param numbers matrices [1,*] of the same lengths at every member, overwritten
   */
  void sum(List<Matrix> numbers);

  /** What the first member calls it with, so that all decide alike. */
  boolean ofFirst(boolean value);
}
