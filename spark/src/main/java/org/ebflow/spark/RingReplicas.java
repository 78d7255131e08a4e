package org.ebflow.spark;

import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.Serial;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.DoubleBuffer;
import java.nio.FloatBuffer;
import java.security.SecureRandom;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.ebflow.flow.io.OneLine;
import org.ebflow.linalg.KernelChoice;
import org.ebflow.linalg.Matrix;
import org.ebflow.linalg.Precision;
import org.ebflow.linalg.RowKernels;
import org.ebflow.training.ReplicaGroup;

/**
 * Replicas in processes that are connected as a ring, each to the next, over TCP.
 *
 * <p>Sums are made by a ring all-reduce: the numbers are cut into as many chunks as there are
 * members; size-1 times each member passes a partial sum on, then size-1 times a finished chunk. So
 * a member sends 2·(size-1)/size times the bytes of the numbers, however many members there are.
 * The terms of a sum are added in the order of the ring, once, so all members have the same bits.
 *
 * <p>A member that fails closes its connections, and the others fail too.
 */
final class RingReplicas implements ReplicaGroup, AutoCloseable {
  private static final int TIMEOUT_MILLIS = 600_000;
  private static final int BUFFER = 1 << 16;

  private final int rank;
  private final int size;
  private final Socket next;
  private final Socket previous;
  private final OutputStream out;
  private final DataInputStream in;
  private final Buffer sendBuffer = new Buffer();
  private final Buffer receiveBuffer = new Buffer();
  private final ExecutorService sender =
      Executors.newSingleThreadExecutor(
          Thread.ofPlatform().daemon().name("ebflow-replica-sender").factory());

  private RingReplicas(int rank, int size, Socket next, Socket previous) throws IOException {
    this.rank = rank;
    this.size = size;
    this.next = next;
    this.previous = previous;
    next.setTcpNoDelay(true);
    previous.setSoTimeout(TIMEOUT_MILLIS);
    out = next.getOutputStream();
    in = new DataInputStream(previous.getInputStream());
  }

  /**
   * Connects to the neighbours.
   *
   * @param address by which the others reach this machine
   * @param gather sends a text of this member to all and returns those of all, by rank
   */
  static RingReplicas connect(int rank, int size, InetAddress address, Gather gather) {
    try (ServerSocket server = new ServerSocket(0, size, address)) {
      server.setSoTimeout(TIMEOUT_MILLIS);
      long secret = new SecureRandom().nextLong();
      String[] all =
          gather.all(address.getHostAddress() + " " + server.getLocalPort() + " " + secret);
      String[] to = all[(rank + 1) % size].split(" ", -1);
      Socket next = new Socket(to[0], Integer.parseInt(to[1]));
      new DataOutputStream(next.getOutputStream()).writeLong(Long.parseLong(to[2]));
      return new RingReplicas(rank, size, next, accept(server, secret));
    } catch (IOException e) {
      throw new UncheckedIOException(
          "replica " + rank + " of " + size + " can't reach its neighbours: " + OneLine.message(e),
          e);
    }
  }

  /** Sends a text of this member to all and returns those of all, by rank. */
  @FunctionalInterface
  interface Gather {
    String[] all(String mine);
  }

  /** The neighbour, which knows the secret; others are turned away. */
  private static Socket accept(ServerSocket server, long secret) throws IOException {
    while (true) {
      Socket socket = server.accept();
      socket.setSoTimeout(10_000);
      try {
        if (new DataInputStream(socket.getInputStream()).readLong() == secret) {
          return socket;
        }
      } catch (IOException _) {
        // not the neighbour
      }
      socket.close();
    }
  }

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
    for (int step = 0; step < size - 1; step++) { // partial sums
      pass(numbers, rank - step, Chunk::receiveSum);
    }
    for (int step = 0; step < size - 1; step++) { // finished ones
      pass(numbers, rank - step + 1, Chunk::receive);
    }
  }

  /** Sends one chunk to the next member while the one before it comes from the previous member. */
  private void pass(List<Matrix> numbers, int sent, Receiver receiver) {
    Future<?> sending =
        sender.submit(
            () -> {
              for (Matrix matrix : numbers) {
                chunk(matrix, sent).send(out, sendBuffer);
              }
              return null;
            });
    finish(
        sending,
        () -> {
          for (Matrix matrix : numbers) {
            receiver.receive(chunk(matrix, sent - 1), in, receiveBuffer);
          }
        });
  }

  private Chunk chunk(Matrix matrix, int number) {
    int index = Math.floorMod(number, size);
    return new Chunk(
        matrix,
        (int) ((long) matrix.columns() * index / size),
        (int) ((long) matrix.columns() * (index + 1) / size));
  }

  /** What is done with a chunk that comes from the previous member. */
  private interface Receiver {
    void receive(Chunk chunk, DataInputStream in, Buffer buffer) throws IOException;
  }

  private interface Receiving {
    void run() throws IOException;
  }

  /** Receives, and returns when what is on its way to the next member has left, too. */
  private void finish(Future<?> sending, Receiving receiving) {
    try {
      receiving.run();
      sending.get();
    } catch (IOException | ExecutionException e) {
      throw new LostNeighbourException(
          "replica " + rank + " of " + size + " has lost a neighbour: " + OneLine.message(e), e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("replica " + rank + " was interrupted", e);
    }
  }

  @Override
  public boolean ofFirst(boolean value) {
    Matrix known = Matrix.allocate(Precision.FLOAT64, 1, 1);
    known.set(0, 0, rank == 0 && value ? 1 : 0);
    sum(List.of(known));
    return known.get(0, 0) > 0;
  }

  @Override
  public void close() {
    sender.shutdownNow();
    try (next;
        previous) {
      // closed
    } catch (IOException _) {
      // nothing is lost
    }
  }

  /** A neighbour has closed its connection, most likely since it has failed itself. */
  static final class LostNeighbourException extends IllegalStateException {
    @Serial private static final long serialVersionUID = 1;

    LostNeighbourException(String message, Exception cause) {
      super(message, cause);
    }
  }

  /** Numbers as bytes, with the same memory as the numbers of either precision. */
  private static final class Buffer {
    final byte[] bytes = new byte[BUFFER];
    final ByteBuffer wrapped = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
    final FloatBuffer floats = wrapped.asFloatBuffer();
    final DoubleBuffer doubles = wrapped.asDoubleBuffer();
    final Matrix floatTerms = Matrix.allocate(Precision.FLOAT32, 1, BUFFER / Float.BYTES);
    final Matrix doubleTerms = Matrix.allocate(Precision.FLOAT64, 1, BUFFER / Double.BYTES);
  }

  /** Columns {@code from} to {@code to} (exclusive) of a matrix [1,*]. */
  private record Chunk(Matrix matrix, int from, int to) {
    private boolean isFloat() {
      return matrix.precision() == Precision.FLOAT32;
    }

    private int width() {
      return isFloat() ? Float.BYTES : Double.BYTES;
    }

    /** How many numbers one buffer takes from column c on. */
    private int count(int c) {
      return Math.min(to - c, BUFFER / width());
    }

    void send(OutputStream out, Buffer buffer) throws IOException {
      for (int c = from; c < to; c += count(c)) {
        if (isFloat()) {
          buffer.floats.put(0, matrix.floats(), matrix.offset() + c, count(c));
        } else {
          buffer.doubles.put(0, matrix.doubles(), matrix.offset() + c, count(c));
        }
        out.write(buffer.bytes, 0, count(c) * width());
      }
    }

    void receive(DataInputStream in, Buffer buffer) throws IOException {
      for (int c = from; c < to; c += count(c)) {
        in.readFully(buffer.bytes, 0, count(c) * width());
        if (isFloat()) {
          buffer.floats.get(0, matrix.floats(), matrix.offset() + c, count(c));
        } else {
          buffer.doubles.get(0, matrix.doubles(), matrix.offset() + c, count(c));
        }
      }
    }

    /** Adds what comes to the numbers that are there. */
    void receiveSum(DataInputStream in, Buffer buffer) throws IOException {
      RowKernels kernels = KernelChoice.fastest(matrix.precision()).rows();
      Matrix received = isFloat() ? buffer.floatTerms : buffer.doubleTerms;
      for (int c = from; c < to; c += count(c)) {
        Matrix terms = received.columns(0, count(c));
        new Chunk(terms, 0, count(c)).receive(in, buffer);
        Matrix sums = matrix.columns(c, c + count(c));
        kernels.combine(1, sums, 1, terms, sums);
      }
    }
  }
}
