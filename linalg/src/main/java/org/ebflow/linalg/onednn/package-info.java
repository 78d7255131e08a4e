/**
 * oneDNN's products, called through the foreign function interface on heap arrays; the only
 * importer of its JavaCPP types.
 */
@NullMarked
package org.ebflow.linalg.onednn;

import org.jspecify.annotations.NullMarked;
