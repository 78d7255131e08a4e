package org.ebflow.linalg;

/**
 * Eigenvalues and eigenvectors of a symmetric matrix, a = Vᵀ·diag(values)·V.
 *
 * @param values [1,n] float64, ascending
 * @param vectors V, [n,n] float64: row i is the eigenvector of value i, of length 1
 */
public record SymmetricEigen(Matrix values, Matrix vectors) {}
