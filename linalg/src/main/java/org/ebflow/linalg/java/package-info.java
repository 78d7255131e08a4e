/** The backend without native code: vectorised products, plain loops for LU. */
@NullMarked
package org.ebflow.linalg.java;

import org.jspecify.annotations.NullMarked;
