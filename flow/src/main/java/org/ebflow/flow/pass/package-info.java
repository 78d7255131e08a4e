/**
 * What a pass through a layer is made of: jets and their log-determinants, the weights that are
 * read, what forward keeps for backward, the gradients that backward leaves.
 */
@NullMarked
package org.ebflow.flow.pass;

import org.jspecify.annotations.NullMarked;
