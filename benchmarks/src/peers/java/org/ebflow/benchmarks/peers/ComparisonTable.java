package org.ebflow.benchmarks.peers;

import java.util.Locale;
import org.ebflow.benchmarks.Host;

/** A comparison as text. */
final class ComparisonTable {
  private final StringBuilder text = new StringBuilder();

  private ComparisonTable() {}

  /** Lines for a terminal or a results page. */
  static String of(Comparison comparison) {
    ComparisonTable table = new ComparisonTable();
    Host host = comparison.host();
    table.line("%s  commit %s  load before %.2f", host.date(), host.commit(), host.load());
    table.line("%s, %d cores, %s", host.cpu(), host.cores(), host.os());
    table.line(
        "%s, backend %s (%s), %d threads", host.jdk(), host.backend(), host.backendVersion(), comparison.threads());
    table.line(
        "libtorch 2.10, LD_PRELOAD=%s; %d processes in turns, %.0f s each after %.0f s",
        comparison.libtorch().preload(),
        comparison.processes(),
        comparison.seconds(),
        comparison.warmUp());
    table.line("");
    table.line(
        "training step, optimizer and EMA included, batch 100 (Glow: 10); scoring of %d rows",
        comparison.scoredRows());
    table.line(
        "%-6s %-15s %-13s %10s %10s %10s %10s %19s %8s %9s",
        "work", "model", "by", "median/ms", "best", "90 %", "per s", "processes", "ours is", "error");
    for (Comparison.Work work : comparison.works()) {
      table.work(work, comparison);
    }
    table.line(
        "median: of the processes' medians, which lie in the range \"processes\". best, 90 %%: of all repetitions. per s: steps, or rows. ours is:");
    table.line(
        "how many times faster. error: largest difference from ours before timing, of loss, gradient and log p, relative to the root mean square.");
    return table.text.toString();
  }

  private void work(Comparison.Work work, Comparison comparison) {
    double ours = work.contestants().getFirst().median();
    int units = work.name().equals(Peers.SCORING) ? comparison.scoredRows() : 1;
    for (Comparison.Contestant contestant : work.contestants()) {
      boolean first = contestant.name().equals(Peers.OURS);
      line(
          "%-6s %-15s %-13s %10.2f %10.2f %10.2f %10.1f %9.2f-%9.2f %8s %9s",
          first ? work.name() : "",
          first ? work.model().name() : "",
          contestant.name(),
          contestant.median(),
          contestant.all().best(),
          contestant.all().p90(),
          1e3 * units / contestant.median(),
          contestant.fastestMedian(),
          contestant.slowestMedian(),
          first ? "" : String.format(Locale.ROOT, "%.2f", contestant.median() / ours),
          first ? "" : String.format(Locale.ROOT, "%.1e", contestant.largestError()));
    }
  }

  @SuppressWarnings("AnnotateFormatMethod") // its annotation would be one more dependency
  private void line(String format, Object... values) {
    text.append(String.format(Locale.ROOT, format, values).stripTrailing()).append('\n');
  }
}
