package org.ebflow.linalg;

import org.jspecify.annotations.Nullable;

/** The matrices of orders 0, 1 and 2 of one jet; orders that do not exist are null. */
public record Streams(Matrix order0, @Nullable Matrix order1, @Nullable Matrix order2) {}
