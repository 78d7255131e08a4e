/** Native libraries that JavaCPP packages, called through the foreign function interface. */
@NullMarked
package org.ebflow.linalg.javacpp;

import org.jspecify.annotations.NullMarked;
