/** Scoring on Spark: a Spark ML transformer and a program for spark-submit. */
@NullMarked
package org.ebflow.spark;

import org.jspecify.annotations.NullMarked;
