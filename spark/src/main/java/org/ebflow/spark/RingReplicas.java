package org.ebflow.spark;

import java.io.BufferedInputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.security.SecureRandom;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.ebflow.flow.io.OneLine;
import org.ebflow.linalg.Matrix;
import org.ebflow.linalg.Precision;
import org.ebflow.training.ReplicaGroup;

/**
 * Replicas in processes that are connected as a ring, each to the next, over TCP.
 *
 * <p>Means are made by a ring all-reduce: the numbers are cut into as many chunks as there are
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
  private final DataOutputStream out;
  private final DataInputStream in;
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
    out = new DataOutputStream(next.getOutputStream());
    in = new DataInputStream(new BufferedInputStream(previous.getInputStream(), BUFFER));
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
  public void average(List<Matrix> numbers) {
    for (Matrix matrix : numbers) {
      Chunk[] chunks = new Chunk[size];
      for (int i = 0; i < size; i++) {
        chunks[i] =
            new Chunk(
                matrix,
                (int) ((long) matrix.columns() * i / size),
                (int) ((long) matrix.columns() * (i + 1) / size));
      }
      for (int step = 0; step < size - 1; step++) { // partial sums
        byte[] received = pass(chunks, step, 0);
        chunks[Math.floorMod(rank - step - 1, size)].add(received);
      }
      chunks[(rank + 1) % size].divide(size); // the sum that ended here
      for (int step = 0; step < size - 1; step++) {
        byte[] received = pass(chunks, step, 1);
        chunks[Math.floorMod(rank - step, size)].set(received);
      }
    }
  }

  /** Sends one chunk to the next member while another comes from the previous one. */
  private byte[] pass(Chunk[] chunks, int step, int phase) {
    Chunk sent = chunks[Math.floorMod(rank + phase - step, size)];
    Chunk expected = chunks[Math.floorMod(rank + phase - step - 1, size)];
    return exchange(sent.bytes(), expected.length());
  }

  private byte[] exchange(byte[] sent, int expected) {
    Future<?> sending =
        sender.submit(
            () -> {
              out.write(sent);
              out.flush();
              return null;
            });
    try {
      byte[] received = new byte[expected];
      in.readFully(received);
      sending.get();
      return received;
    } catch (IOException | ExecutionException e) {
      throw new IllegalStateException(
          "replica " + rank + " of " + size + " has lost a neighbour: " + OneLine.message(e), e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("replica " + rank + " was interrupted", e);
    }
  }

  @Override
  public boolean ofFirst(boolean value) {
    byte known = (byte) (value ? 1 : 0);
    for (int step = 0; step < size - 1; step++) { // the first one's has gone round
      byte received = exchange(new byte[] {known}, 1)[0];
      known = rank == 0 ? known : received;
    }
    return known == 1;
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

  /** Some of a matrix' numbers as bytes of its precision. */
  private record Chunk(Matrix matrix, int from, int to) {
    int length() {
      return (to - from) * (isFloat() ? Float.BYTES : Double.BYTES);
    }

    private boolean isFloat() {
      return matrix.precision() == Precision.FLOAT32;
    }

    byte[] bytes() {
      ByteBuffer bytes = ByteBuffer.allocate(length());
      int first = matrix.offset() + from;
      if (isFloat()) {
        bytes.asFloatBuffer().put(matrix.floats(), first, to - from);
      } else {
        bytes.asDoubleBuffer().put(matrix.doubles(), first, to - from);
      }
      return bytes.array();
    }

    void set(byte[] received) {
      int first = matrix.offset() + from;
      if (isFloat()) {
        ByteBuffer.wrap(received).asFloatBuffer().get(matrix.floats(), first, to - from);
      } else {
        ByteBuffer.wrap(received).asDoubleBuffer().get(matrix.doubles(), first, to - from);
      }
    }

    void add(byte[] received) {
      ByteBuffer bytes = ByteBuffer.wrap(received);
      for (int i = matrix.offset() + from; i < matrix.offset() + to; i++) {
        if (isFloat()) {
          matrix.floats()[i] += bytes.getFloat();
        } else {
          matrix.doubles()[i] += bytes.getDouble();
        }
      }
    }

    void divide(int count) {
      for (int i = matrix.offset() + from; i < matrix.offset() + to; i++) {
        if (isFloat()) {
          matrix.floats()[i] /= count;
        } else {
          matrix.doubles()[i] /= count;
        }
      }
    }
  }
}
