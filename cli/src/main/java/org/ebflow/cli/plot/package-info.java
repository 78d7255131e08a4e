/**
 * Pictures of a run as PNG files: curves, densities and samples of two-dimensional models, grids of
 * images.
 */
@NullMarked
package org.ebflow.cli.plot;

import org.jspecify.annotations.NullMarked;
