package org.ebflow.training;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BrokenBarrierException;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.ebflow.linalg.Matrix;

/** A group of replicas that are threads of this JVM. */
final class ThreadReplicas {
  private final int size;
  private final CyclicBarrier barrier;
  private final List<List<Matrix>> gathered = new ArrayList<>();
  private final boolean[] values;
  private volatile boolean failed;

  /** Calls of {@link ReplicaGroup#sum} by each member. */
  private final int[] calls;

  ThreadReplicas(int size) {
    this.size = size;
    barrier = new CyclicBarrier(size);
    values = new boolean[size];
    calls = new int[size];
    for (int rank = 0; rank < size; rank++) {
      gathered.add(List.of());
    }
  }

  int size() {
    return size;
  }

  int calls(int rank) {
    return calls[rank];
  }

  /** Ends the waiting of the others after a member has failed. */
  void fail() {
    failed = true;
    barrier.reset();
  }

  ReplicaGroup member(int rank) {
    return new ReplicaGroup() {
      @Override
      public int rank() {
        return rank;
      }

      @Override
      public int size() {
        return size;
      }

      @Override
      public void sum(List<Matrix> numbers) {
        calls[rank]++;
        gathered.set(
            rank, numbers.stream().map(matrix -> matrix.copy(matrix.precision())).toList());
        await();
        for (int i = 0; i < numbers.size(); i++) {
          Matrix target = numbers.get(i);
          for (int c = 0; c < target.columns(); c++) {
            double sum = 0;
            for (List<Matrix> other : gathered) {
              sum += other.get(i).get(0, c);
            }
            target.set(0, c, sum);
          }
        }
        await();
      }

      @Override
      public boolean ofFirst(boolean value) {
        values[rank] = value;
        await();
        boolean first = values[0];
        await();
        return first;
      }
    };
  }

  private void await() {
    try {
      if (failed) {
        throw new BrokenBarrierException();
      }
      barrier.await(1, TimeUnit.MINUTES);
    } catch (InterruptedException | BrokenBarrierException | TimeoutException e) {
      throw new IllegalStateException("another member has failed", e);
    }
  }
}
