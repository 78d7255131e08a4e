/** What a BLAS library must do for the facade. */
@NullMarked
package org.ebflow.linalg.backend;

import org.jspecify.annotations.NullMarked;
