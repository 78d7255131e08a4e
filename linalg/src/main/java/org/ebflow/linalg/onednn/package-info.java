/**
 * oneDNN's products, called through the foreign function interface. Of its JavaCPP artifact only
 * the native library is used, no Java type.
 */
@NullMarked
package org.ebflow.linalg.onednn;

import org.jspecify.annotations.NullMarked;
