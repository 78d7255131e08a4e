package org.ebflow.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import javax.imageio.ImageIO;
import org.ebflow.cli.Program.Result;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/** Machines without fonts, and Javas without graphics: no picture is worth a training. */
@EnabledOnOs(OS.LINUX)
final class NoFontsTest {
  @TempDir Path folder;
  private Path run;
  private Path table;

  @BeforeEach
  void writeTable() throws IOException {
    run = folder.resolve("run");
    table = TestRuns.csv(folder.resolve("table.csv"), "a,b", TestRuns.rows(200, 2, 1));
  }

  /** Fontconfig with an empty configuration finds no font. */
  private List<Result> withoutFonts(List<List<Object>> calls) throws Exception {
    Path config =
        Files.writeString(
            folder.resolve("fonts.conf"),
            "<?xml version=\"1.0\"?><!DOCTYPE fontconfig SYSTEM \"fonts.dtd\"><fontconfig></fontconfig>");
    // Java remembers fonts it once found in the user's home
    String home = "-Duser.home=" + Files.createDirectories(folder.resolve("home"));
    String cache =
        Objects.requireNonNullElse(
            System.getenv("XDG_CACHE_HOME"), System.getProperty("user.home") + "/.cache");
    return ChildProgram.runEach(
        List.of(home),
        Map.of("FONTCONFIG_FILE", config.toString(), "XDG_CACHE_HOME", cache),
        calls);
  }

  @Test
  void withoutFontsATrainingEndsWithPicturesWithoutText() throws Exception {
    Result result =
        withoutFonts(List.of(List.of("train", "--data", table, "--epochs", 2, "--out", run)))
            .getFirst();

    assertThat(result.exit()).as(result.err()).isZero();
    assertThat(result.err()).containsOnlyOnce("warning: ").contains("no fonts found");
    assertThat(run.resolve("model.safetensors")).exists();
    assertThat(run.resolve("last/state.safetensors")).exists();
    assertThat(ImageIO.read(run.resolve("plots/density.png").toFile()).getWidth())
        .isGreaterThan(600);
    assertThat(run.resolve("plots/loss.png")).doesNotExist();
    assertThat(Program.run("train", "--resume", run, "--epochs", 3).exit()).isZero();
    assertThat(run.resolve("plots/loss.png")).exists();
  }

  @Test
  void withoutFontsSamplesAreDrawn() throws Exception {
    TestRuns.table(run, 2);
    Path points = folder.resolve("points.png");
    Path images = folder.resolve("images");
    TestRuns.pictures(images);
    Path grid = folder.resolve("grid.png");

    List<Result> results =
        withoutFonts(
            List.of(
                List.of("sample", run, "--count", 9, "--out", points),
                List.of("sample", images, "--count", 9, "--out", grid)));

    assertThat(results.get(0).err()).contains("9 samples in " + points);
    assertThat(ImageIO.read(points.toFile()).getWidth()).isGreaterThan(500);
    assertThat(results.get(1).err()).contains("9 samples in " + grid).doesNotContain("warning: ");
    assertThat(ImageIO.read(grid.toFile()).getWidth()).isGreaterThan(200);
  }

  @Test
  void withoutGraphicsATrainingEndsWithOneWarningAndSamplesNameTheWayOut() throws Exception {
    Path points = folder.resolve("points.png");
    List<Result> results =
        ChildProgram.runEach(
            ChildProgram.NO_GRAPHICS,
            Map.of(),
            List.of(
                List.of("train", "--data", table, "--epochs", 3, "--out", run),
                List.of("sample", run, "--count", 9, "--out", points)));

    Result trained = results.get(0);
    assertThat(trained.exit()).as(trained.err()).isZero();
    assertThat(trained.err()).containsOnlyOnce("warning: ").contains("no plots: ");
    assertThat(run.resolve("model.safetensors")).exists();
    Result sampled = results.get(1);
    assertThat(sampled.exit()).isEqualTo(2);
    assertThat(sampled.err())
        .contains("points.png: this Java can't draw pictures")
        .contains("expected a name ending in .npy")
        .doesNotContain("\tat ");
  }
}
