package org.ebflow.cli;

import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.stream.Stream;
import org.ebflow.flow.io.OneLine;
import org.ebflow.training.RunFolder;
import org.ebflow.training.TrainingListener;

/**
 * A run that is complete, evaluated on its test part.
 *
 * @param run its folder
 * @param outcome how training ended
 * @param report likelihood of the test part, beside the baselines'
 * @param longer options that make the run longer if it was still improving, else empty
 * @param advice what to try if it is no better than its baselines
 */
record TrainedRun(
    Path run,
    TrainingListener.Outcome outcome,
    BaselineReport report,
    String longer,
    Optional<String> advice) {
  /** Prints likelihood and files. */
  void print(PrintWriter stdout) {
    stdout.println(EvaluationReport.text(report.model(), "test"));
    report.text().ifPresent(stdout::println);
    stdout.println(OneLine.name("weights " + new RunFolder(run).model()));
    Stream.of("density.png", "samples.png")
        .map(name -> run.resolve("plots").resolve(name))
        .filter(Files::exists)
        .forEach(picture -> stdout.println(OneLine.name("picture " + picture)));
  }
}
