package org.ebflow.golden;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.file.Files;
import java.nio.file.Path;

/** A folder of files that the tests read and the repository does not hold: where a system property says, else {@code ../shared} beside the checkout. */
public final class SharedFolder {
  private static final Path BESIDE_CHECKOUT = Path.of("..", "..", "shared"); // from a module, where tests run

  private final String property;
  private final boolean named;
  private final Path folder;

  private SharedFolder(String property, String name) {
    String value = System.getProperty(property, "");
    this.property = property;
    this.named = !value.isEmpty();
    this.folder = named ? Path.of(value) : BESIDE_CHECKOUT.resolve(name);
  }

  /** Reference values: {@code ebflow.golden.dir}, else {@code ../shared/golden}. */
  public static SharedFolder golden() {
    return new SharedFolder("ebflow.golden.dir", "golden");
  }

  /** Real data: {@code ebflow.data.dir}, else {@code ../shared/data}. */
  public static SharedFolder data() {
    return new SharedFolder("ebflow.data.dir", "data");
  }

  /** A file in it. The test is reported as skipped where there is none, but fails where the folder was named and does not exist. */
  public Path file(String name) {
    if (named) {
      assertThat(folder).as("the folder that %s names", property).isDirectory();
    }
    Path file = folder.resolve(name);
    assumeTrue(Files.exists(file), () -> "no " + file + " (set " + property + ")");
    return file;
  }
}
