package org.ebflow.linalg;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

class VectorModuleUseTest {
  @Test
  void onlyTheSimdPackageAndTheJavaBackendImportTheVectorModule() throws IOException {
    List<String> packages;
    try (Stream<Path> sources = Files.walk(Path.of("src", "main", "java"))) {
      packages =
          sources
              .filter(path -> path.toString().endsWith(".java"))
              .filter(VectorModuleUseTest::importsVectors)
              .map(path -> path.getParent().getFileName().toString())
              .distinct()
              .sorted()
              .toList();
    }
    assertThat(packages).contains("simd");
    assertThat(List.of("java", "simd")).containsAll(packages);
  }

  private static boolean importsVectors(Path source) {
    try {
      return Files.readString(source).contains("import jdk.incubator.vector");
    } catch (IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
  }
}
