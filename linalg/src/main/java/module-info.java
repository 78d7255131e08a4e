import org.jspecify.annotations.NullMarked;

/**
 * Matrices over heap arrays, BLAS behind one facade, LU, elementwise kernels, counter-based noise
 * and the team of threads.
 *
 * <p>The backends and the kernels' implementations are not exported. On the module path, add the
 * native libraries' modules (such as {@code org.bytedeco.openblas.linux.x86_64}) by {@code
 * --add-modules}.
 */
@NullMarked
module org.ebflow.linalg {
  requires static transitive org.jspecify;
  requires static jdk.incubator.vector;
  requires org.bytedeco.javacpp;
  requires org.bytedeco.openblas;
  requires dev.ludovic.netlib.blas;

  exports org.ebflow.linalg;
}
