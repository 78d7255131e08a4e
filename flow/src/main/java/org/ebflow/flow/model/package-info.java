/** Architectures, built from configuration records. */
@NullMarked
package org.ebflow.flow.model;

import org.jspecify.annotations.NullMarked;
