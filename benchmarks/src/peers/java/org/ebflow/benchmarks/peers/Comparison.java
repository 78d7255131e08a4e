package org.ebflow.benchmarks.peers;

import com.fasterxml.jackson.annotation.JsonProperty;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.ebflow.benchmarks.Host;
import org.ebflow.benchmarks.TimedModel;
import org.ebflow.benchmarks.Timing;

/**
 * The library beside libtorch, as measured by one run of {@link Peers}.
 *
 * @param processes per contestant and piece of work
 * @param warmUp seconds in each process
 * @param seconds recorded in each process
 */
record Comparison(
    Host host,
    TorchSettings libtorch,
    int threads,
    int scoredRows,
    int processes,
    double warmUp,
    double seconds,
    List<Work> works) {
  /**
   * A piece of work by all contestants, the library first.
   *
   * @param name a loss whose training step it is, or scoring
   */
  record Work(String name, TimedModel model, List<Contestant> contestants) {}

  /**
   * One program's times for a piece of work.
   *
   * @param name ours, or the form in which it is written for libtorch
   * @param errors largest differences from the library before anything was timed, by quantity;
   *     empty for the library itself
   * @param millis of every repetition, by process
   */
  record Contestant(String name, Map<String, Double> errors, List<List<Double>> millis) {
    /** Of each process. */
    @JsonProperty
    List<Timing> processes() {
      return millis.stream().map(Contestant::timing).toList();
    }

    /** Of all repetitions of all processes. */
    @JsonProperty
    Timing all() {
      return timing(millis.stream().flatMap(List::stream).toList());
    }

    /** Median of the processes' medians. */
    @JsonProperty
    double median() {
      return Timing.of(medians()).median();
    }

    double[] medians() {
      return processes().stream().mapToDouble(Timing::median).toArray();
    }

    double fastestMedian() {
      return Arrays.stream(medians()).min().orElseThrow();
    }

    double slowestMedian() {
      return Arrays.stream(medians()).max().orElseThrow();
    }

    double largestError() {
      return errors.values().stream().mapToDouble(e -> e).max().orElse(0);
    }

    private static Timing timing(List<Double> millis) {
      return Timing.of(millis.stream().mapToDouble(m -> m).toArray());
    }
  }
}
