package org.ebflow.flow.pass;

import java.util.ArrayList;
import java.util.List;
import org.ebflow.linalg.BFloat16Kernels;
import org.ebflow.linalg.BFloat16Matrix;
import org.ebflow.linalg.Matrix;
import org.ebflow.linalg.Operand;
import org.jspecify.annotations.Nullable;

/**
 * Matrices of one worker in the form in which products read them: themselves, or rounded to
 * bfloat16 in memory that the next one overwrites. After its first uses it allocates nothing.
 */
public final class OperandCopy {
  private final @Nullable BFloat16Kernels kernels;
  private final List<BFloat16Matrix> views = new ArrayList<>();
  private BFloat16Matrix memory = BFloat16Matrix.allocate(1, 0);

  /** Null for products that do not round. */
  OperandCopy(@Nullable BFloat16Kernels kernels) {
    this.kernels = kernels;
  }

  /**
   * That matrix, or its numbers rounded now. Matrices of one shape get the same copy.
   *
   * @param exact read
   */
  public Operand of(Matrix exact) {
    if (kernels == null) {
      return exact;
    }
    BFloat16Matrix copy = view(exact.rows(), exact.columns());
    kernels.round(exact, copy);
    return copy;
  }

  private BFloat16Matrix view(int rows, int columns) {
    for (int i = 0; i < views.size(); i++) { // an iterator would be an allocation
      BFloat16Matrix view = views.get(i);
      if (view.rows() == rows && view.columns() == columns) {
        return view;
      }
    }
    int size = Math.multiplyExact(rows, columns);
    if (memory.columns() < size) {
      memory = BFloat16Matrix.allocate(1, size);
      views.clear();
    }
    BFloat16Matrix made = memory.columns(0, size).reshape(rows, columns);
    views.add(made);
    return made;
  }
}
