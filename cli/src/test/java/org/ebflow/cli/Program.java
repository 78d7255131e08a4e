package org.ebflow.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.PrintWriter;
import java.io.StringWriter;
import org.ebflow.linalg.Blas;

/** Runs the whole command in this JVM. */
final class Program {
  private Program() {}

  /** Skips a test with {@code --precision bf16} on processors that have no such products. */
  static void assumeProducts(String precision) {
    assumeTrue(
        !precision.equals("bf16") || Blas.named("onednn").multipliesBFloat16(),
        "no bfloat16 products on this processor");
  }

  /** What a call left: exit code, stdout, stderr. */
  record Result(int exit, String out, String err) {}

  static Result run(Object... arguments) {
    StringWriter out = new StringWriter();
    StringWriter err = new StringWriter();
    String[] words = new String[arguments.length];
    for (int i = 0; i < words.length; i++) {
      words[i] = arguments[i].toString();
    }
    int exit = Ebflow.run(new PrintWriter(out, true), new PrintWriter(err, true), words);
    return new Result(exit, out.toString(), err.toString());
  }

  /** The same of a call that has to succeed. */
  static Result succeed(Object... arguments) {
    Result result = run(arguments);
    assertThat(result.exit()).as(result.err()).isZero();
    return result;
  }

  /**
   * A call that is wrong use, or has wrong input, is refused by that message and no stack trace.
   */
  static void refuse(String message, Object... arguments) {
    Result result = run(arguments);
    assertThat(result.exit()).as(result.err()).isEqualTo(2);
    assertThat(result.err()).contains(message).doesNotContain("\tat ");
  }
}
