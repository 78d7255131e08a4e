package org.ebflow.spark;

import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.Callable;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.spark.SparkException;
import org.apache.spark.sql.AnalysisException;
import org.apache.spark.sql.SparkSession;
import org.ebflow.flow.InvalidInputException;
import org.ebflow.flow.io.OneLine;
import picocli.CommandLine;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/**
 * A program for spark-submit: how it runs and how it says what went wrong. That is one line, and an
 * exit code as of ebflow.
 */
abstract class SparkProgram implements Callable<Integer> {
  private static final int INVALID_INPUT = 2;
  private static final int FAULT = 70;

  /** How the message of a failed job quotes an exception of a task. */
  private static final Pattern QUOTED =
      Pattern.compile(Pattern.quote(InvalidInputException.class.getName()) + ": (.*)");

  @Spec private CommandSpec spec;

  @SuppressWarnings("UnusedVariable") // picocli acts on it
  @Option(
      names = {"-h", "--help"},
      usageHelp = true,
      description = "Shows this text.")
  private boolean help;

  /** Where lines for the user go. */
  final PrintWriter err() {
    return spec.commandLine().getErr();
  }

  /** Runs it; a failure ends the JVM with its exit code. */
  final void runAndExit(String[] args) {
    int code = run(new PrintWriter(System.err, true, StandardCharsets.UTF_8), args);
    if (SparkSession.getActiveSession().isDefined()) {
      SparkSession.active().stop(); // else executors are started anew while the JVM ends
    }
    if (code != 0) {
      System.exit(code);
    }
  }

  /** Runs it and returns its exit code. */
  final int run(PrintWriter err, String... args) {
    return new CommandLine(this)
        .setErr(err)
        .setUsageHelpAutoWidth(true)
        .setParameterExceptionHandler(
            (e, _) -> {
              err.println("ebflow: " + OneLine.message(e) + " (see --help)");
              return INVALID_INPUT;
            })
        .setExecutionExceptionHandler((e, _, _) -> failed(e, err))
        .execute(args);
  }

  private static int failed(Exception e, PrintWriter err) {
    for (Throwable cause = e; cause != null; cause = cause.getCause()) {
      if (cause instanceof InvalidInputException || cause instanceof AnalysisException) {
        err.println("ebflow: " + OneLine.message(cause));
        return INVALID_INPUT;
      }
      Matcher quoted = QUOTED.matcher(String.valueOf(cause.getMessage()));
      if (cause instanceof SparkException && quoted.find()) {
        err.println("ebflow: " + OneLine.message(quoted.group(1)));
        return INVALID_INPUT;
      }
    }
    err.println("ebflow: a fault of this program or of the cluster, see these lines:");
    e.printStackTrace(err);
    return FAULT;
  }
}
