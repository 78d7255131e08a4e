package org.ebflow.flow.layer;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SequencedMap;
import org.ebflow.flow.pass.Gradients;
import org.ebflow.flow.pass.Jet;
import org.ebflow.flow.pass.Parameter;
import org.ebflow.flow.pass.Workspace;
import org.jspecify.annotations.Nullable;

/**
 * Maps one after the other, y = f_n(… f_1(x)).
 *
 * <p>Keeps the jets between its parts and their cotangents, but for those that no part reads again;
 * those of the highest stream are computed once, by the score's pass. Parts may share weights.
 * Threading: immutable.
 */
public final class Composition implements DifferentiableMap {
  static final String TYPE = "composition";
  private static final int COTANGENTS = 100;

  private final List<DifferentiableMap> parts;

  /**
   * The first is applied first.
   *
   * @throws IllegalArgumentException if there is none, or one takes rows of another length than the
   *     one before gives
   */
  public Composition(List<DifferentiableMap> parts) {
    if (parts.isEmpty() || parts.size() > COTANGENTS) {
      throw new IllegalArgumentException(
          "Composition: " + parts.size() + " maps, expected 1 to " + COTANGENTS);
    }
    for (int i = 1; i < parts.size(); i++) {
      if (parts.get(i).inputs() != parts.get(i - 1).outputs()) {
        throw new IllegalArgumentException(
            "Composition: "
                + parts.get(i)
                + " takes "
                + parts.get(i).inputs()
                + " numbers, expected the "
                + parts.get(i - 1).outputs()
                + " of "
                + parts.get(i - 1));
      }
    }
    this.parts = List.copyOf(parts);
  }

  static Composition of(Description description, Shape input) {
    return new Composition(description.maps("maps", input));
  }

  @Override
  public List<Parameter> parameters() {
    return parts.stream().flatMap(part -> part.parameters().stream()).distinct().toList();
  }

  /** The maps' own names after the map's number: {@code 2.weight}. */
  @Override
  public SequencedMap<String, Parameter> parametersByName() {
    SequencedMap<String, Parameter> result = new LinkedHashMap<>();
    for (int i = 0; i < parts.size(); i++) {
      String prefix = i + ".";
      parts.get(i).parametersByName().forEach((name, block) -> result.put(prefix + name, block));
    }
    return result;
  }

  @Override
  public int inputs() {
    return parts.getFirst().inputs();
  }

  @Override
  public int outputs() {
    return parts.getLast().outputs();
  }

  @Override
  public long hiddenNumbers() {
    long numbers = -outputs();
    for (DifferentiableMap part : parts) {
      numbers += part.outputs() + part.hiddenNumbers();
    }
    return numbers;
  }

  @Override
  public Shape outputShape(Shape input) {
    Shape shape = input;
    for (DifferentiableMap part : parts) {
      shape = part.outputShape(shape);
    }
    return shape;
  }

  @Override
  public Map<String, Object> description() {
    return Description.of(TYPE, "maps", MapTypes.describe(parts));
  }

  @Override
  public void forward(Jet x, Jet y, Workspace kept, int fromOrder, int toOrder) {
    Jet input = x;
    int last = parts.size() - 1;
    for (int i = 0; i <= last; i++) {
      DifferentiableMap part = parts.get(i);
      Jet output = i == last ? y : between(i, kept);
      part.forward(input, output, kept.child(i), fromOrder, toOrder);
      input = output;
    }
  }

  @Override
  public void backward(
      Jet yBar, Workspace kept, Jet xBar, int toOrder, @Nullable Gradients gradients) {
    int order = yBar.order();
    int between = kept.afterScore() ? order - 1 : order;
    Jet outputBar = yBar;
    for (int i = parts.size() - 1; i >= 0; i--) {
      DifferentiableMap part = parts.get(i);
      Jet inputBar = i == 0 ? xBar : cotangentsBefore(i, kept, order, gradients != null);
      part.backward(outputBar, kept.child(i), inputBar, i == 0 ? toOrder : between, gradients);
      outputBar = inputBar;
    }
  }

  /** What part number i gives to the next. */
  private Jet between(int i, Workspace kept) {
    DifferentiableMap part = parts.get(i);
    return part.readsOutputAgain() || parts.get(i + 1).readsInputAgain(kept.child(i + 1))
        ? kept.jet(i, part.outputs())
        : kept.passing(i, part.outputs(), kept.order());
  }

  /** The cotangents that part number i gives to the one before. */
  private Jet cotangentsBefore(int i, Workspace kept, int order, boolean gradients) {
    int width = parts.get(i).inputs();
    return parts.get(i - 1).readsCotangentsAgain(kept.child(i - 1), gradients)
        ? kept.cotangents(COTANGENTS + i, width, order)
        : kept.passing(COTANGENTS + i, width, order);
  }

  @Override
  public String toString() {
    return "Composition" + parts;
  }
}
