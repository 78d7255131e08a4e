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
    return kernels == null ? exact : of(exact, view(exact.rows(), exact.columns()));
  }

  /**
   * The same, but numbers are rounded to memory of the caller's.
   *
   * @param copy overwritten by products that round, of the matrix's shape
   */
  public Operand of(Matrix exact, BFloat16Matrix copy) {
    if (kernels == null) {
      return exact;
    }
    kernels.round(exact, copy);
    return copy;
  }

  /** Whether matrices are rounded. */
  boolean rounds() {
    return kernels != null;
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
