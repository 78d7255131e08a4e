package org.ebflow.cli;

import java.io.PrintWriter;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import org.ebflow.flow.io.OneLine;
import org.ebflow.training.data.Dataset;
import org.ebflow.training.scoring.OutOfDistribution;
import org.ebflow.training.scoring.OutOfDistribution.Score;
import org.ebflow.training.scoring.RankingMetrics;
import org.ebflow.training.scoring.RankingMetrics.Interval;
import org.ebflow.training.scoring.RankingMetrics.Intervals;
import org.ebflow.training.scoring.Scorer;

/**
 * How well scores tell other data, the positives, from those that are evaluated.
 *
 * @param name of the other data
 * @param rows of the evaluated data
 * @param others rows of the other data
 */
record OodReport(String name, int rows, int others, Map<Score, Line> lines) {
  private static final int RESAMPLES = 1000;
  private static final double LEVEL = 0.95;
  private static final long SEED = 0;

  /** Figures of one score. */
  record Line(RankingMetrics metrics, Intervals intervals) {}

  /**
   * @param train the rows that the scorer's model was trained on
   */
  static OodReport of(Scorer scorer, Dataset train, Dataset evaluated, Dataset others) {
    Map<Score, Line> lines = new EnumMap<>(Score.class);
    OutOfDistribution.compare(scorer, train, evaluated, others)
        .forEach(
            (score, metrics) ->
                lines.put(score, new Line(metrics, metrics.bootstrap(RESAMPLES, LEVEL, SEED))));
    return new OodReport(others.name(), evaluated.size(), others.size(), lines);
  }

  void print(PrintWriter out, String split) {
    out.printf(
        Locale.ROOT,
        "%,d rows of %s, the positives (%.1f %%), against %,d of %s:%n",
        others,
        OneLine.name(name),
        100 * lines.values().iterator().next().metrics.prevalence(),
        rows,
        split);
    TextTable table = new TextTable("score", "AUROC", "95 % interval", "AUPR", "95 % interval");
    lines.forEach(
        (score, line) ->
            table.add(
                score.key(),
                text(line.metrics.auroc()),
                text(line.intervals.auroc()),
                text(line.metrics.averagePrecision()),
                text(line.intervals.averagePrecision())));
    table.print(out);
  }

  private static String text(double figure) {
    return String.format(Locale.ROOT, "%.4f", figure);
  }

  private static String text(Interval interval) {
    return "[" + text(interval.low()) + ", " + text(interval.high()) + "]";
  }

  /** The same as values of JSON. */
  Map<String, Object> json() {
    Map<String, Object> map = new LinkedHashMap<>();
    map.put("data", name);
    map.put("positives", others);
    map.put("negatives", rows);
    map.put("resamples", RESAMPLES);
    map.put("level", LEVEL);
    lines.forEach(
        (score, line) -> {
          Map<String, Object> figures = new LinkedHashMap<>();
          figures.put("auroc", line.metrics.auroc());
          figures.put("auroc_low", line.intervals.auroc().low());
          figures.put("auroc_high", line.intervals.auroc().high());
          figures.put("aupr", line.metrics.averagePrecision());
          figures.put("aupr_low", line.intervals.averagePrecision().low());
          figures.put("aupr_high", line.intervals.averagePrecision().high());
          map.put(score.key(), figures);
        });
    return map;
  }
}
