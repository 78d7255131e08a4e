package org.ebflow.linalg.reference;

import static org.ebflow.linalg.reference.FloatElements.at;
import static org.ebflow.linalg.reference.FloatElements.set;
import static org.ebflow.linalg.reference.FloatElements.sqrt;

import org.ebflow.linalg.Matrix;

/**
 * The quantile function Φ⁻¹ of the standard normal distribution in float32, on its lower half.
 *
 * <p>Source: Wichura 1988, algorithm AS 241 (PPND16), whose third range is left out.
 */
@Vectorized
public final class FloatNormalQuantile {
  /** Least tail that is accurate. */
  public static final float LEAST = 1.4e-11f;

  private FloatNormalQuantile() {}

  /**
   * t ← Φ⁻¹(t) for {@link #LEAST} ≤ t ≤ ½, over {@code n} elements.
   *
   * @param t overwritten from element {@code from} on
   * @param minusLog overwritten from element 0 on by -log t
   */
  @SuppressWarnings("FloatingPointLiteralPrecision") // digits for the float64 twin
  public static void ofTails(Matrix t, Matrix minusLog, int from, int n) {
    System.arraycopy(t.floats(), t.offset() + from, minusLog.floats(), minusLog.offset(), n);
    FloatPolynomials.log(-1f, minusLog.floats(), minusLog.offset(), n);
    for (int i = 0; i < n; i++) {
      float tail = at(t, from + i);
      float q = tail - 0.5f;
      float c = Math.fma(-q, q, 0.180625f);
      float a = 2509.0809287301226727f;
      a = Math.fma(a, c, 33430.575583588128105f);
      a = Math.fma(a, c, 67265.770927008700853f);
      a = Math.fma(a, c, 45921.953931549871457f);
      a = Math.fma(a, c, 13731.693765509461125f);
      a = Math.fma(a, c, 1971.5909503065514427f);
      a = Math.fma(a, c, 133.14166789178437745f);
      a = Math.fma(a, c, 3.387132872796366608f);
      float b = 5226.495278852854561f;
      b = Math.fma(b, c, 28729.085735721942674f);
      b = Math.fma(b, c, 39307.89580009271061f);
      b = Math.fma(b, c, 21213.794301586595867f);
      b = Math.fma(b, c, 5394.1960214247511077f);
      b = Math.fma(b, c, 687.1870074920579083f);
      b = Math.fma(b, c, 42.313330701600911252f);
      b = Math.fma(b, c, 1f);
      float w = sqrt(at(minusLog, i)) - 1.6f;
      float u = 7.7454501427834140764e-4f;
      u = Math.fma(u, w, 0.0227238449892691845833f);
      u = Math.fma(u, w, 0.24178072517745061177f);
      u = Math.fma(u, w, 1.27045825245236838258f);
      u = Math.fma(u, w, 3.64784832476320460504f);
      u = Math.fma(u, w, 5.7694972214606914055f);
      u = Math.fma(u, w, 4.6303378461565452959f);
      u = Math.fma(u, w, 1.42343711074968357734f);
      float v = 1.05075007164441684324e-9f;
      v = Math.fma(v, w, 5.475938084995344946e-4f);
      v = Math.fma(v, w, 0.0151986665636164571966f);
      v = Math.fma(v, w, 0.14810397642748007459f);
      v = Math.fma(v, w, 0.68976733498510000455f);
      v = Math.fma(v, w, 1.6763848301838038494f);
      v = Math.fma(v, w, 2.05319162663775882187f);
      v = Math.fma(v, w, 1f);
      set(t, from + i, tail >= 0.075f ? q * (a / b) : -(u / v));
    }
  }
}
