package org.ebflow.benchmarks;

import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** A report as text. */
final class ReportTable {
  private final StringBuilder text = new StringBuilder();

  private ReportTable() {}

  /** Lines for a terminal or a results page. */
  static String of(BenchmarkReport report) {
    ReportTable table = new ReportTable();
    table.host(report);
    table.bandwidth(report);
    table.ceilings(report);
    table.parts(report);
    table.steps(report);
    return table.text.toString();
  }

  private void host(BenchmarkReport report) {
    Host host = report.host();
    line(
        "%s  commit %s  preset %s  load before %.2f",
        host.date(), host.commit(), report.preset(), host.load());
    line("%s, %d cores, %s", host.cpu(), host.cores(), host.os());
    line("%s, backend %s (%s)", host.jdk(), host.backend(), host.backendVersion());
    line("");
  }

  private void bandwidth(BenchmarkReport report) {
    line("%-36s %8s %8s %8s", "memory, GB/s", "threads", "median", "best");
    for (MemoryBandwidth memory : report.bandwidth()) {
      line(
          "%-36s %8d %8.1f %8.1f",
          "triad a = b + s*c", memory.threads(), memory.median(), memory.best());
    }
    line("");
  }

  private void ceilings(BenchmarkReport report) {
    line("%-36s %8s %8s %8s", "SGEMM, GFLOP/s ( ' transposed)", "threads", "median", "best");
    for (SgemmCeiling ceiling : report.ceilings()) {
      line(
          "%-36s %8d %8.1f %8.1f",
          ceiling.shape(), ceiling.threads(), ceiling.median(), ceiling.best());
    }
    line("");
  }

  private void parts(BenchmarkReport report) {
    line(
        "%-36s %5s %8s %8s %9s %10s %11s",
        "kernels, LU, scoring", "D", "threads", "ms", "GB/s", "GFLOP/s", "of ceiling");
    for (PartResult part : report.parts()) {
      String speed = String.format(Locale.ROOT, "%.1f", part.speed());
      line(
          "%-36s %5d %8d %8.3f %9s %10s %10.0f%%",
          part.name(),
          part.dimension(),
          part.threads(),
          part.timing().median(),
          part.bytes() > 0 ? speed : "-",
          part.bytes() > 0 ? "-" : speed,
          100 * part.ofCeiling());
    }
    line(
        "ceilings: triad by all threads for GB/s; the fastest SGEMM of that D for GFLOP/s, half of it for float64.");
    line(
        "scoring counts all products of both layers, of which the last leaves out many with zeros.");
    line("");
  }

  private void steps(BenchmarkReport report) {
    line("training step, optimizer and EMA included; medians in ms");
    line(
        "%-6s %-12s %5s %7s %8s %8s %8s %8s %8s %8s %8s %9s %9s %8s",
        "loss",
        "model",
        "batch",
        "threads",
        "step",
        "steps/s",
        "step/",
        "GFLOP/s",
        "products",
        "LU",
        "ceiling",
        "products/",
        "step/",
        "outside");
    line(
        "%-6s %-12s %5s %7s %8s %8s %8s %8s %8s %8s %8s %9s %9s %8s",
        "", "", "", "", "", "", "ssm's", "", "alone", "alone", "", "ceiling", "ceiling", "");
    for (StepResult step : report.steps()) {
      boolean apart = step.products() != null;
      line(
          "%-6s %-12s %5d %7d %8.2f %8.2f %8s %8s %8s %8s %8s %9s %9s %8s",
          step.loss(),
          step.model(),
          step.batch(),
          step.threads(),
          step.step().median(),
          step.stepsPerSecond(),
          timesSliced(step, report),
          apart ? number("%.1f", step.gflops()) : "-",
          milliseconds(step.products()),
          milliseconds(step.factorisations()),
          apart ? number("%.2f", step.ceilingMillis()) : "-",
          apart ? number("%.0f%%", 100 * step.productsOfCeiling()) : "-",
          apart ? number("%.0f%%", 100 * step.stepOfCeiling()) : "-",
          apart ? number("%.0f%%", 100 * step.outside()) : "-");
    }
    line("step/ssm's: how many times as long as the model's step of ssm.");
    line(
        "GFLOP/s counts products (2*D*D*batch each) and factorisations over the whole step. ceiling: the step's products at the speed of");
    line(
        "their shapes repeated. products/ceiling: its products alone against that. step/ceiling: the whole step against that.");
    line("outside: share of the step beyond products and LU. \"-\": not taken apart.");
  }

  /** How many times as long as ssm of the same model a step takes. */
  private static String timesSliced(StepResult step, BenchmarkReport report) {
    for (StepResult other : report.steps()) {
      if (other.loss().equals("ssm") && other.model().equals(step.model())) {
        return number("%.2f", step.step().median() / other.step().median());
      }
    }
    return "-";
  }

  private static String milliseconds(@Nullable Timing timing) {
    return timing == null ? "-" : number("%.2f", timing.median());
  }

  private static String number(String format, double value) {
    return String.format(Locale.ROOT, format, value);
  }

  @SuppressWarnings("AnnotateFormatMethod") // its annotation would be one more dependency
  private void line(String format, Object... values) {
    text.append(String.format(Locale.ROOT, format, values).stripTrailing()).append('\n');
  }
}
