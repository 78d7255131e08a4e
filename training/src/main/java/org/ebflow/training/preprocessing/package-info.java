/** From rows of the data to rows of the model: dequantisation, and layers without weights. */
@NullMarked
package org.ebflow.training.preprocessing;

import org.jspecify.annotations.NullMarked;
