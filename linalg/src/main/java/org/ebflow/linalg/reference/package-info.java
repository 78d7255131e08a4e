/**
 * Readable scalar loops: the oracle of every kernel test, and the fallback where the vector module
 * is missing.
 */
@NullMarked
package org.ebflow.linalg.reference;

import org.jspecify.annotations.NullMarked;
