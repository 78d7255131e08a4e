/** Recipes: everything that decides a run, as JSON. */
@NullMarked
package org.ebflow.training.recipe;

import org.jspecify.annotations.NullMarked;
