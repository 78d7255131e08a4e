package org.ebflow.training.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.ebflow.flow.InvalidInputException;
import org.ebflow.linalg.Matrix;
import org.ebflow.linalg.Precision;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class InputFilesTest {
  @TempDir private Path folder;

  private Path file(String name, String text) throws IOException {
    Path file = folder.resolve(name);
    Files.createDirectories(file.getParent());
    return Files.writeString(file, text);
  }

  private List<String> names(String name) {
    return InputFiles.of(folder.resolve(name)).files().stream()
        .map(file -> folder.relativize(file).toString())
        .toList();
  }

  private List<double[]> rows(String name, TableOptions options) throws IOException {
    List<double[]> rows = new ArrayList<>();
    try (TableReader table = TableReader.open(InputFiles.of(folder.resolve(name)), options)) {
      while (table.next()) {
        assertThat(table.row()).isEqualTo(rows.size() + 1);
        rows.add(table.values().clone());
      }
      assertThat(table.next()).isFalse();
    }
    return rows;
  }

  @Test
  void aNameIsAFileAFolderOrAPattern() throws IOException {
    file("parts/b.csv", "a\n1\n");
    file("parts/a.csv", "a\n2\n");
    file("parts/_SUCCESS", "");
    file("parts/.b.csv", "a\n3\n");
    file("parts/deep/c.csv", "a\n4\n");
    assertThat(names("parts/b.csv")).containsExactly("parts/b.csv");
    assertThat(names("parts")).containsExactly("parts/a.csv", "parts/b.csv");
    assertThat(names("parts/*.csv")).containsExactly("parts/a.csv", "parts/b.csv");
    assertThat(names("p*/[b].csv")).containsExactly("parts/b.csv");
    assertThat(names("parts/{b,a}.csv")).containsExactly("parts/a.csv", "parts/b.csv");
    assertThat(names("parts/**/*.csv")).containsExactly("parts/deep/c.csv");
    assertThat(names("none.csv")).containsExactly("none.csv");
    assertThat(InputFiles.exist(folder + "/parts/*.csv")).isTrue();
    assertThat(InputFiles.exist(folder + "/parts/*.npy")).isFalse();
    assertThat(InputFiles.exist("\0")).isFalse();
  }

  @Test
  void aDataSetIsCalledByTheLastPartOfItsPathOrByTheWholePattern() throws IOException {
    file("parts/b.csv", "a\n1\n2\n3\n");
    assertThat(title("parts/b.csv")).isEqualTo("b.csv");
    assertThat(title("parts")).isEqualTo("parts");
    assertThat(title("parts/.")).isEqualTo("parts");
    assertThat(title("parts/*")).isEqualTo(folder.resolve("parts/*").toString());
  }

  private String title(String name) {
    InputFiles files = InputFiles.of(folder.resolve(name));
    return InMemoryTable.read(files, TableOptions.DEFAULT).dataset().name();
  }

  @Test
  void aFileMayHaveTheNameOfAPattern() throws IOException {
    file("a[1].csv", "a\n1\n");
    file("a1.csv", "a\n2\n");
    assertThat(names("a[1].csv")).containsExactly("a[1].csv");
  }

  @Test
  void whatIsNoPatternIsAName() {
    for (String name : List.of("a[1.csv", "{a.csv", "b[.npy")) {
      assertThat(names(name)).containsExactly(name);
      assertThat(InputFiles.exist(folder + "/" + name)).isFalse();
    }
  }

  /** As the folder that a relative pattern is completed by may have. */
  @Test
  void aFolderMayHaveTheNameOfAPattern() throws IOException {
    file("runs[1]/{x}/a.csv", "a\n1\n");
    file("runs1/{x}/b.csv", "a\n2\n");
    assertThat(names("runs[1]/{x}/*.csv")).containsExactly("runs[1]/{x}/a.csv");
    assertThat(names("runs[1]/*/a.csv")).containsExactly("runs[1]/{x}/a.csv");
    assertThat(InputFiles.exist(folder + "/runs[1]/none.csv")).isFalse();
  }

  @Test
  void aLinkToAFolderAboveAddsNothingToAPattern() throws IOException {
    file("parts/a.csv", "a\n1\n");
    Files.createSymbolicLink(folder.resolve("parts/up"), folder);
    assertThat(names("**.csv")).containsExactly("parts/a.csv");
  }

  /** With a line that names it; root reads all, so that nothing is to be seen then. */
  @Test
  void aFolderThatCannotBeReadIsLeftOutOfAPattern() throws IOException {
    file("parts/a.csv", "a\n1\n");
    file("parts/secret/b.csv", "a\n1\n");
    Path secret = folder.resolve("parts/secret");
    Assumptions.assumeTrue(
        secret.toFile().setReadable(false) && !Files.isReadable(secret),
        "needs a user who is not root");
    try {
      assertThat(names("parts/**.csv")).containsExactly("parts/a.csv");
    } finally {
      secret.toFile().setReadable(true);
    }
  }

  @Test
  void whatAPatternMissesOrMixesIsAnError() throws IOException {
    file("a.csv", "a\n1\n");
    file("a.txt", "a\n1\n");
    assertThatThrownBy(() -> names("*.npy"))
        .isInstanceOf(InvalidInputException.class)
        .hasMessage(folder + "/*.npy: expected files of this pattern, found none");
    assertThatThrownBy(() -> names("a.*"))
        .hasMessageContaining("expected tables alone or pictures alone, found ")
        .hasMessageEndingWith("a.txt");
  }

  @Test
  void aFolderWithPicturesIsOneOfPictures() throws IOException {
    file("all/labels.csv", "name,label\n");
    file("all/cats/1.png", "");
    assertThat(names("all")).containsExactly("all");
    assertThat(InputFiles.of(folder.resolve("all")).arePictures()).isTrue();
    assertThat(InputFiles.of(folder.resolve("all/*/*.png")).arePictures()).isTrue();
    assertThat(InputFiles.of(folder.resolve("all/labels.csv")).arePictures()).isFalse();
    file("tables/a.csv", "a\n1\n");
    file("tables/.thumbs/below/1.png", "");
    Files.createSymbolicLink(folder.resolve("tables/up"), folder.resolve("tables"));
    assertThat(names("tables")).containsExactly("tables/a.csv");
  }

  @Test
  void tablesOfTheSameColumnsAreReadAsOne() throws IOException {
    file("1.csv", "a,b\n1,2\n3,4\n");
    file("2.csv", "b,a\n6,5\n"); // names in another order
    file("3.csv", "a,b\n");
    file("4.csv", "a,b\n7,8\n");
    assertThat(rows("*.csv", TableOptions.DEFAULT))
        .containsExactly(
            new double[] {1, 2}, new double[] {3, 4}, new double[] {5, 6}, new double[] {7, 8});
    assertThat(rows("*.csv", TableOptions.DEFAULT.withDrop(List.of("a"))))
        .containsExactly(new double[] {2}, new double[] {4}, new double[] {6}, new double[] {8});
    Dataset all = DataSources.read(folder, TableOptions.DEFAULT);
    assertThat(all.size()).isEqualTo(4);
    assertThat(all.columns()).containsExactly("a", "b");
    assertThat(all.row(2)).containsExactly(5, 6);
    Files.writeString(folder.resolve("4.csv"), "a,b\n7,9\n");
    assertThat(DataSources.read(folder, TableOptions.DEFAULT).sha256()).isNotEqualTo(all.sha256());
  }

  @Test
  void otherColumnsAreRefused() throws IOException {
    file("1.csv", "a,b\n1,2\n");
    Path second = file("2.csv", "a,c\n1,2\n");
    assertThatThrownBy(() -> rows("*.csv", TableOptions.DEFAULT))
        .isInstanceOf(InvalidInputException.class)
        .hasMessage(second + ": expected a column b, found a, c");
    Files.writeString(second, "a,b,c\n1,2,3\n");
    assertThatThrownBy(() -> rows("*.csv", TableOptions.DEFAULT))
        .hasMessage(second + ": expected the 2 columns of " + folder + "/1.csv, found 3");
    NpyWriter.write(
        folder.resolve("1.npy"), Matrix.ofRows(Precision.FLOAT64, new double[][] {{1, 2}}));
    NpyWriter.write(
        folder.resolve("2.npy"), Matrix.ofRows(Precision.FLOAT64, new double[][] {{1, 2, 3}}));
    assertThatThrownBy(() -> rows("*.npy", TableOptions.DEFAULT))
        .hasMessage(folder + "/2.npy: expected the 2 columns of " + folder + "/1.npy, found 3");
  }

  @Test
  void aBadRowIsNamedWithItsFile() throws IOException {
    file("1.csv", "a,b\n1,2\n3,4\n");
    file("2.csv", "a,b\n5,6\n7,x\n");
    assertThatThrownBy(() -> DataSources.read(folder.resolve("*.csv"), TableOptions.DEFAULT))
        .hasMessage(
            folder + "/*.csv: 2.csv, row 2 (line 3): column 2 (b): expected a number, found 'x'");
    file("2.csv", "a,b\n5,6\n7,\n");
    Dataset kept =
        DataSources.read(folder.resolve("*.csv"), TableOptions.DEFAULT.withDropNonFinite(true));
    assertThat(kept.size()).isEqualTo(3);
  }
}
