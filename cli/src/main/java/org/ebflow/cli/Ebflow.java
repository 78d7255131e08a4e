package org.ebflow.cli;

import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.Callable;
import org.ebflow.flow.io.OneLine;
import org.ebflow.training.ExitCode;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;
import picocli.CommandLine.UnmatchedArgumentException;

/** The command {@code ebflow}: results go to stdout, progress and everything else to stderr. */
@Command(
    name = "ebflow",
    versionProvider = Version.class,
    description = "Energy-based normalizing flows: train, evaluate, score, sample.",
    exitCodeListHeading = "Exit codes:%n",
    exitCodeList = {
      "0:done",
      "1:a check failed, or the training diverged",
      "2:wrong usage or input",
      "3:interrupted, with the state of the training or of the scoring saved",
      "70:a fault of this program",
      "130:interrupted before anything was saved, or by a second signal (143: by SIGTERM)"
    },
    subcommands = {
      TrainCommand.class,
      EvalCommand.class,
      ScoreCommand.class,
      SampleCommand.class,
      GradcheckCommand.class,
      DataCommand.class,
      InfoCommand.class,
      StudyCommand.class,
      HelpCommand.class
    })
public final class Ebflow implements Callable<Integer> {
  /** Calls and options that a later version is to have. */
  private static final List<String> LATER = List.of("inpaint");

  @Spec private CommandSpec spec;

  @SuppressWarnings("UnusedVariable") // picocli acts on it
  @Option(
      names = {"-h", "--help"},
      usageHelp = true,
      scope = CommandLine.ScopeType.INHERIT,
      description = "Shows this text.")
  private boolean help;

  @SuppressWarnings("UnusedVariable") // picocli acts on it
  @Option(names = "--version", versionHelp = true, description = "Shows the version.")
  private boolean version;

  /** Runs the command and ends the JVM with its exit code. */
  public static void main(String[] args) {
    StandardOutput stdout = new StandardOutput();
    PrintWriter out = new PrintWriter(stdout, true, StandardCharsets.UTF_8);
    PrintWriter err = new PrintWriter(System.err, true, StandardCharsets.UTF_8);
    int code = run(out, err, args);
    out.flush();
    if (stdout.lost()) {
      err.println("ebflow: stdout: cannot be written, expected an open file with space");
      code = ExitCode.INVALID_INPUT;
    }
    err.flush();
    System.exit(code);
  }

  /** Runs the command and returns its exit code. */
  static int run(PrintWriter out, PrintWriter err, String... args) {
    ConsoleLogHandler.to(err);
    try {
      return execute(out, err, args);
    } catch (OutOfMemoryError e) {
      return outOfMemory(e, err);
    } catch (Error e) { // picocli hands exceptions on to failed(), not errors
      return fault(e, err);
    }
  }

  private static int execute(PrintWriter out, PrintWriter err, String... args) {
    return new CommandLine(new Ebflow())
        .setOut(out)
        .setErr(err)
        .setCaseInsensitiveEnumValuesAllowed(true)
        .setUsageHelpAutoWidth(true)
        .setParameterExceptionHandler((e, arguments) -> wrongUsage(e))
        .setExecutionExceptionHandler((e, command, result) -> failed(e, command.getErr()))
        .execute(args);
  }

  @Override
  public Integer call() {
    spec.commandLine().usage(spec.commandLine().getErr());
    return ExitCode.INVALID_INPUT;
  }

  private static int wrongUsage(ParameterException e) {
    PrintWriter err = e.getCommandLine().getErr();
    if (e instanceof UnmatchedArgumentException unmatched
        && LATER.contains(unmatched.getUnmatched().get(0))) {
      err.println("ebflow: " + unmatched.getUnmatched().get(0) + " is not built yet");
      return ExitCode.INVALID_INPUT;
    }
    err.println("ebflow: " + oneLine(e) + " (see ebflow " + path(e.getCommandLine()) + "--help)");
    UnmatchedArgumentException.printSuggestions(e, err);
    return ExitCode.INVALID_INPUT;
  }

  private static String path(CommandLine command) {
    String name = command.getCommandSpec().qualifiedName();
    return name.equals("ebflow") ? "" : name.substring("ebflow ".length()) + " ";
  }

  private static int failed(Exception e, PrintWriter err) {
    if (e.getCause() instanceof OutOfMemoryError memory) {
      return outOfMemory(memory, err);
    }
    int code = ExitCode.of(e.getClass());
    if (code == ExitCode.FAULT) {
      return fault(e, err);
    }
    err.println("ebflow: " + oneLine(e));
    return code;
  }

  private static int fault(Throwable e, PrintWriter err) {
    err.println("ebflow: a fault of this program, please report it with these lines:");
    e.printStackTrace(err);
    return ExitCode.FAULT;
  }

  private static int outOfMemory(OutOfMemoryError e, PrintWriter err) {
    err.println(
        "ebflow: out of memory ("
            + oneLine(e)
            + "): expected input and model to fit "
            + (Runtime.getRuntime().maxMemory() >> 20)
            + " MiB, found more to hold; EBFLOW_JAVA_OPTS=-Xmx… allows more");
    return ExitCode.INVALID_INPUT;
  }

  private static String oneLine(Throwable e) {
    return OneLine.message(e).strip();
  }
}
