package org.ebflow.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.File;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.ebflow.training.ExitCode;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;

@EnabledOnOs(OS.LINUX)
final class StandardOutputTest {
  private static Process start(ProcessBuilder.Redirect out) throws Exception {
    List<String> options = List.of(ChildProgram.FAST_START);
    return new ProcessBuilder(ChildProgram.command(options, "help", "train"))
        .redirectOutput(out)
        .start();
  }

  private static String end(Process process) throws Exception {
    String err = new String(process.getErrorStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(process.waitFor(10, TimeUnit.MINUTES)).isTrue();
    return err;
  }

  /** As {@code | head} does; the reader is gone long before the JVM has started. */
  @Test
  void aReaderWhoLeavesIsNoError() throws Exception {
    Process process = start(ProcessBuilder.Redirect.PIPE);
    process.getInputStream().close();

    assertThat(end(process)).doesNotContain("ebflow: ");
    assertThat(process.exitValue()).isZero();
  }

  @Test
  void aFullDiskIsAnError() throws Exception {
    Process process = start(ProcessBuilder.Redirect.to(new File("/dev/full")));

    assertThat(end(process)).contains("ebflow: stdout: cannot be written");
    assertThat(process.exitValue()).isEqualTo(ExitCode.INVALID_INPUT);
  }
}
