package org.ebflow.training.data;

import org.ebflow.flow.layer.Shape;
import org.jspecify.annotations.Nullable;

/**
 * A line of the list of data sets.
 *
 * @param name as {@code --data} takes it
 * @param dimension values per row
 * @param imageShape how a row is a picture, or null
 * @param train rows to train on
 * @param validation rows to validate on
 * @param test rows to test on
 * @param licence terms of use and whom to credit, one line
 * @param present whether it can be read without a download
 */
public record DataSetInfo(
    String name,
    int dimension,
    @Nullable Shape imageShape,
    int train,
    int validation,
    int test,
    String licence,
    boolean present) {}
