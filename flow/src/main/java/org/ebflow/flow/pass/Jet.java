package org.ebflow.flow.pass;

import java.util.ArrayList;
import java.util.List;
import org.ebflow.linalg.BFloat16Matrix;
import org.ebflow.linalg.Matrix;
import org.ebflow.linalg.Streams;
import org.jspecify.annotations.Nullable;

/**
 * Derivatives of orders 0…order of a batch along a curve, x(t) = x0 + t·x1 + (t²/2)·x2, as one
 * worker sees them.
 *
 * <p>The streams of the whole batch are stacked in one matrix [(order+1)·batch, width], so that a
 * linear layer is one product; each worker owns the same rows of every stream. Cotangents of a jet
 * have the same layout.
 */
public final class Jet {
  private final Matrix all;
  private final int batch;
  private final int order;
  private final Matrix[] streams;
  private final Matrix[][] whole;
  private final Streams tuple;
  private final @Nullable RoundedJet rounded;
  private final int rowFrom;
  private final int rowTo;
  private final List<Jet> byPixel = new ArrayList<>();

  /**
   * Rows {@code rowFrom}…{@code rowTo} (exclusive) of every stream of {@code all},
   * [(order+1)·batch, width].
   */
  public Jet(Matrix all, int batch, int rowFrom, int rowTo) {
    this(all, null, batch, rowFrom, rowTo);
  }

  /**
   * As the public one, with memory of the same shape for the streams rounded to bfloat16; null
   * where no product rounds them.
   */
  Jet(Matrix all, @Nullable BFloat16Matrix rounded, int batch, int rowFrom, int rowTo) {
    this.all = all;
    this.batch = batch;
    this.rowFrom = rowFrom;
    this.rowTo = rowTo;
    this.order = all.rows() / batch - 1;
    this.streams = new Matrix[order + 1];
    this.whole = new Matrix[order + 1][order + 1];
    for (int k = 0; k <= order; k++) {
      streams[k] = all.rows(k * batch + rowFrom, k * batch + rowTo);
      for (int to = k; to <= order; to++) {
        whole[k][to] = all.rows(k * batch, (to + 1) * batch);
      }
    }
    this.rounded = rounded == null ? null : new RoundedJet(rounded, batch, rowFrom, rowTo);
    this.tuple = new Streams(streams[0], streamOrNull(1), streamOrNull(2));
  }

  /**
   * The same numbers with a row for each pixel of an image (channels last): streams
   * [batch·pixels,width/pixels]. The view is made once. It has no copy in bfloat16.
   *
   * @param pixels of a row's image; divides its width
   */
  public Jet byPixel(int pixels) {
    if (pixels == 1) {
      return this;
    }
    for (int i = 0; i < byPixel.size(); i++) { // an iterator would be an allocation
      Jet view = byPixel.get(i);
      if (view.batch == batch * pixels) {
        return view;
      }
    }
    if (width() % pixels != 0) {
      throw new IllegalArgumentException(
          "Jet.byPixel: " + pixels + " pixels, expected a divisor of the width " + width());
    }
    Jet view =
        new Jet(
            all.reshape(all.rows() * pixels, width() / pixels),
            batch * pixels,
            rowFrom * pixels,
            rowTo * pixels);
    byPixel.add(view);
    return view;
  }

  /** Highest derivative. */
  public int order() {
    return order;
  }

  /** Rows of the whole batch. */
  public int batch() {
    return batch;
  }

  /** Numbers per row. */
  public int width() {
    return all.columns();
  }

  /** This worker's rows of the derivative of that order, [rows,width]. */
  public Matrix stream(int k) {
    return streams[k];
  }

  /** As {@link #stream}, null when the jet has no such order. */
  public @Nullable Matrix streamOrNull(int k) {
    return k <= order ? streams[k] : null;
  }

  /** This worker's rows of all orders. */
  public Streams streams() {
    return tuple;
  }

  /**
   * All rows of the batch of orders {@code from}…{@code to} (inclusive), stacked:
   * [(to-from+1)·batch, width]. Other workers write their rows of it.
   */
  public Matrix whole(int from, int to) {
    return whole[from][to];
  }

  /** The copy in bfloat16 that products read when they round; null if there is none. */
  @Nullable RoundedJet rounded() {
    return rounded;
  }
}
