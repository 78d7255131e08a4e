/** Ceilings of this machine and training steps beside them, measured in one run. */
@NullMarked
package org.ebflow.benchmarks;

import org.jspecify.annotations.NullMarked;
