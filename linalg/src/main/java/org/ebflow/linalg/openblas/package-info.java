/**
 * OpenBLAS, called through the foreign function interface on heap arrays; the only importer of its
 * JavaCPP types.
 */
@NullMarked
package org.ebflow.linalg.openblas;

import org.jspecify.annotations.NullMarked;
