/**
 * From rows of the data to rows of the model: dequantisation, and layers whose weights are fitted
 * to the training rows. Also what is odd in a table.
 */
@NullMarked
package org.ebflow.training.preprocessing;

import org.jspecify.annotations.NullMarked;
