/** The system's BLAS, called through netlib's JNI binding. */
@NullMarked
package org.ebflow.linalg.netlib;

import org.jspecify.annotations.NullMarked;
