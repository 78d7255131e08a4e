/** Training of flows: the trainer, its run folder, and the trained flow it leaves behind. */
@NullMarked
package org.ebflow.training;

import org.jspecify.annotations.NullMarked;
