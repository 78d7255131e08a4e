package org.ebflow.linalg.java;

import org.ebflow.linalg.Matrix;
import org.ebflow.linalg.Precision;
import org.ebflow.linalg.backend.BlasBackend;
import org.ebflow.linalg.backend.LuFactors;
import org.ebflow.linalg.reference.DoubleGemmLoops;
import org.ebflow.linalg.reference.FloatGemmLoops;
import org.ebflow.linalg.reference.LuLoops;
import org.ebflow.linalg.simd.DoubleGemm;
import org.ebflow.linalg.simd.FloatGemm;

/**
 * Products on the vector module, or by plain loops where it is missing; LU by plain loops.
 *
 * <p>An element of a product depends on its row of op(a) and its column of op(b) alone, to the last
 * bit: on no other, nor on where the two stand.
 */
public final class JavaBackend implements BlasBackend {
  private final boolean vectors;

  /** Uses the vector module if the JVM was started with it. */
  public JavaBackend() {
    this(ModuleLayer.boot().findModule("jdk.incubator.vector").isPresent());
  }

  /** Uses the vector module or the plain loops. */
  public JavaBackend(boolean vectors) {
    this.vectors = vectors;
  }

  @Override
  public String name() {
    return "java";
  }

  @Override
  public String version() {
    return "Java "
        + Runtime.version()
        + (vectors ? ", vector module" : ", plain loops: the vector module is missing");
  }

  @Override
  public LuFactors newLu(Precision precision, int n) {
    return new LuLoops(n);
  }

  @Override
  public void multiply(
      boolean transposeA,
      boolean transposeB,
      int m,
      int n,
      int k,
      double alpha,
      Matrix a,
      int aFrom,
      Matrix b,
      int bFrom,
      double beta,
      Matrix c,
      int cFrom) {
    boolean single = c.precision() == Precision.FLOAT32;
    if (vectors && single) {
      FloatGemm.multiply(
          transposeA,
          transposeB,
          m,
          n,
          k,
          (float) alpha,
          a.floats(),
          aFrom,
          a.stride(),
          b.floats(),
          bFrom,
          b.stride(),
          (float) beta,
          c.floats(),
          cFrom,
          c.stride());
    } else if (vectors) {
      DoubleGemm.multiply(
          transposeA,
          transposeB,
          m,
          n,
          k,
          alpha,
          a.doubles(),
          aFrom,
          a.stride(),
          b.doubles(),
          bFrom,
          b.stride(),
          beta,
          c.doubles(),
          cFrom,
          c.stride());
    } else if (single) {
      FloatGemmLoops.multiply(
          transposeA,
          transposeB,
          m,
          n,
          k,
          (float) alpha,
          a.floats(),
          aFrom,
          a.stride(),
          b.floats(),
          bFrom,
          b.stride(),
          (float) beta,
          c.floats(),
          cFrom,
          c.stride());
    } else {
      DoubleGemmLoops.multiply(
          transposeA,
          transposeB,
          m,
          n,
          k,
          alpha,
          a.doubles(),
          aFrom,
          a.stride(),
          b.doubles(),
          bFrom,
          b.stride(),
          beta,
          c.doubles(),
          cFrom,
          c.stride());
    }
  }
}
