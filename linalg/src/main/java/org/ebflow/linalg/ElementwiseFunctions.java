package org.ebflow.linalg;

/**
 * The library's elementwise functions in one precision. Formulas: docs/derivations/elementwise.md.
 *
 * @param smoothLeakyRelu a·x + b·softplus(x), parameters [1,2]: a and b, both positive; keeps
 *     sigmoid(x)
 * @param logit (log x - log(1-x))/α on (0,1), parameters [1,2]: 1/α and α
 * @param monotoneSpline a spline with trainable slopes per column; parameters are its table
 * @param histogramGaussianization Φ⁻¹(F_c(x)), F_c linear on each cell [k, k+1) of column c, 0 ≤ k
 *     &lt; n, and the tangents of f beyond; parameters [width,3n]: for every cell F at its left
 *     edge, 1-F at its right edge, and its mass. 1e-10 or more lies below the first cell and above
 *     the last
 * @param quantileGaussianization a rational quadratic spline through the n knots of column c, and z
 *     ± log(1 + a·s·e)/a at distance e beyond the outermost, where the value is z and the slope s;
 *     parameters [width,3n+2]: for every knot its place, the value and the slope there, then a of
 *     the lower and of the upper tail. Places and values increase; the last knot may be repeated
 * @param swish x·sigmoid(βx), parameters [1,width]: the trainable β of each column
 * @param elu x for x &gt; 0, else eˣ - 1; parameters [1,0]
 * @param leakyRelu x for x &gt; 0, else a·x; parameters [1,1]: a, zero for ReLU
 * @param tanh a·tanh(b·x), parameters [1,2]: a and b
 */
public record ElementwiseFunctions(
    ElementwiseBijection smoothLeakyRelu,
    ElementwiseBijection logit,
    MonotoneSplineFunction monotoneSpline,
    ElementwiseBijection histogramGaussianization,
    ElementwiseBijection quantileGaussianization,
    ElementwiseFunction swish,
    ElementwiseFunction elu,
    ElementwiseFunction leakyRelu,
    ElementwiseFunction tanh) {}
