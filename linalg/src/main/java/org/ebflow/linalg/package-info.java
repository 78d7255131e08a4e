/**
 * Dense matrices on heap arrays; products and factorisations by a native BLAS; vectorised kernels;
 * counter-based noise; and the team of threads that runs them.
 */
@NullMarked
package org.ebflow.linalg;

import org.jspecify.annotations.NullMarked;
