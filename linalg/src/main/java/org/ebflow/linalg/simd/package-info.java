/**
 * Kernels on the vector module. Every element has the very bits of its twin in {@code reference};
 * sums over a row differ by rounding only, and add in an order fixed by code and lane count.
 *
 * <p>Two rules keep them from allocating, whatever ran before in a JVM: no vector is passed to or
 * returned from a method here, and every element type has vectors of one width. Where either fails,
 * it depends on the compiler's profile whether a vector becomes an object.
 */
@NullMarked
package org.ebflow.linalg.simd;

import org.jspecify.annotations.NullMarked;
