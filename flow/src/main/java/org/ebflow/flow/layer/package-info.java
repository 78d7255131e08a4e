/** The layers: one file each, parameters, forward, backward, inverse. */
@NullMarked
package org.ebflow.flow.layer;

import org.jspecify.annotations.NullMarked;
