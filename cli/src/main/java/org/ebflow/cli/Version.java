package org.ebflow.cli;

import java.util.Objects;
import picocli.CommandLine.IVersionProvider;

/** Version of the program and of its Java. */
final class Version implements IVersionProvider {
  @Override
  public String[] getVersion() {
    return new String[] {ofProgram(), "Java " + Runtime.version()};
  }

  private static String ofProgram() {
    String version = Ebflow.class.getPackage().getImplementationVersion();
    return "ebflow " + Objects.requireNonNullElse(version, "(built from sources)");
  }

  /** That of the program, and the commit that it was built from where that is known. */
  static String withCommit() {
    return ofProgram() + " " + System.getProperty("ebflow.commit", "unknown");
  }
}
