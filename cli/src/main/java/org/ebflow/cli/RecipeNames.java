package org.ebflow.cli;

import java.util.Iterator;
import org.ebflow.training.recipe.Recipe;

/** Names of the built-in recipes, for the help. */
final class RecipeNames implements Iterable<String> {
  @Override
  public Iterator<String> iterator() {
    return Recipe.names().iterator();
  }
}
