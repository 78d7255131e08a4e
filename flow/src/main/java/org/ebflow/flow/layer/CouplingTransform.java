package org.ebflow.flow.layer;

import java.util.List;
import java.util.Map;
import org.ebflow.flow.pass.Jet;
import org.ebflow.flow.pass.LogDet;
import org.ebflow.flow.pass.Workspace;
import org.ebflow.linalg.Matrix;

/**
 * What a {@link Coupling} does to each column that it transforms: an invertible function of one
 * number, with parameters that the networks give for every element.
 *
 * <p>Shapes (row-major): x, y and each parameter [batch,n] per order, n the number of transformed
 * columns.
 *
 * <p>Threading: immutable, as a layer.
 */
public sealed interface CouplingTransform permits AffineTransform, AdditiveTransform {
  /** Names of the parameters, in their order; a network of one parameter bears its name. */
  List<String> parameterNames();

  /** The transform as plain data: its type and its numbers. */
  Map<String, Object> description();

  /**
   * Pushes the streams {@code fromOrder}…{@code toOrder}.
   *
   * @param x read; it stays as it is until the backward pass is over
   * @param parameters read; they stay as they are
   * @param y the pushed streams overwritten
   * @param logDet accumulated into
   */
  void forward(
      Jet x, Jet[] parameters, Jet y, LogDet logDet, Workspace kept, int fromOrder, int toOrder);

  /**
   * Pulls the cotangents of all streams of {@code yBar} back to streams 0…{@code toOrder} of x and
   * of the parameters.
   *
   * @param yBar read
   * @param logDetBar read
   * @param xBar overwritten: the direct part, without the way through the networks
   * @param parameterBars overwritten
   * @param toOrder the order of yBar, or one less if {@link Workspace#afterScore}
   */
  void backward(
      Jet yBar, LogDet logDetBar, Workspace kept, Jet xBar, Jet[] parameterBars, int toOrder);

  /**
   * Exact inverse.
   *
   * @param y read
   * @param parameters their order-0 streams read
   * @param x overwritten
   */
  void inverse(Matrix y, Jet[] parameters, Matrix x, Workspace kept);

  /** From its description. */
  static CouplingTransform of(Description description) {
    String type = description.text("type");
    return switch (type) {
      case AffineTransform.TYPE -> AffineTransform.published();
      case AffineTransform.BOUNDED_TYPE -> AffineTransform.bounded(description.number("bound"));
      case AdditiveTransform.TYPE -> new AdditiveTransform();
      default ->
          throw new IllegalArgumentException(
              "transform is "
                  + type
                  + ", expected one of "
                  + List.of(
                      AffineTransform.TYPE, AffineTransform.BOUNDED_TYPE, AdditiveTransform.TYPE));
    };
  }
}
