/**
 * Tables in and scores out: rows read, scored and written at the same time, in constant memory. CSV
 * is written with FastCSV.
 */
@NullMarked
package org.ebflow.cli.table;

import org.jspecify.annotations.NullMarked;
