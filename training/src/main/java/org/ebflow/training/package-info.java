/** Training of flows: the trainer, its steps, and the run folder it leaves behind. */
@NullMarked
package org.ebflow.training;

import org.jspecify.annotations.NullMarked;
