/** What one training step minimises: one file per objective. */
@NullMarked
package org.ebflow.training.objective;

import org.jspecify.annotations.NullMarked;
