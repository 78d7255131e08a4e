/** Verification of gradients against finite differences. */
@NullMarked
package org.ebflow.training.check;

import org.jspecify.annotations.NullMarked;
