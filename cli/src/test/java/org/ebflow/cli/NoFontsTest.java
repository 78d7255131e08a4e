package org.ebflow.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import javax.imageio.ImageIO;
import org.ebflow.cli.ChildProgram.Result;
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
  private Result withoutFonts(Object... arguments) throws Exception {
    Path config =
        Files.writeString(
            folder.resolve("fonts.conf"),
            "<?xml version=\"1.0\"?><!DOCTYPE fontconfig SYSTEM \"fonts.dtd\"><fontconfig></fontconfig>");
    // Java remembers fonts it once found in the user's home
    String home = "-Duser.home=" + Files.createDirectories(folder.resolve("home"));
    String cache = System.getProperty("user.home") + "/.cache";
    ProcessBuilder builder = new ProcessBuilder(ChildProgram.command(List.of(home), arguments));
    builder.environment().put("FONTCONFIG_FILE", config.toString());
    builder.environment().putIfAbsent("XDG_CACHE_HOME", cache);
    return ChildProgram.run(builder);
  }

  @Test
  void withoutFontsATrainingEndsWithPicturesWithoutText() throws Exception {
    Result result = withoutFonts("train", "--data", table, "--epochs", 2, "--out", run);

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
    assertThat(withoutFonts("sample", run, "--count", 9, "--out", points).err())
        .contains("9 samples in " + points);
    assertThat(ImageIO.read(points.toFile()).getWidth()).isGreaterThan(500);

    Path images = folder.resolve("images");
    TestRuns.pictures(images);
    Path grid = folder.resolve("grid.png");
    Result result = withoutFonts("sample", images, "--count", 9, "--out", grid);
    assertThat(result.err()).contains("9 samples in " + grid).doesNotContain("warning: ");
    assertThat(ImageIO.read(grid.toFile()).getWidth()).isGreaterThan(200);
  }

  @Test
  void withoutGraphicsATrainingEndsWithOneWarningAndSamplesNameTheWayOut() throws Exception {
    Result trained =
        ChildProgram.run(
            new ProcessBuilder(
                ChildProgram.command(
                    ChildProgram.NO_GRAPHICS,
                    "train",
                    "--data",
                    table,
                    "--epochs",
                    3,
                    "--out",
                    run)));
    assertThat(trained.exit()).as(trained.err()).isZero();
    assertThat(trained.err()).containsOnlyOnce("warning: ").contains("no plots: ");
    assertThat(run.resolve("model.safetensors")).exists();

    Result sampled =
        ChildProgram.run(
            new ProcessBuilder(
                ChildProgram.command(
                    ChildProgram.NO_GRAPHICS,
                    "sample",
                    run,
                    "--count",
                    9,
                    "--out",
                    folder.resolve("points.png"))));
    assertThat(sampled.exit()).isEqualTo(2);
    assertThat(sampled.err())
        .contains("points.png: this Java can't draw pictures")
        .contains("expected a name ending in .npy")
        .doesNotContain("\tat ");
  }
}
