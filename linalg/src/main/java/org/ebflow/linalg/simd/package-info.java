/**
 * Kernels on the vector module. Every element has the very bits of its twin in {@code reference};
 * sums over a row differ by rounding only, and add in an order fixed by code and lane count.
 */
@NullMarked
package org.ebflow.linalg.simd;

import org.jspecify.annotations.NullMarked;
