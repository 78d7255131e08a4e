package org.ebflow.cli.table;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class CsvFileTest {
  @TempDir private Path folder;

  private byte[] written(String... cells) throws IOException {
    Path path = folder.resolve("out.csv");
    try (CsvFile file = new CsvFile(path, "id", "reason")) {
      file.write(cells);
      file.publish();
    }
    return Files.readAllBytes(path);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      ignoreLeadingAndTrailingWhitespace = false,
      value = {
        "plain|plain",
        "0007|0007",
        "``|",
        " a b |` a b `",
        "#1|#1",
        "=1+1|=1+1",
        "it's;\t|it's;\t",
        "a,b|\"a,b\"",
        "\"q\"|\"\"\"q\"\"\"",
        "`a\nb`|`\"a\nb\"`",
        "`a\rb`|`\"a\rb\"`",
        "Müller 寸 😀|Müller 寸 😀"
      })
  void cellsAreInQuotesOnlyWhereTheyMustBe(String cell, String text) throws IOException {
    String expected = text == null ? "" : text;
    assertThat(written(cell, "2"))
        .asString(StandardCharsets.UTF_8)
        .isEqualTo("id,reason\n" + expected + ",2\n");
    assertThat(written("2", cell))
        .asString(StandardCharsets.UTF_8)
        .isEqualTo("id,reason\n2," + expected + "\n");
  }

  @Test
  void nothingIsThereUnlessPublished() throws IOException {
    try (CsvFile file = new CsvFile(folder.resolve("out.csv"), "id")) {
      file.write("1");
    }
    assertThat(folder).isEmptyDirectory();
  }
}
