package org.ebflow.flow.layer;

import java.util.Objects;
import org.ebflow.flow.pass.Workspace;
import org.ebflow.linalg.Matrix;
import org.jspecify.annotations.Nullable;

/** A worker's own copy of rows that are images, and the same numbers with a row for each pixel. */
final class PixelRows {
  private @Nullable Matrix rows;
  private @Nullable Matrix pixels;

  private PixelRows() {}

  /** The one in that slot of the workspace's own matrices and objects. */
  static PixelRows of(Workspace kept, int slot, Shape image) {
    PixelRows found = kept.object(slot, PixelRows::new); // captures nothing: allocates nothing
    if (found.rows == null) {
      Matrix all = kept.own(slot, kept.rows(), image.size());
      int count = kept.rows() * image.pixels();
      found.rows = all;
      found.pixels = all.reshape(count, image.channels());
    }
    return found;
  }

  /** [rows,pixels·channels]. */
  Matrix rows() {
    return Objects.requireNonNull(rows);
  }

  /** [rows·pixels,channels]. */
  Matrix pixels() {
    return Objects.requireNonNull(pixels);
  }
}
