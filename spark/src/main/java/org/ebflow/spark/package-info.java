/** Scoring and training on Spark: a Spark ML transformer, and programs for spark-submit. */
@NullMarked
package org.ebflow.spark;

import org.jspecify.annotations.NullMarked;
