package org.ebflow.linalg;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** A JVM of its own, with the classes of this one. */
public final class ChildJvm {
  private ChildJvm() {}

  /**
   * Ready to be started; its stderr, which has the warning of the incubator module, is dropped.
   *
   * @param options of the JVM
   */
  public static ProcessBuilder of(Class<?> main, List<String> options, String... arguments) {
    List<String> call = new ArrayList<>();
    call.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    call.addAll(
        List.of("--add-modules=jdk.incubator.vector", "--enable-native-access=ALL-UNNAMED"));
    call.addAll(options);
    call.addAll(List.of("-cp", System.getProperty("java.class.path"), main.getName()));
    call.addAll(List.of(arguments));
    return new ProcessBuilder(call).redirectError(ProcessBuilder.Redirect.DISCARD);
  }
}
