package org.ebflow.flow.pass;

import org.ebflow.linalg.BFloat16Kernels;
import org.ebflow.linalg.BFloat16Matrix;

/**
 * Streams of jets rounded to bfloat16, in the same layout. As {@link Workspace#cotangents}, the
 * copies of jets of all orders end with the same stream, so that a copy of the score's cotangents
 * is the highest stream of the copies of longer jets.
 */
public final class RoundedJet {
  private final BFloat16Matrix[] streams;
  private final BFloat16Matrix[][] whole;

  /** As {@link Jet}, in the memory of {@code all}. */
  RoundedJet(BFloat16Matrix all, int batch, int rowFrom, int rowTo) {
    int orders = all.rows() / batch;
    streams = new BFloat16Matrix[orders];
    whole = new BFloat16Matrix[orders][orders];
    for (int k = 0; k < orders; k++) {
      streams[k] = all.rows(k * batch + rowFrom, k * batch + rowTo);
      for (int to = k; to < orders; to++) {
        whole[k][to] = all.rows(k * batch, (to + 1) * batch);
      }
    }
  }

  /** Overwrites this worker's rows of the given orders with those of the jet. */
  void round(BFloat16Kernels kernels, Jet jet, int fromOrder, int toOrder) {
    for (int k = fromOrder; k <= toOrder; k++) {
      kernels.round(jet.stream(k), stream(jet, k));
    }
  }

  /** This worker's rows of the copy of that jet's stream of order k, as {@link Jet#stream}. */
  public BFloat16Matrix stream(Jet jet, int k) {
    return streams[first(jet) + k];
  }

  /** All rows of the copies of that jet's streams, as {@link Jet#whole}. */
  public BFloat16Matrix whole(Jet jet, int from, int to) {
    return whole[first(jet) + from][first(jet) + to];
  }

  /** Which of the copies is that of the jet's order 0. */
  private int first(Jet jet) {
    return streams.length - 1 - jet.order();
  }
}
