package org.ebflow.linalg;

import java.util.LinkedHashMap;
import java.util.SequencedMap;
import java.util.function.Supplier;
import org.ebflow.linalg.backend.BlasBackend;
import org.ebflow.linalg.backend.PackedOperand;
import org.ebflow.linalg.java.JavaBackend;
import org.ebflow.linalg.netlib.NetlibBackend;
import org.ebflow.linalg.onednn.OneDnnBackend;
import org.ebflow.linalg.openblas.OpenBlasBackend;
import org.jspecify.annotations.Nullable;

/**
 * Matrix products, LU and QR factorisations. Checks the arguments, then calls one backend.
 *
 * <p>A product allocates nothing. It is divided into calls of a few milliseconds at most, because a
 * native call on a heap array holds the garbage collector back. The calls divide rows and columns
 * of the output, never a sum, and depend on the shape and the team size alone; so do the bits.
 *
 * <p>Threading: thread-safe as long as no two callers write the same matrix.
 */
public final class Blas {
  /** FLOP of one backend call in float32, about 3 ms at 100 GFLOP/s. */
  private static final double CALL_FLOP = 3e8;

  private static final Backends BACKENDS = new Backends(constructors());

  private final BlasBackend backend;
  private final BatchInvariance invariance;

  Blas(BlasBackend backend) {
    this.backend = backend;
    this.invariance = new BatchInvariance(this, backend);
  }

  /**
   * The backend of that name: auto, onednn, openblas, netlib or java; one instance per name.
   *
   * @throws IllegalArgumentException if there is no such name
   * @throws IllegalStateException if that backend can't load, with the cause
   */
  public static Blas named(String name) {
    return BACKENDS.named(name);
  }

  private static SequencedMap<String, Supplier<BlasBackend>> constructors() {
    SequencedMap<String, Supplier<BlasBackend>> fastestFirst = new LinkedHashMap<>();
    fastestFirst.put("onednn", OneDnnBackend::new);
    fastestFirst.put("openblas", OpenBlasBackend::new);
    fastestFirst.put("netlib", NetlibBackend::new);
    fastestFirst.put("java", JavaBackend::new);
    return fastestFirst;
  }

  /**
   * The backend that system property {@code ebflow.backend} names, by default the fastest that
   * loads; logs one line saying which.
   */
  public static Blas auto() {
    return named(System.getProperty("ebflow.backend", "auto"));
  }

  /**
   * Products that are batch-invariant for every shape: the bits of a row of op(a)·op(b) depend
   * neither on the other rows of op(a), nor on their number, nor on the row's place among them.
   * What must be reproducible row by row, as a score, is computed by them, or by a faster backend
   * for which {@link #isBatchInvariant} holds.
   *
   * <p>It is the java backend, which is batch-invariant by construction.
   */
  public static Blas batchInvariant() {
    return named("java");
  }

  /**
   * Whether x·weightᵀ gives a row of x the same bits wherever it stands among {@code rows} rows,
   * and among {@code few}. In a native kernel the order of a sum may depend on the row's place, as
   * in OpenBLAS's float32 kernel for AVX2. It depends on the shape alone and not on the numbers, so
   * that multiplying equal rows shows it. This test runs once per shape.
   *
   * @param few at most {@code rows}
   * @param weight read for its shape and format only
   */
  public boolean isBatchInvariant(int few, int rows, Operand weight) {
    return backend instanceof JavaBackend
        || invariance.holds(few, rows, weight, BatchInvariance.Form.PLAIN);
  }

  /**
   * Packs a weight for products x·weightᵀ of {@code rows} rows, and of {@code few}. Returns null
   * where the backend has no packed form of it, or is not batch-invariant with it ({@link
   * #isBatchInvariant}). Where it is so among {@code rows} only, products of fewer rows are
   * computed with as many.
   *
   * @param few at most {@code rows}
   * @param weight [n,k], read
   */
  public @Nullable PackedWeight pack(int few, int rows, Operand weight) {
    return pack(few, rows, BatchInvariance.Form.PACKED, weight);
  }

  /**
   * A weight as it is, for batch-invariant products x·weightᵀ of {@code few} or {@code rows} rows,
   * and of no other number. Null where the backend is not batch-invariant with it ({@link
   * #isBatchInvariant}).
   *
   * @param few at most {@code rows}
   * @param weight [n,k], read; not to be changed
   */
  public @Nullable PackedWeight keep(int few, int rows, Operand weight) {
    return isBatchInvariant(few, rows, weight)
        ? new PackedWeight(new KeptOperand(this, weight, few, rows), weight, 0)
        : null;
  }

  /**
   * As {@link #pack} for a square weight that is zero below its diagonal. Most products with these
   * zeros are left out.
   *
   * @param few at most {@code rows}
   * @param weight [n,n], read
   */
  public @Nullable PackedWeight packUpperTriangular(int few, int rows, Operand weight) {
    if (weight.rows() != weight.columns()) {
      throw new IllegalArgumentException(
          "Blas.packUpperTriangular: weight is " + weight + ", expected a square matrix");
    }
    return pack(few, rows, BatchInvariance.Form.PACKED_UPPER, weight);
  }

  /**
   * Whether {@link #packUpperTriangular} can pack a weight like this one. The test runs once per
   * shape.
   *
   * @param few at most {@code rows}
   * @param weight [n,n], read for its shape and format only
   */
  public boolean packsUpperTriangular(int few, int rows, Operand weight) {
    return weight.rows() > 0
        && weight.rows() == weight.columns()
        && (invariance.holds(few, rows, weight, BatchInvariance.Form.PACKED_UPPER)
            || invariance.holds(rows, rows, weight, BatchInvariance.Form.PACKED_UPPER));
  }

  private @Nullable PackedWeight pack(
      int few, int rows, BatchInvariance.Form form, Operand weight) {
    if (weight.rows() == 0 || weight.columns() == 0) {
      return null;
    }
    PackedOperand packed = backend.pack(rows, form == BatchInvariance.Form.PACKED_UPPER, weight);
    if (packed == null) {
      return null;
    }
    if (invariance.holds(few, rows, weight, form)) {
      return new PackedWeight(packed, weight, 0);
    }
    if (invariance.holds(rows, rows, weight, form)) { // few rows are computed as many
      return new PackedWeight(packed, weight, rows);
    }
    packed.close();
    return null;
  }

  /** Name of the backend in use. */
  public String name() {
    return backend.name();
  }

  /** Library and version, for provenance. */
  public String version() {
    return backend.version();
  }

  /**
   * Whether operands may be {@link BFloat16Matrix}: with onednn, on processors with bfloat16
   * instructions (AVX-512 BF16, AMX).
   */
  public boolean multipliesBFloat16() {
    return backend.multipliesBFloat16();
  }

  /**
   * c ← alpha·op(a)·op(b) + beta·c on the calling thread. Both operands have the precision of c, or
   * both are bfloat16 and c is float32. The sums have the precision of c.
   *
   * @param a read, [m,k], or [k,m] when transposed
   * @param b read, [k,n], or [n,k] when transposed
   * @param c overwritten, [m,n], overlapping neither a nor b; not read when beta is 0
   */
  public void multiply(
      boolean transposeA,
      Operand a,
      boolean transposeB,
      Operand b,
      double alpha,
      double beta,
      Matrix c) {
    check(transposeA, a, transposeB, b, c);
    multiplyTile(transposeA, a, transposeB, b, alpha, beta, c, 0, c.rows(), 0, c.columns());
  }

  /**
   * The same product, shared by the workers of a team. Every worker calls it with the same matrices
   * and computes its own tile of c. There is no barrier inside.
   *
   * @param a read, [m,k], or [k,m] when transposed
   * @param b read, [k,n], or [n,k] when transposed
   * @param c overwritten, [m,n], overlapping neither a nor b; not read when beta is 0
   */
  public void multiply(
      Worker worker,
      boolean transposeA,
      Operand a,
      boolean transposeB,
      Operand b,
      double alpha,
      double beta,
      Matrix c) {
    check(transposeA, a, transposeB, b, c);
    int m = c.rows();
    int n = c.columns();
    int down = TilePlan.down(m, n, worker.size());
    int across = TilePlan.across(down, worker.size());
    int row = worker.rank() / across;
    int column = worker.rank() % across;
    if (row < down) {
      multiplyTile(
          transposeA,
          a,
          transposeB,
          b,
          alpha,
          beta,
          c,
          TilePlan.bound(m, TilePlan.ROW_UNIT, down, row),
          TilePlan.bound(m, TilePlan.ROW_UNIT, down, row + 1),
          TilePlan.bound(n, TilePlan.COLUMN_UNIT, across, column),
          TilePlan.bound(n, TilePlan.COLUMN_UNIT, across, column + 1));
    }
  }

  /**
   * LU factorisation of a square matrix in the given precision; {@code a} is not modified. {@link
   * Lu#factorize} reuses the result's memory for another matrix.
   */
  public Lu factorize(Matrix a, Precision precision) {
    if (a.rows() != a.columns()) {
      throw new IllegalArgumentException(
          "Blas.factorize: a is " + a + ", expected a square matrix");
    }
    Lu lu = new Lu(a.rows() == 0 ? null : backend.newLu(precision, a.rows()), precision, a.rows());
    lu.factorize(a);
    return lu;
  }

  /**
   * LU factorisation of a banded matrix [n,n] in float64. {@link BandedLu#factorize} reuses the
   * result's memory for another matrix.
   *
   * @param lower diagonals below the main one that may be other than zero
   * @param upper diagonals above it
   * @param rows gives the rows of the matrix
   * @throws IllegalArgumentException if n, lower or upper is negative, or the factors' n·(lower +
   *     2·upper + 1) numbers do not fit one array
   */
  public BandedLu factorizeBanded(int n, int lower, int upper, BandedLu.Row rows) {
    BandedLu lu = BandedLu.allocate(backend, n, lower, upper);
    lu.factorize(rows);
    return lu;
  }

  /**
   * R of the QR factorisation a = Q·R, Q orthogonal, computed in float64: ‖R·x‖ = ‖a·x‖ for every
   * x. The signs of its rows are arbitrary.
   *
   * @param a read, [m,n], in any precision
   * @param r overwritten, [m,n], in any precision, not overlapping a: zero below the diagonal
   */
  public void triangularFactor(Matrix a, Matrix r) {
    if (a.rows() != r.rows() || a.columns() != r.columns()) {
      throw new IllegalArgumentException(
          "Blas.triangularFactor: r is " + r + ", expected the shape of " + a);
    }
    if (a.size() > 0) {
      backend.triangularFactor(a, r);
    }
  }

  /**
   * Eigenvalues and eigenvectors of a symmetric matrix, computed in float64. The signs of the
   * eigenvectors are arbitrary.
   *
   * @param symmetric read, [n,n], in any precision; one of its triangles
   * @throws ArithmeticException if an element is not finite, or the iteration does not converge
   */
  public SymmetricEigen symmetricEigen(Matrix symmetric) {
    int n = symmetric.rows();
    if (n != symmetric.columns()) {
      throw new IllegalArgumentException(
          "Blas.symmetricEigen: a is " + symmetric + ", expected a square matrix");
    }
    for (int r = 0; r < n; r++) {
      for (int c = 0; c < n; c++) {
        if (!Double.isFinite(symmetric.get(r, c))) {
          throw new ArithmeticException(
              "Blas.symmetricEigen: element (" + r + "," + c + ") is " + symmetric.get(r, c));
        }
      }
    }
    Matrix values = Matrix.allocate(Precision.FLOAT64, 1, n);
    Matrix vectors = Matrix.allocate(Precision.FLOAT64, n, n);
    if (n > 0) {
      backend.symmetricEigen(symmetric, values, vectors);
    }
    return new SymmetricEigen(values, vectors);
  }

  private void multiplyTile(
      boolean transposeA,
      Operand a,
      boolean transposeB,
      Operand b,
      double alpha,
      double beta,
      Matrix c,
      int fromRow,
      int toRow,
      int fromColumn,
      int toColumn) {
    int rows = toRow - fromRow;
    int columns = toColumn - fromColumn;
    int k = transposeA ? a.rows() : a.columns();
    if (rows == 0 || columns == 0) {
      return;
    }
    if (k == 0 || alpha == 0) {
      scale(beta, c, fromRow, toRow, fromColumn, toColumn);
      return;
    }
    double most = CALL_FLOP / (2.0 * k * cost(a));
    int rowStep = TilePlan.rowsPerCall(rows, columns, most);
    int columnStep = TilePlan.columnsPerCall(columns, most / rowStep);
    for (int r = fromRow; r < toRow; r += rowStep) {
      for (int column = fromColumn; column < toColumn; column += columnStep) {
        multiplyBlock(
            transposeA,
            a,
            transposeB,
            b,
            alpha,
            beta,
            c,
            r,
            Math.min(rowStep, toRow - r),
            column,
            Math.min(columnStep, toColumn - column),
            k);
      }
    }
  }

  /** Time of one multiplication, relative to one in float32. */
  private static double cost(Operand operand) {
    if (operand instanceof Matrix exact) {
      return exact.precision() == Precision.FLOAT32 ? 1 : 2;
    }
    return 0.5;
  }

  private void multiplyBlock(
      boolean transposeA,
      Operand a,
      boolean transposeB,
      Operand b,
      double alpha,
      double beta,
      Matrix c,
      int row,
      int m,
      int column,
      int n,
      int k) {
    int aFrom = a.offset() + (transposeA ? row : row * a.stride());
    int bFrom = b.offset() + (transposeB ? column * b.stride() : column);
    int cFrom = c.offset() + row * c.stride() + column;
    if (a instanceof Matrix left && b instanceof Matrix right) {
      backend.multiply(
          transposeA, transposeB, m, n, k, alpha, left, aFrom, right, bFrom, beta, c, cFrom);
    } else {
      backend.multiplyBFloat16(
          transposeA,
          transposeB,
          m,
          n,
          k,
          alpha,
          (BFloat16Matrix) a,
          aFrom,
          (BFloat16Matrix) b,
          bFrom,
          beta,
          c,
          cFrom);
    }
  }

  /** c ← beta·c: a product whose sums have no terms. */
  private static void scale(
      double beta, Matrix c, int fromRow, int toRow, int fromColumn, int toColumn) {
    for (int r = fromRow; r < toRow; r++) {
      for (int column = fromColumn; column < toColumn; column++) {
        c.set(r, column, beta == 0 ? 0 : beta * c.get(r, column));
      }
    }
  }

  private static void check(
      boolean transposeA, Operand a, boolean transposeB, Operand b, Matrix c) {
    int m = transposeA ? a.columns() : a.rows();
    int k = transposeA ? a.rows() : a.columns();
    int n = transposeB ? b.rows() : b.columns();
    boolean fits = k == (transposeB ? b.columns() : b.rows()) && c.rows() == m && c.columns() == n;
    if (!fits || !ofOneKind(a, b, c)) {
      throw new IllegalArgumentException(
          "Blas.multiply: a is "
              + a
              + (transposeA ? " transposed" : "")
              + ", b is "
              + b
              + (transposeB ? " transposed" : "")
              + ", c is "
              + c
              + ", expected [m,k]·[k,n] into [m,n] in one precision, or of BFLOAT16 into FLOAT32");
    }
    if ((a instanceof Matrix left && c.overlaps(left))
        || (b instanceof Matrix right && c.overlaps(right))) {
      throw new IllegalArgumentException(
          "Blas.multiply: c " + c + " shares elements with a " + a + " or b " + b);
    }
  }

  private static boolean ofOneKind(Operand a, Operand b, Matrix c) {
    if (a instanceof Matrix left && b instanceof Matrix right) {
      return left.precision() == c.precision() && right.precision() == c.precision();
    }
    return a instanceof BFloat16Matrix
        && b instanceof BFloat16Matrix
        && c.precision() == Precision.FLOAT32;
  }
}
