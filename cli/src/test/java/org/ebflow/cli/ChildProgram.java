package org.ebflow.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** The whole command in a JVM of its own, as the launcher starts it. */
final class ChildProgram {
  /** Options of a Java without graphics, which draws no pictures. */
  static final List<String> NO_GRAPHICS =
      List.of(
          "--limit-modules=java.base,java.logging,java.management,java.naming,java.xml,jdk.unsupported,jdk.incubator.vector");

  private ChildProgram() {}

  /** What a call left: exit code, stdout and stderr. */
  record Result(int exit, String out, String err) {}

  /** The command line; {@code options} are the JVM's. */
  static List<String> command(List<String> options, Object... arguments) {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(
        List.of(
            "--add-modules=jdk.incubator.vector",
            "--enable-native-access=ALL-UNNAMED",
            "-Xss8m",
            "-Djava.awt.headless=true"));
    command.addAll(options);
    command.addAll(List.of("-cp", System.getProperty("java.class.path"), "org.ebflow.cli.Ebflow"));
    for (Object argument : arguments) {
      command.add(argument.toString());
    }
    return command;
  }

  /** Runs a process to its end, within a minute. */
  static Result run(ProcessBuilder builder) throws IOException, InterruptedException {
    Path out = Files.createTempFile("out", null);
    Path err = Files.createTempFile("err", null);
    Process process = builder.redirectOutput(out.toFile()).redirectError(err.toFile()).start();
    try {
      process.getOutputStream().close();
      assertThat(process.waitFor(10, TimeUnit.MINUTES)).as(Files.readString(err)).isTrue();
      return new Result(process.exitValue(), Files.readString(out), Files.readString(err));
    } finally {
      process.destroyForcibly();
      Files.delete(out);
      Files.delete(err);
    }
  }
}
