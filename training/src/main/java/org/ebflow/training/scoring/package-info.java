/** Trained flows, their exact log-densities and samples. Needs nothing of training. */
@NullMarked
package org.ebflow.training.scoring;

import org.jspecify.annotations.NullMarked;
