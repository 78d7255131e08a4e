package org.ebflow.linalg;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicIntegerArray;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(600)
class TeamTest {
  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3, 8, 64})
  void everyWorkerRunsOnceInEveryRun(int size) {
    AtomicIntegerArray runs = new AtomicIntegerArray(size);
    try (Team team = new Team(size)) {
      for (int i = 0; i < 50; i++) {
        team.run(worker -> runs.incrementAndGet(worker.rank()));
      }
    }
    for (int rank = 0; rank < size; rank++) {
      assertThat(runs.get(rank)).isEqualTo(50);
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3, 8, 64})
  void sharesCoverAllItemsOnce(int size) {
    for (int count : new int[] {0, 1, 2, 7, 64, 65, 1000}) {
      AtomicIntegerArray visits = new AtomicIntegerArray(count);
      try (Team team = new Team(size)) {
        team.run(
            worker -> {
              for (int i = worker.from(count); i < worker.to(count); i++) {
                visits.incrementAndGet(i);
              }
            });
      }
      for (int i = 0; i < count; i++) {
        assertThat(visits.get(i)).isEqualTo(1);
      }
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3, 8, 64})
  void writesBeforeABarrierAreSeenByAllAfterIt(int size) {
    int[] values = new int[size];
    AtomicInteger unseen = new AtomicInteger();
    try (Team team = new Team(size)) {
      team.run(
          worker -> {
            for (int phase = 1; phase <= 40; phase++) {
              values[worker.rank()] = phase;
              worker.barrier();
              for (int value : values) {
                if (value != phase) {
                  unseen.incrementAndGet();
                }
              }
              worker.barrier();
            }
          });
    }
    assertThat(unseen).hasValue(0);
  }

  @Test
  void workerZeroIsTheCallingThread() {
    AtomicReference<Thread> thread = new AtomicReference<>();
    try (Team team = new Team(3)) {
      team.run(
          worker -> {
            if (worker.rank() == 0) {
              thread.set(Thread.currentThread());
            }
          });
    }
    assertThat(thread.get()).isSameAs(Thread.currentThread());
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3, 8, 64})
  void failureOfOneReleasesTheOthersAndIsThrown(int size) {
    int failing = size - 1;
    AtomicInteger passed = new AtomicInteger();
    try (Team team = new Team(size)) {
      for (int i = 0; i < 30; i++) {
        assertThatThrownBy(
                () ->
                    team.run(
                        worker -> {
                          if (worker.rank() == failing) {
                            throw new ArithmeticException("worker " + worker.rank());
                          }
                          worker.barrier();
                          passed.incrementAndGet();
                        }))
            .isInstanceOf(ArithmeticException.class)
            .hasMessage("worker " + failing);
        AtomicInteger runs = new AtomicInteger();
        team.run(
            worker -> {
              worker.barrier();
              runs.incrementAndGet();
              worker.barrier();
            });
        assertThat(runs).hasValue(size);
      }
    }
    assertThat(passed).hasValue(0);
  }

  @Test
  void failureOfTheCallingThreadReleasesTheOthers() {
    try (Team team = new Team(3)) {
      assertThatThrownBy(
              () ->
                  team.run(
                      worker -> {
                        if (worker.rank() == 0) {
                          throw new AssertionError("first");
                        }
                        worker.barrier();
                      }))
          .isInstanceOf(AssertionError.class)
          .hasMessage("first");
    }
  }

  @Test
  void failureAfterABarrierThatSomeHaveNotYetLeftIsThrown() {
    try (Team team = new Team(4)) {
      for (int i = 0; i < 200; i++) {
        assertThatThrownBy(
                () ->
                    team.run(
                        worker -> {
                          worker.barrier();
                          if (worker.rank() == 1) {
                            throw new ArithmeticException("after the barrier");
                          }
                          worker.barrier();
                        }))
            .hasMessage("after the barrier");
      }
    }
  }

  @Test
  void workersThatHavePackedUpAreWoken() throws InterruptedException {
    try (Team team = new Team(3)) {
      AtomicInteger runs = new AtomicInteger();
      for (int i = 0; i < 5; i++) {
        Thread.sleep(5); // long enough for them to park
        team.run(worker -> runs.incrementAndGet());
      }
      assertThat(runs).hasValue(15);
    }
  }

  @Test
  void closedTeamRefusesToRun() {
    Team team = new Team(2);
    team.close();
    assertThatThrownBy(() -> team.run(worker -> {})).isInstanceOf(IllegalStateException.class);
  }

  @Test
  void aProgramThatRunsAnotherOnItsTeamIsRefused() {
    try (Team team = new Team(2)) {
      assertThatThrownBy(
              () ->
                  team.run(
                      worker -> {
                        if (worker.rank() == 0) {
                          team.run(_ -> {});
                        }
                      }))
          .isInstanceOf(IllegalStateException.class)
          .hasMessage("Team.run: the team runs a program already");
      AtomicInteger runs = new AtomicInteger();
      team.run(_ -> runs.incrementAndGet());
      assertThat(runs).hasValue(2);
    }
  }

  @Test
  void teamWithoutWorkersIsRefused() {
    assertThatThrownBy(() -> new Team(0))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("0 threads");
  }

  @Test
  void runsAllocateNothing() {
    try (Team team = new Team(2)) {
      double[] sums = new double[64];
      Team.Program program =
          worker -> {
            sums[worker.rank() * 32]++;
            worker.barrier();
          };
      assertThat(Allocation.perCall(() -> team.run(program), 2_000)).isZero();
    }
  }
}
