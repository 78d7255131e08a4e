package org.ebflow.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.ebflow.cli.Program.Result;
import tools.jackson.databind.json.JsonMapper;

/** The whole command in a JVM of its own, as the launcher starts it. */
final class ChildProgram {
  /** Options of a Java without graphics, which draws no pictures. */
  static final List<String> NO_GRAPHICS =
      List.of(
          "--limit-modules=java.base,java.logging,java.management,java.naming,java.xml,jdk.unsupported,jdk.incubator.vector");

  /** No optimising compiler: for calls that compute little, most of which is the start. */
  static final String FAST_START = "-XX:TieredStopAtLevel=1";

  private static final JsonMapper JSON = new JsonMapper();

  private ChildProgram() {}

  /** The command line; {@code options} are the JVM's. */
  static List<String> command(List<String> options, Object... arguments) {
    return java(options, Ebflow.class, arguments);
  }

  static List<String> java(List<String> options, Class<?> main, Object... arguments) {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(
        List.of(
            "--add-modules=jdk.incubator.vector",
            "--enable-native-access=ALL-UNNAMED",
            "-Xss8m",
            "-Djava.awt.headless=true"));
    command.addAll(options);
    command.addAll(List.of("-cp", System.getProperty("java.class.path"), main.getName()));
    for (Object argument : arguments) {
      command.add(argument.toString());
    }
    return command;
  }

  /** Several calls of the command in one JVM: a file of their words, and one for what they left. */
  static final class Calls {
    private Calls() {}

    public static void main(String[] files) {
      List<Result> results = new ArrayList<>();
      for (Object[] words : JSON.readValue(new File(files[0]), String[][].class)) {
        results.add(Program.run(words));
      }
      JSON.writeValue(new File(files[1]), results);
    }
  }

  /**
   * Runs several calls of the command, one after the other, in one JVM of their own.
   *
   * @param options the JVM's
   * @param environment variables beside those of this process
   * @param calls the words of each
   */
  static List<Result> runEach(
      List<String> options, Map<String, String> environment, List<List<Object>> calls)
      throws IOException, InterruptedException {
    Path words = Files.createTempFile("calls", null);
    Path results = Files.createTempFile("results", null);
    try {
      JSON.writeValue(
          words.toFile(),
          calls.stream().map(call -> call.stream().map(Object::toString).toList()).toList());
      ProcessBuilder builder = new ProcessBuilder(java(options, Calls.class, words, results));
      builder.environment().putAll(environment);
      Result all = run(builder);
      assertThat(all.exit()).as(all.err()).isZero();
      return List.of(JSON.readValue(results.toFile(), Result[].class));
    } finally {
      Files.delete(words);
      Files.delete(results);
    }
  }

  /** Runs a process to its end, within ten minutes. */
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
