package org.ebflow.cli;

import java.util.Objects;
import picocli.CommandLine.IVersionProvider;

/** Version of the program and of its Java. */
final class Version implements IVersionProvider {
  @Override
  public String[] getVersion() {
    String version = Ebflow.class.getPackage().getImplementationVersion();
    return new String[] {
      "ebflow " + Objects.requireNonNullElse(version, "(built from sources)"),
      "Java " + Runtime.version()
    };
  }
}
