package org.ebflow.training;

import java.util.List;
import org.ebflow.linalg.Matrix;

/**
 * Processes that train one model together, each on batches of its own (data-parallel training by
 * averaged parameters).
 *
 * <p>All members run the same {@link Trainer} on the same data. Batch number n of the run is that
 * of member n mod size, with the rows and the noise that one process would give it: a row is taken
 * once in an epoch, and no two batches have the same noise. So an epoch has 1/size as many steps
 * for each member.
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
        public void average(List<Matrix> numbers) {}

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
   * Replaces each number by its mean over the members, with the same bits at all of them.
   *
   * @param numbers matrices [1,*] of the same lengths at every member, overwritten
   */
  void average(List<Matrix> numbers);

  /** What the first member calls it with, so that all decide alike. */
  boolean ofFirst(boolean value);
}
