/**
 * Training of flows: the trainer, its runs and their steps, the baselines a run is compared with,
 * and the folder it leaves behind.
 */
@NullMarked
package org.ebflow.training;

import org.jspecify.annotations.NullMarked;
