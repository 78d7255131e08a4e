package org.ebflow.training.data;

import java.util.List;
import java.util.stream.IntStream;

/**
 * Which columns of a file became the values of a row.
 *
 * @param width columns of the file
 * @param places of the values in the file, from 0, in the values' order
 */
public record ColumnPlaces(int width, List<Integer> places) {
  /** Refuses places beyond the width. */
  public ColumnPlaces {
    places = List.copyOf(places);
    if (places.stream().anyMatch(place -> place < 0 || place >= width)) {
      throw new IllegalArgumentException("places are " + places + ", expected 0 to below " + width);
    }
  }

  static ColumnPlaces of(int width, int[] cells) {
    return new ColumnPlaces(width, IntStream.of(cells).boxed().toList());
  }

  static int[] all(int width) {
    return IntStream.range(0, width).toArray();
  }

  /** Whether they are all columns in the file's order. */
  boolean isAll() {
    return places.size() == width
        && IntStream.range(0, width).allMatch(place -> places.get(place) == place);
  }

  int[] cells() {
    return places.stream().mapToInt(Integer::intValue).toArray();
  }
}
