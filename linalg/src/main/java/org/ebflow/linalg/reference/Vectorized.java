package org.ebflow.linalg.reference;

import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

/**
 * Marks a class {@code FloatX} of which the build derives {@code FloatVectorX} in the package
 * {@code simd}: every loop {@code for (int i = 0; i < n; i++)} runs over vectors there, the rest of
 * the class is the same (docs/decisions/0028).
 *
 * <p>Such a loop reads elements by {@link FloatElements#at} and writes them by {@link
 * FloatElements#set}, at indices {@code i} or {@code base + i}; {@link FloatElements#pick} gathers
 * elements by an array of indices. It declares and assigns float locals and knows + - × ÷, {@code
 * Math.fma}, {@code Math.abs}, {@link FloatElements#sqrt} and {@code condition ? a : b} with one
 * comparison. The build fails on anything else. A loop over another variable, such as one that
 * reads a table, stays as it is.
 */
@Retention(RetentionPolicy.SOURCE)
@Target(ElementType.TYPE)
@interface Vectorized {}
