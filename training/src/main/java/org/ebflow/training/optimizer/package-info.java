/** Parameter updates: moments, decay, clipping, schedule and averaging, in one pass over memory. */
@NullMarked
package org.ebflow.training.optimizer;

import org.jspecify.annotations.NullMarked;
