/**
 * Normalizing flows read as energy-based models: the flow, a batch's pass through it, log-densities
 * and log Z, and the plan by which many rows are scored.
 */
@NullMarked
package org.ebflow.flow;

import org.jspecify.annotations.NullMarked;
