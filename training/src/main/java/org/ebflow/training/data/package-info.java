/**
 * Data sets: reading tables and images, the named data sets of the recipes, splits and epoch
 * orders.
 *
 * <p>CSV is read with FastCSV, numbers with FastDoubleParser. NPY is read and written by a small
 * codec of our own: the libraries found on Maven Central (org.openlca:npy, org.jetbrains.bio:npy)
 * are small and rarely released, and one asks for Kotlin's runtime, while scoring needs rows in
 * constant memory and every size checked before memory is asked for.
 *
 * <p>Whatever is wrong with a file is an {@link org.ebflow.flow.InvalidInputException} of one line:
 * file, expected, found.
 */
@NullMarked
package org.ebflow.training.data;

import org.jspecify.annotations.NullMarked;
