package org.ebflow.training.recipe;

import java.util.Collection;
import java.util.Comparator;
import org.apache.commons.text.similarity.LevenshteinDistance;

/** What a mistyped name was meant to be. */
final class SpellingSuggestion {
  private SpellingSuggestion() {}

  /**
   * The name with the fewest insertions, deletions and replacements, the first of several; "none"
   * if there are no names.
   */
  static String to(String word, Collection<String> names) {
    LevenshteinDistance distance = LevenshteinDistance.getDefaultInstance();
    return names.stream()
        .min(Comparator.comparingInt(name -> distance.apply(word, name)))
        .orElse("none");
  }
}
