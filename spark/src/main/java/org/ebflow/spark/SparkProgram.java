package org.ebflow.spark;

import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.Callable;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.spark.SparkException;
import org.apache.spark.sql.AnalysisException;
import org.apache.spark.sql.SparkSession;
import org.ebflow.flow.io.OneLine;
import org.ebflow.training.ExitCode;
import picocli.CommandLine;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/**
 * A program for spark-submit: how it runs and how it says what went wrong. That is one line and the
 * {@link ExitCode} of ebflow, also where a task has failed and Spark says so.
 */
abstract class SparkProgram implements Callable<Integer> {
  /** How the message of a failed job quotes the exceptions of a task, maybe several in a line. */
  private static final Pattern QUOTED =
      Pattern.compile("\\b((?:[a-z]\\w*\\.)+[A-Z][\\w$]*): (?=(.*))");

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
              return ExitCode.INVALID_INPUT;
            })
        .setExecutionExceptionHandler((e, _, _) -> failed(e, err))
        .execute(args);
  }

  private static int failed(Exception e, PrintWriter err) {
    int code = ExitCode.of(e.getClass());
    String message = String.valueOf(e.getMessage());
    for (Throwable cause = e; code == ExitCode.FAULT && cause != null; cause = cause.getCause()) {
      code =
          cause instanceof AnalysisException
              ? ExitCode.INVALID_INPUT
              : codeOfTask(cause.getClass());
      message = String.valueOf(cause.getMessage());
      Matcher quoted = QUOTED.matcher(cause instanceof SparkException ? message : "");
      while (code == ExitCode.FAULT && quoted.find()) {
        code = codeOfTask(typeOf(quoted.group(1)));
        message = quoted.group(2);
      }
    }
    if (code == ExitCode.FAULT) {
      err.println("ebflow: a fault of this program or of the cluster, see these lines:");
      e.printStackTrace(err);
    } else {
      err.println("ebflow: " + OneLine.message(message).strip());
    }
    return code;
  }

  /** In a task, arguments are wrong by a fault: those of the user were checked before. */
  static int codeOfTask(Class<? extends Throwable> failure) {
    return IllegalArgumentException.class.isAssignableFrom(failure)
        ? ExitCode.FAULT
        : ExitCode.of(failure);
  }

  /** Of an exception by its name; one that is not known here tells nothing. */
  private static Class<? extends Throwable> typeOf(String name) {
    try {
      return Class.forName(name, false, SparkProgram.class.getClassLoader())
          .asSubclass(Throwable.class);
    } catch (ClassNotFoundException | ClassCastException _) {
      return Throwable.class;
    }
  }
}
