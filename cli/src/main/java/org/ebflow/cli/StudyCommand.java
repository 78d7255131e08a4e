package org.ebflow.cli;

import java.util.concurrent.Callable;
import org.ebflow.training.ExitCode;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** {@code ebflow study}: many runs and what they say, by one command each. */
@Command(
    name = "study",
    description = {
      "Many runs and the table of what came of them, by one command each.",
      "A study that was stopped goes on when the same command is given its folder by --out."
    },
    subcommands = {StudyStartCommand.class, StudyTablesCommand.class})
public final class StudyCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;

  @Override
  public Integer call() {
    spec.commandLine().usage(spec.commandLine().getErr());
    return ExitCode.INVALID_INPUT;
  }
}
