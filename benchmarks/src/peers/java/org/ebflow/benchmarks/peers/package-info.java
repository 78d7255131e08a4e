/**
 * The library beside libtorch, as separate processes in turns. Compiled by profile {@code peers}
 * only.
 */
@NullMarked
package org.ebflow.benchmarks.peers;

import org.jspecify.annotations.NullMarked;
