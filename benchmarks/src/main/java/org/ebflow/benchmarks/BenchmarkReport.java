package org.ebflow.benchmarks;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.ebflow.linalg.Blas;
import org.ebflow.linalg.Team;

/** All that one run of the step benchmark measured. */
record BenchmarkReport(
    Host host,
    String preset,
    List<MemoryBandwidth> bandwidth,
    List<SgemmCeiling> ceilings,
    List<PartResult> parts,
    List<StepResult> steps) {
  /** Rows in products and kernels. */
  private static final int BATCH = 100;

  /**
   * Takes all measurements: ceilings by one worker and by {@code threads}, steps by {@code
   * threads}. Says on stderr what it is doing.
   */
  static BenchmarkReport measure(Preset preset, Blas blas, int threads) {
    Host host = Host.now(blas);
    List<MemoryBandwidth> bandwidth = new ArrayList<>();
    List<SgemmCeiling> ceilings = new ArrayList<>();
    List<PartResult> parts = new ArrayList<>();
    List<StepResult> steps = new ArrayList<>();
    Set<ProductShape> shapes = new LinkedHashSet<>();
    List<Preset.Case> dense = preset.cases().stream().filter(Preset.Case::takenApart).toList();
    for (Preset.Case which : dense) {
      shapes.addAll(
          new StepProducts(which.loss(), which.model().dimension(), BATCH, blas).shapes());
    }
    try (Team solo = new Team(1);
        Team team = new Team(threads)) {
      List<Team> teams = threads == 1 ? List.of(team) : List.of(solo, team);
      for (Team workers : teams) {
        say("memory bandwidth, threads: " + workers.size());
        bandwidth.add(
            MemoryBandwidth.measure(preset.bandwidthElements(), workers, 2 * preset.partSeconds()));
        say("SGEMM ceilings, threads: " + workers.size());
        for (ProductShape shape : shapes) {
          ceilings.add(SgemmCeiling.measure(shape, blas, workers, preset.partSeconds()));
        }
      }
      Map<ProductShape, SgemmCeiling> byShape = new HashMap<>();
      ceilings.stream()
          .filter(ceiling -> ceiling.threads() == threads)
          .forEach(ceiling -> byShape.put(ceiling.shape(), ceiling));
      double triad = bandwidth.getLast().median();
      for (int dimension :
          dense.stream().mapToInt(which -> which.model().dimension()).distinct().toArray()) {
        say("kernels, LU, scoring, D = " + dimension);
        parts.addAll(
            PartResult.measure(
                dimension,
                BATCH,
                blas,
                team,
                triad,
                fastest(ceilings, dimension, teams.getFirst().size()),
                fastest(ceilings, dimension, threads),
                preset.seconds() / 2));
      }
      for (Preset.Case which : preset.cases()) {
        say("training step " + which.loss() + ", " + which.model().name());
        steps.add(StepResult.measure(which, byShape, blas, team, preset.seconds()));
      }
    }
    return new BenchmarkReport(host, preset.name(), bandwidth, ceilings, parts, steps);
  }

  /** GFLOP/s of the fastest shape of that dimension. */
  private static double fastest(List<SgemmCeiling> ceilings, int dimension, int threads) {
    return ceilings.stream()
        .filter(ceiling -> ceiling.threads() == threads && ceiling.shape().n() == dimension)
        .mapToDouble(SgemmCeiling::median)
        .max()
        .orElseThrow();
  }

  private static void say(String what) {
    System.err.println("benchmark: " + what);
  }
}
