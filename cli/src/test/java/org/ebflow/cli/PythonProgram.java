package org.ebflow.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.io.Writer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.ebflow.cli.Program.Result;
import tools.jackson.databind.json.JsonMapper;

/** A Python program that is called many times, each time anew, in one interpreter. */
final class PythonProgram implements AutoCloseable {
  private static final JsonMapper JSON = new JsonMapper();

  /** Answers each line of words, as JSON, by what the program left. */
  private static final String CALLS =
      """
      import contextlib, io, json, runpy, sys, traceback
      for line in sys.stdin:
          sys.argv = json.loads(line)
          out, err, code = io.StringIO(), io.StringIO(), 0
          with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
              try:
                  runpy.run_path(sys.argv[0], run_name="__main__")
              except SystemExit as end:
                  code = end.code
              except BaseException:
                  traceback.print_exc()
                  code = 1
          print(json.dumps({"exit": code, "out": out.getvalue(), "err": err.getvalue()}), flush=True)
      """;

  private final Path script;
  private final Process interpreter;
  private final Writer calls;
  private final BufferedReader results;

  /** Starts the interpreter. */
  PythonProgram(Path script) throws IOException {
    this.script = script;
    interpreter =
        new ProcessBuilder("python3", "-c", CALLS)
            .redirectError(ProcessBuilder.Redirect.INHERIT)
            .start();
    calls = interpreter.outputWriter();
    results = interpreter.inputReader();
  }

  /** Runs the program in the interpreter. */
  Result run(Object... arguments) {
    try {
      calls.write(JSON.writeValueAsString(words(arguments)) + "\n");
      calls.flush();
      String result = results.readLine();
      assertThat(result).as("the interpreter's answer").isNotNull();
      return JSON.readValue(result, Result.class);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Runs the program in a process of its own. */
  Result runAlone(Object... arguments) throws IOException, InterruptedException {
    List<String> command = words(arguments);
    command.addFirst("python3");
    return ChildProgram.run(new ProcessBuilder(command));
  }

  private List<String> words(Object... arguments) {
    List<String> words = new ArrayList<>(List.of(script.toString()));
    Arrays.stream(arguments).map(Object::toString).forEach(words::add);
    return words;
  }

  @Override
  public void close() {
    interpreter.destroyForcibly();
  }
}
