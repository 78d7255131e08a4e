/** Normalizing flows read as energy-based models: layers, jets, log-densities and log Z. */
@NullMarked
package org.ebflow.flow;

import org.jspecify.annotations.NullMarked;
