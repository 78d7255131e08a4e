package org.ebflow.linalg;

/**
 * The library's elementwise functions in one precision. Formulas: docs/derivations/elementwise.md.
 *
 * @param smoothLeakyRelu a·x + b·softplus(x), parameters [1,2]: a and b, both positive; keeps
 *     sigmoid(x)
 * @param logit (log x - log(1-x))/α on (0,1), parameters [1,2]: 1/α and α
 * @param monotoneSpline a spline with trainable slopes per column; parameters are its table
 * @param swish x·sigmoid(βx), parameters [1,width]: the trainable β of each column
 * @param elu x for x &gt; 0, else eˣ - 1; parameters [1,0]
 * @param leakyRelu x for x &gt; 0, else a·x; parameters [1,1]: a, zero for ReLU
 * @param tanh a·tanh(b·x), parameters [1,2]: a and b
 */
public record ElementwiseFunctions(
    ElementwiseBijection smoothLeakyRelu,
    ElementwiseBijection logit,
    MonotoneSplineFunction monotoneSpline,
    ElementwiseFunction swish,
    ElementwiseFunction elu,
    ElementwiseFunction leakyRelu,
    ElementwiseFunction tanh) {}
