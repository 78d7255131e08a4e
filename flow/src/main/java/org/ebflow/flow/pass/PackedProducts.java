package org.ebflow.flow.pass;

import java.util.List;
import java.util.Map;
import org.ebflow.linalg.Blas;
import org.ebflow.linalg.Matrix;
import org.ebflow.linalg.Operand;
import org.ebflow.linalg.PackedWeight;
import org.ebflow.linalg.Worker;

/**
 * Products x·Wᵀ by copies of the weights that were packed once for many rows; for passes of one
 * thread that go forward only. The weights may not change.
 */
final class PackedProducts implements Products {
  private final Products others;
  private final Map<Parameter, List<PackedWeight>> packed;
  private final Map<Parameter, Matrix> replaced;

  /**
   * @param others products by blocks that are not packed
   * @param packed what to multiply by in place of a block, or in place of what is derived from it
   * @param replaced what {@link #value} gives in place of a block
   */
  PackedProducts(
      Products others, Map<Parameter, List<PackedWeight>> packed, Map<Parameter, Matrix> replaced) {
    this.others = others;
    this.packed = packed;
    this.replaced = replaced;
  }

  @Override
  public void multiply(
      Worker worker,
      Parameters parameters,
      boolean transpose,
      Jet from,
      Parameter weight,
      Jet to,
      int fromOrder,
      int toOrder) {
    List<PackedWeight> copies = transpose ? packed(weight) : List.of();
    PackedWeight copy = copies.isEmpty() ? null : copies.getFirst();
    Operand rows = copy == null ? null : others.operand(worker, from, weight, fromOrder, toOrder);
    if (copy == null || rows == null || !copy.accepts(rows)) { // packed for rounded rows
      others.multiply(worker, parameters, transpose, from, weight, to, fromOrder, toOrder);
    } else {
      copy.multiply(rows, to.whole(fromOrder, toOrder));
    }
  }

  @Override
  public Operand operand(Worker worker, Jet jet, Parameter weight, int fromOrder, int toOrder) {
    return others.operand(worker, jet, weight, fromOrder, toOrder);
  }

  @Override
  public boolean rounds() {
    return others.rounds();
  }

  @Override
  public OperandCopy copy(Parameter weight) {
    return others.copy(weight);
  }

  @Override
  public List<PackedWeight> packed(Parameter weight) {
    return packed.getOrDefault(weight, List.of());
  }

  @Override
  public Matrix value(Parameters parameters, Parameter block) {
    Matrix other = replaced.get(block);
    return other == null ? parameters.of(block) : other;
  }

  @Override
  public Products withBlas(Blas blas) {
    return new PackedProducts(others.withBlas(blas), packed, replaced);
  }

  @Override
  public boolean roundsJets(Parameters parameters) {
    return others.roundsJets(parameters);
  }
}
