package org.ebflow.flow.pass;

import org.ebflow.linalg.BFloat16Kernels;
import org.ebflow.linalg.BFloat16Matrix;

/** The streams of a {@link Jet} rounded to bfloat16, in the same layout. */
final class RoundedJet {
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
      kernels.round(jet.stream(k), streams[k]);
    }
  }

  /** As {@link Jet#whole}. */
  BFloat16Matrix whole(int from, int to) {
    return whole[from][to];
  }
}
