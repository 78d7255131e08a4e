package org.ebflow.cli;

import java.io.PrintWriter;
import java.io.StringWriter;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;

/** Runs one subcommand as the command line does. */
final class Commands {
  private Commands() {}

  /**
   * What a subcommand left.
   *
   * @param exit exit code; -1 when it threw
   * @param err text on stderr
   * @param failure what it threw, or null
   */
  record Outcome(int exit, String err, @Nullable Throwable failure) {
    String message() {
      return failure == null ? err : String.valueOf(failure.getMessage());
    }
  }

  static Outcome run(Object command, Object... arguments) {
    StringWriter err = new StringWriter();
    Throwable[] failure = new Throwable[1];
    CommandLine line = new CommandLine(command);
    line.setErr(new PrintWriter(err, true));
    line.setExecutionExceptionHandler(
        (exception, _, _) -> {
          failure[0] = exception;
          return -1;
        });
    String[] words = new String[arguments.length];
    for (int i = 0; i < words.length; i++) {
      words[i] = arguments[i].toString();
    }
    return new Outcome(line.execute(words), err.toString(), failure[0]);
  }
}
