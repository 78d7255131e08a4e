/** Reference values from files, for the tests of every module that compares with them. */
@NullMarked
package org.ebflow.golden;

import org.jspecify.annotations.NullMarked;
