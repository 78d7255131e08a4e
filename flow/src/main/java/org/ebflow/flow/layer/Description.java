package org.ebflow.flow.layer;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What a file says of a layer: its type and the numbers it is made from, read with a check of their
 * kinds.
 *
 * <p>All methods throw {@link IllegalArgumentException} when the entry is missing or of another
 * kind.
 */
public final class Description {
  /** Largest number of units, channels or pixels that is accepted from a file. */
  private static final int MOST_COUNTED = 1 << 16;

  /** Largest index that is accepted from a file. */
  private static final int MOST_INDEX = 1 << 24;

  private final Map<String, Object> map;

  /** Of what JSON holds. */
  Description(Map<String, Object> map) {
    this.map = map;
  }

  /**
   * The description of a layer, for {@link Layer#description}: its entries keep their order, so
   * that files of one model are the same bytes.
   *
   * @param keysAndValues a key, its value, the next key …: texts, numbers, booleans, lists and
   *     further descriptions
   */
  public static Map<String, Object> of(String type, Object... keysAndValues) {
    Map<String, Object> result = new LinkedHashMap<>();
    result.put("type", type);
    for (int i = 0; i < keysAndValues.length; i += 2) {
      result.put((String) keysAndValues[i], keysAndValues[i + 1]);
    }
    return result;
  }

  /** Whether there is such an entry. */
  public boolean has(String key) {
    return map.get(key) != null;
  }

  private <T> T value(String key, Class<T> kind) {
    Object value = map.get(key);
    if (!kind.isInstance(value)) {
      throw new IllegalArgumentException(
          key + " is " + value + ", expected a " + kind.getSimpleName());
    }
    return kind.cast(value);
  }

  /** A text. */
  public String text(String key) {
    return value(key, String.class);
  }

  /** True or false. */
  public boolean flag(String key) {
    return value(key, Boolean.class);
  }

  /** Any number. */
  public double number(String key) {
    return value(key, Number.class).doubleValue();
  }

  /** A whole number of at least 1. */
  public int count(String key) {
    return whole(key, number(key), 1, MOST_COUNTED);
  }

  /** A whole number of at least 0. */
  public int index(String key) {
    return whole(key, number(key), 0, MOST_INDEX);
  }

  private static int whole(String key, double value, int least, int most) {
    if (!(value >= least && value <= most && value == Math.rint(value))) {
      throw new IllegalArgumentException(
          key + " is " + value + ", expected a whole number from " + least + " to " + most);
    }
    return (int) value;
  }

  /** A list of numbers. */
  public double[] numbers(String key) {
    return list(key).stream()
        .mapToDouble(
            element -> {
              if (!(element instanceof Number number)) {
                throw new IllegalArgumentException(key + " holds " + element);
              }
              return number.doubleValue();
            })
        .toArray();
  }

  private List<?> list(String key) {
    return value(key, List.class);
  }

  /** A list of whole numbers of at least 0. */
  public int[] indices(String key) {
    double[] numbers = numbers(key);
    int[] result = new int[numbers.length];
    for (int i = 0; i < result.length; i++) {
      result[i] = whole(key, numbers[i], 0, MOST_INDEX);
    }
    return result;
  }

  /** A layer on rows of that shape. */
  public Layer layer(String key, Shape input) {
    return LayerTypes.make(nested(value(key, Map.class)), input);
  }

  /** Layers one after the other, the first on rows of that shape. */
  public List<Layer> layers(String key, Shape input) {
    List<Layer> result = new ArrayList<>();
    Shape shape = input;
    for (Object element : list(key)) {
      Layer layer = LayerTypes.make(nested(element), shape);
      result.add(layer);
      shape = layer.outputShape(shape);
    }
    return result;
  }

  /** Maps one after the other, the first on rows of that shape. */
  public List<DifferentiableMap> maps(String key, Shape input) {
    List<DifferentiableMap> result = new ArrayList<>();
    Shape shape = input;
    for (Object element : list(key)) {
      DifferentiableMap map = MapTypes.make(nested(element), shape);
      result.add(map);
      shape = map.outputShape(shape);
    }
    return result;
  }

  /** Maps side by side, all on rows of that shape. */
  public List<DifferentiableMap> mapsOf(String key, Shape input) {
    List<DifferentiableMap> result = new ArrayList<>();
    for (Object element : list(key)) {
      result.add(MapTypes.make(nested(element), input));
    }
    return result;
  }

  /** A description within this one. */
  public Description part(String key) {
    return new Description(nested(value(key, Map.class)));
  }

  /**
   * A description as JSON holds it.
   *
   * @throws IllegalArgumentException if it is no object of JSON
   */
  @SuppressWarnings("unchecked") // objects of JSON have texts as keys
  public static Map<String, Object> nested(@Nullable Object json) {
    if (!(json instanceof Map<?, ?> map)) {
      throw new IllegalArgumentException(json + " is no description of a layer or map");
    }
    return (Map<String, Object>) map;
  }
}
