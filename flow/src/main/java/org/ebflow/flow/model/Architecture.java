package org.ebflow.flow.model;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.ebflow.flow.Flow;
import org.ebflow.flow.InvalidInputException;
import org.ebflow.flow.Layer;
import org.ebflow.flow.layer.ActNorm;
import org.ebflow.flow.layer.Dense;
import org.ebflow.flow.layer.FixedAffine;
import org.ebflow.flow.layer.Logit;
import org.ebflow.flow.layer.MaskedAffineCoupling;
import org.ebflow.flow.layer.MaskedAffineCoupling.TranslationActivation;
import org.ebflow.flow.layer.SmoothLeakyRelu;
import org.ebflow.linalg.Precision;

/**
 * Layers as plain data (JSON objects) and back, so that a weights file can be loaded without the
 * code that trained it.
 */
public final class Architecture {
  private static final String CUSTOM = "custom";
  private static final String WEIGHT_NORMALISATION = "weight_normalisation";

  /** Largest width, and number of hidden layers, of a network that is built from a description. */
  private static final int MOST_UNITS = 1 << 16;

  private Architecture() {}

  /**
   * One map per layer: its type and the numbers it was made from. A layer of the user's own is
   * named, but can't be built again from that.
   */
  public static List<Map<String, Object>> describe(List<Layer> layers) {
    List<Map<String, Object>> result = new ArrayList<>();
    for (Layer layer : layers) {
      result.add(describe(layer));
    }
    return result;
  }

  private static Map<String, Object> describe(Layer layer) {
    Map<String, Object> map = new LinkedHashMap<>();
    switch (layer) {
      case Dense dense -> map.put("type", "dense");
      case ActNorm norm -> map.put("type", "actnorm");
      case SmoothLeakyRelu relu -> {
        map.put("type", "smooth_leaky_relu");
        map.put("alpha", relu.alpha());
        map.put("residual", relu.residual());
      }
      case FixedAffine affine -> {
        map.put("type", "fixed_affine");
        map.put("scale", affine.scale());
        map.put("shift", affine.shift());
      }
      case Logit logit -> {
        map.put("type", "logit");
        map.put("smoothness", logit.smoothness());
      }
      case MaskedAffineCoupling coupling -> {
        map.put("type", "masked_affine_coupling");
        map.put("mask", coupling.mask());
        map.put("width", coupling.width());
        map.put("hidden", coupling.hidden());
        map.put("activation", coupling.activation().name().toLowerCase(Locale.ROOT));
        if (coupling.weightNormalisation()) { // else absent, as in files that know of none
          map.put(WEIGHT_NORMALISATION, true);
        }
      }
      default -> {
        map.put("type", CUSTOM);
        map.put("name", layer.toString());
      }
    }
    return map;
  }

  /**
   * Layers from their descriptions.
   *
   * @param source named in errors
   * @throws InvalidInputException if a description is not one this library wrote, or is of a user's
   *     own layer
   */
  public static List<Layer> layers(
      int dimension, List<Map<String, Object>> descriptions, String source) {
    List<Layer> result = new ArrayList<>();
    for (int i = 0; i < descriptions.size(); i++) {
      try {
        result.add(layer(dimension, descriptions.get(i)));
      } catch (ClassCastException | IllegalArgumentException e) {
        throw new InvalidInputException(
            source
                + ": layer "
                + i
                + " is "
                + descriptions.get(i)
                + ", expected a layer of this library",
            e);
      }
    }
    return result;
  }

  private static Layer layer(int dimension, Map<String, Object> map) {
    String type = text(map, "type");
    return switch (type) {
      case "dense" -> new Dense(dimension);
      case "actnorm" -> new ActNorm(dimension);
      case "smooth_leaky_relu" ->
          new SmoothLeakyRelu(number(map, "alpha"), (Boolean) value(map, "residual"));
      case "fixed_affine" -> new FixedAffine(numbers(map, "scale"), numbers(map, "shift"));
      case "logit" -> new Logit(number(map, "smoothness"));
      case "masked_affine_coupling" ->
          new MaskedAffineCoupling(
              numbers(map, "mask"),
              count(map, "width"),
              count(map, "hidden"),
              TranslationActivation.valueOf(text(map, "activation").toUpperCase(Locale.ROOT)),
              map.containsKey(WEIGHT_NORMALISATION) && (Boolean) value(map, WEIGHT_NORMALISATION));
      case CUSTOM ->
          throw new IllegalArgumentException(
              "a layer of the user's own ("
                  + map.get("name")
                  + "): load it together with its flow");
      default -> throw new IllegalArgumentException("unknown layer type " + type);
    };
  }

  private static Object value(Map<String, Object> map, String key) {
    Object value = map.get(key);
    if (value == null) {
      throw new IllegalArgumentException("no " + key);
    }
    return value;
  }

  private static String text(Map<String, Object> map, String key) {
    return (String) value(map, key);
  }

  private static double number(Map<String, Object> map, String key) {
    return ((Number) value(map, key)).doubleValue();
  }

  private static int count(Map<String, Object> map, String key) {
    double value = number(map, key);
    if (!(value >= 1 && value <= MOST_UNITS && value == Math.rint(value))) {
      throw new IllegalArgumentException(key + " is " + value);
    }
    return (int) value;
  }

  private static double[] numbers(Map<String, Object> map, String key) {
    return ((List<?>) value(map, key))
        .stream().mapToDouble(value -> ((Number) value).doubleValue()).toArray();
  }

  /** A flow of these layers whose weights are still to be set. */
  public static Flow flow(int dimension, List<Layer> layers, Precision precision) {
    Flow.Builder builder = Flow.of(dimension).precision(precision);
    layers.forEach(builder::layer);
    return builder.build();
  }
}
