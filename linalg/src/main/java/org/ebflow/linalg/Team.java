package org.ebflow.linalg;

import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * A fixed group of threads that run one program together (SPMD), each on its own share of the rows.
 *
 * <p>The calling thread is worker 0. Every worker calls the program once. Where it needs data of
 * other workers, it waits for them at {@link Worker#barrier()}. Nothing is allocated per run. If
 * one worker throws, the others are released from their barriers and {@link #run} throws the first
 * failure.
 *
 * <p>Waiting workers spin for a short time, then yield, then park, so that a team larger than the
 * machine, or beside a busy process, still makes progress.
 *
 * <p>Threading: one run at a time; {@link #run} must not be called from inside a program of the
 * same team.
 */
public final class Team implements AutoCloseable {
  private static final int SPINS = 4_000;
  private static final int YIELDS = 64;
  private static final long PARK_NANOS = 100_000;
  private static final long STACK_BYTES = 16L << 20;

  private final Worker[] workers;
  private final Thread[] threads;
  private volatile @Nullable Program program;
  private final AtomicInteger runs = new AtomicInteger();
  private volatile boolean closed;
  private volatile @Nullable Throwable failure;
  private final AtomicInteger arrived = new AtomicInteger();
  private final AtomicInteger finished = new AtomicInteger();
  private volatile int phase;

  /** What every worker of a team runs. */
  @FunctionalInterface
  public interface Program {
    /** Called once by every worker of the team. */
    void run(Worker worker);
  }

  /** A team of {@code size} workers: the calling thread and {@code size - 1} daemon threads. */
  public Team(int size) {
    if (size < 1) {
      throw new IllegalArgumentException("Team: " + size + " threads, expected at least 1");
    }
    workers = new Worker[size];
    threads = new Thread[size];
    for (int rank = 0; rank < size; rank++) {
      workers[rank] = new Worker(this, rank);
    }
    for (int rank = 1; rank < size; rank++) {
      Worker worker = workers[rank];
      threads[rank] = new Thread(null, () -> serve(worker), "ebflow-worker-" + rank, STACK_BYTES);
      threads[rank].setDaemon(true);
      threads[rank].start();
    }
  }

  /** Number of workers. */
  public int size() {
    return workers.length;
  }

  /** The member of that rank, for what it owns between runs. */
  public Worker worker(int rank) {
    return workers[rank];
  }

  /**
   * Runs the program on every worker and returns when all have finished.
   *
   * @throws IllegalStateException if the team is closed, or runs a program
   */
  public void run(Program work) {
    if (closed) {
      throw new IllegalStateException("Team.run: the team is closed");
    }
    if (program != null) {
      throw new IllegalStateException("Team.run: the team runs a program already");
    }
    failure = null;
    program = work;
    runs.incrementAndGet();
    for (int rank = 1; rank < threads.length; rank++) {
      LockSupport.unpark(threads[rank]);
    }
    execute(work, workers[0]);
    for (int waits = 0; finished.get() < workers.length; ) {
      waits = pause(waits);
    }
    finished.set(0);
    program = null;
    arrived.set(0); // a failed run may have left some waiting
    Throwable thrown = failure;
    if (thrown instanceof Error error) {
      throw error;
    }
    if (thrown instanceof RuntimeException exception) {
      throw exception;
    }
  }

  /** Returns when all workers have arrived; writes of each before are seen by all after. */
  void meet() {
    int current = phase;
    if (arrived.incrementAndGet() == workers.length) {
      arrived.set(0);
      phase = current + 1;
      return;
    }
    for (int waits = 0; phase == current; ) {
      if (failure != null) {
        throw Released.INSTANCE;
      }
      waits = pause(waits);
    }
  }

  private void serve(Worker worker) {
    int served = 0;
    while (true) {
      int waits = 0;
      while (runs.get() == served && !closed) {
        if (waits < SPINS + YIELDS) {
          waits = pause(waits);
        } else {
          LockSupport.park(this); // until the next run: an idle team costs nothing
        }
      }
      if (closed) {
        return;
      }
      served++;
      Program work = program;
      if (work != null) {
        execute(work, worker);
      }
    }
  }

  private void execute(Program work, Worker worker) {
    try {
      work.run(worker);
    } catch (Released released) {
      // another worker failed and its failure is already kept
    } catch (RuntimeException | Error thrown) {
      synchronized (this) {
        if (failure == null) {
          failure = thrown;
        }
      }
    }
    finished.incrementAndGet();
  }

  private static int pause(int waits) {
    if (waits < SPINS) {
      Thread.onSpinWait();
    } else if (waits < SPINS + YIELDS) {
      Thread.yield();
    } else {
      LockSupport.parkNanos(PARK_NANOS);
    }
    return waits + 1;
  }

  /** Returns when the team's threads have ended. No worker of the team may call it. */
  @Override
  public void close() {
    closed = true;
    for (int rank = 1; rank < threads.length; rank++) {
      LockSupport.unpark(threads[rank]);
    }
    boolean interrupted = false;
    for (int rank = 1; rank < threads.length; ) {
      try {
        threads[rank].join();
        rank++;
      } catch (InterruptedException _) {
        interrupted = true;
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  /** Thrown inside the workers that wait for one that failed; carries nothing. */
  private static final class Released extends RuntimeException {
    private static final long serialVersionUID = 1;

    @SuppressWarnings("StaticAssignmentOfThrowable") // carries nothing
    private static final Released INSTANCE = new Released();

    private Released() {
      super(null, null, false, false);
    }
  }
}
