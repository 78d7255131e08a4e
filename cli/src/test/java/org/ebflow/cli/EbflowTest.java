package org.ebflow.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.ebflow.training.recipe.Recipe;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import picocli.CommandLine;
import picocli.CommandLine.Model.CommandSpec;
import tools.jackson.databind.json.JsonMapper;

final class EbflowTest {
  @TempDir Path folder;

  @Test
  void versionAndHelpGoToStdout() {
    assertThat(Program.run("--version").out()).contains("ebflow").contains("Java 2");
    Program.Result help = Program.run("train", "--help");
    assertThat(help.exit()).isZero();
    assertThat(help.out())
        .contains("--resume")
        .contains("--no-map")
        .containsIgnoringWhitespaces("mnist-fc-ssm");
    assertThat(Program.run("help", "train")).isEqualTo(help);
    assertThat(Program.run("help", "data", "info").out()).contains("ebflow data info");
    assertThat(Program.run("help").out()).isEqualTo(Program.run("--help").out());
  }

  /** Where a percent sign is not doubled, picocli warns above the help. */
  @Test
  void textsOfTheHelpAreFormatStrings() {
    requireFormats(new CommandLine(new Ebflow()).getCommandSpec());
  }

  private static void requireFormats(CommandSpec command) {
    List<String> texts = new ArrayList<>();
    for (String[] lines :
        List.of(
            command.usageMessage().description(),
            command.usageMessage().header(),
            command.usageMessage().footer())) {
      texts.addAll(List.of(lines));
    }
    command.args().forEach(argument -> texts.addAll(List.of(argument.description())));
    for (String text : texts) {
      assertThatCode(() -> String.format(Locale.ROOT, text))
          .as(command.qualifiedName() + ": " + text)
          .doesNotThrowAnyException();
    }
    command.subcommands().values().forEach(sub -> requireFormats(sub.getCommandSpec()));
  }

  @Test
  void withoutACommandTheUsageIsShownAsAnError() {
    Program.Result result = Program.run();

    assertThat(result.exit()).isEqualTo(2);
    assertThat(result.out()).isEmpty();
    assertThat(result.err()).contains("train").contains("eval");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "trian                                       | Did you mean: ebflow train",
        "train --nonsense                            | Unknown option: '--nonsense'",
        "train mnist-fc-sssm                         | the nearest is mnist-fc-ssm",
        "train mnist-rnn-ssm                         | no recipe mnist-rnn-ssm",
        "train mnist-fc-ssm --loss dsm               | --data, --loss and --model go with no recipe",
        "train mnist-fc-ssm --model coupling         | --data, --loss and --model go with no recipe",
        "train mnist-fc-ssm --data kmnist            | --data, --loss and --model go with no recipe",
        "train --loss dsm                            | --data, --loss and --model go with no recipe but with --data",
        "train table-fc-ssm                          | expected --data FILE",
        "train --data mnist --model cnm              | --model cnm: no such choice, expected one of fc, coupling, spline, patches, patches64, cnn, glow",
        "train --data pom.xml --model patches         | --model patches needs a data set of images, found the table pom.xml",
        "train --data pom.xml --model cnn             | --model cnn needs a data set of images, found the table pom.xml",
        "train mnist-cnn-ssm --set model.side=4       | side is 4, expected an odd number from 1 to 99",
        "train mnist-cnn-ssm --set model.blocks=11    | blocks is 11, expected 1 to 10",
        "train --data pom.xml --model glow            | --model glow needs a data set of images, found the table pom.xml",
        "train mnist-glow-ssm --set model.steps=0     | blocks, steps and width are 2, 0, 512, expected 1 to 10, 1000, 65536",
        "train mnist-glow-ssm --set model.init=identity | init is identity, expected published or whitening",
        "train mnist-patches-ml --set model.side=0    | side is 0, expected at least 1",
        "train --set model.blocks=2000000000          | expected 1 to 1000",
        "train mnist-fc-ssm --set model.layers=2000000000 | layers is 2000000000, expected 1 to 1000",
        "train mnist-fc-ssm --set objective.slices=100000000 | slices is 100000000, expected 1 to 10000",
        "inpaint run                                 | inpaint is not built yet",
        "eval /nowhere --columns a                   | --columns, --drop and --drop-nonfinite choose from a file, expected one as --data or --ood",
        "eval /nowhere --drop a --data mnist         | choose from a file, expected one as --data or --ood",
        "eval /nowhere --drop-nonfinite --ood kmnist | choose from a file, expected one as --data or --ood",
        "eval /nowhere --drop a --data pom.xml --split val | --split reads the run's own data as the run did",
        "train --data mnist --loss mm                | --loss mm: no such choice, expected one of ssm",
        "train --data stl10 --loss ml                | --data stl10 --loss ml: expected --loss dsm (or recipe stl10-fc-dsm --set objective.loss=ml)",
        "train --data mnist --model coupling         | --data mnist --model coupling: expected --model cnn, fc, glow, glow64, patches, found no such recipe",
        "train --set objective.lambda=-5             | lambda gives the energy the weight",
        "score no-run in.csv --out o.csv --precision f8 | --precision is f8, expected f32, f64 or bf16",
        "train --data nowhere.csv                    | nowhere.csv: expected a file or one of mnist",
        "train --set optimizer.learning_rate=1       | no key optimizer.learning_rate, the nearest is",
        "train --set optimizer.lr=fast               | optimizer.lr: expected a number",
        "train --lr 0                                | lr is 0.0, expected a number above 0",
        "train --set data.augment=true               | sine: data.augment needs images, expected height and width, found rows of 2 columns",
        "train --epochs 0                            | expected at least 1 when epochs is 0",
        "train --batch-size many                     | training.batch_size: expected a whole number",
        "train --precision bf16 --backend java       | --precision bf16: backend java has no such products",
        "train kmnist-fc-ssm --data-dir none --precision bf16 --backend java | bf16: backend java has no such products",
        "train mnist-fc-fdssm --precision bf16       | training.precision is bf16, expected f32 or f64 with loss fdssm",
        "train --precision f16                       | expected one of f32, f64, bf16",
        "train --backend cuda                        | --backend cuda is not built yet",
        "train --backend mkl                         | --backend mkl: no such backend, expected auto",
        "train --threads 0                           | --threads is 0, expected 1 to 1024",
        "train --threads 1000000                     | --threads is 1000000, expected 1 to 1024",
        "train --threads 99999999999                 | '99999999999' is not an int",
        "train --epochs 99999999999                  | training.epochs: Numeric value (99999999999) out of range",
        "train --epochs -1                           | training.epochs is -1, expected at least 0",
        "train --steps 1.5                           | training.steps: expected a whole number, found 1.5",
        "train --lr NaN                              | optimizer.lr is NaN, expected a number above 0",
        "train --set model.type=fcc                  | no kind fcc, expected one of cnn, coupling, fc, glow, linear, patches, spline",
        "train --set training                        | should be in KEY=VALUE format but was training",
        "data info src                               | src: expected a folder with tables (.csv, .npy, .parquet) or pictures (.png, .jpg, .jpeg), found none",
        "train --data-dir /nowhere/at/all            | /nowhere/at/all: expected a data folder, found nothing",
        "train --resume /nowhere/at/all              | config.json: expected a file, found none",
        "train quickstart --resume /nowhere/at/all   | --resume goes on with the recipe of the run",
        "train --resume /nowhere --lr 1              | expected no other choice but its length",
        "train --resume /nowhere --set training.clip=1 | expected no other choice but its length",
        "help trian                                  | Did you mean: ebflow train",
        "eval /nowhere/at/all                        | /nowhere/at/all: expected a run folder or a model file",
        "eval /nowhere --log-z slq                   | --log-z slq is not built yet, expected exact",
        "eval /nowhere --log-z magic                 | --log-z magic: no such method",
        "eval /nowhere --split all                   | --split is all, expected test, val or train",
        "info /nowhere/at/all                        | /nowhere/at/all",
        "gradcheck no-such-recipe                    | no recipe no-such-recipe",
        "gradcheck quickstart --loss mm              | no kind mm, expected one of dsm, fdssm, ml, rg, sml, snf, ssm, the nearest is ml",
        "data fetch nothing                          | nothing: expected one of mnist",
        "data info /nowhere/table.csv                | /nowhere/table.csv"
      })
  void wrongUsageIsOneClearLineAndCodeTwo(String line, String message) {
    Program.Result result = Program.run((Object[]) line.split(" "));

    assertThat(result.err()).contains(message).doesNotContain("\tat ").doesNotContain("Exception");
    assertThat(result.exit()).isEqualTo(2);
    assertThat(result.out()).isEmpty();
    assertThat(
            result
                .err()
                .lines()
                .filter(
                    text -> !text.matches("ebflow: BLAS.*|Did you mean.*|Possible solutions.*")))
        .allMatch(text -> text.startsWith("ebflow: "))
        .hasSize(1);
  }

  @Test
  void brokenModelsAndConfigsAreRefused() throws IOException {
    Path run = Files.createDirectory(folder.resolve("run"));
    assertThat(Program.run("eval", run))
        .matches(
            result -> result.exit() == 2 && result.err().contains("go on with an interrupted run"));
    Files.writeString(run.resolve("model.safetensors"), "no weights");
    Files.writeString(run.resolve("config.json"), "{ no json");

    assertThat(Program.run("eval", run))
        .matches(result -> result.exit() == 2 && result.err().contains("model.safetensors"));
    assertThat(Program.run("info", run))
        .matches(result -> result.exit() == 2 && result.err().contains("model.safetensors"));
    assertThat(Program.run("train", "--resume", run))
        .matches(
            result -> result.exit() == 2 && result.err().contains("config.json: expected JSON"));
  }

  @Test
  void dataListNamesEverySet() {
    Program.Result result = Program.run("data", "list", "--data-dir", folder);

    assertThat(result.exit()).isZero();
    assertThat(result.out()).contains("mnist", "kmnist", "cifar10", "sine", "multimodal10");
    assertThat(result.err()).contains("in " + folder);
    assertThat(Program.run("data", "--data-dir", folder, "list")).isEqualTo(result);
  }

  @Test
  void dataInfoDescribesANamedSet() {
    Program.Result absent = Program.run("data", "info", "cifar10", "--data-dir", folder);
    assertThat(absent.exit()).isZero();
    assertThat(absent.out().lines())
        .startsWith(
            "40000 training, 10000 validation, 10000 test rows, 3072 columns",
            "images of 3 channels, height 32, width 32")
        .endsWith("not here: ebflow data fetch cifar10 gets it");

    Program.Result generated = Program.run("data", "info", "sine", "--data-dir", folder);
    assertThat(generated.exit()).isZero();
    assertThat(generated.out().lines())
        .containsExactly(
            "50000 training, 10000 validation, 10000 test rows, 2 columns",
            "generated, no licence needed");
  }

  @Test
  void dataInfoSummarisesATable() throws IOException {
    Path file =
        TestRuns.csv(
            folder.resolve("table.csv"), "a,b", new double[][] {{1, 2}, {3, Double.NaN}, {5, 6}});
    Program.Result result = Program.run("data", "info", file);

    assertThat(result.exit()).isZero();
    assertThat(result.out())
        .contains("3 rows, 2 columns")
        .contains("1 bad rows, the first is row 2");
  }

  @Test
  void gradcheckPassesAndPrintsATable() {
    Program.Result result = Program.run("gradcheck", "table-fc-ssm");

    assertThat(result.out()).contains("weight").contains("8x8").contains("passed");
    assertThat(result.exit()).isZero();
    assertThat(Program.run("gradcheck", "table-fc-ssm", "--loss", "fdssm", "--json").out())
        .startsWith("{\"objective\":\"fdssm\"")
        .contains("\"passed\":true");
  }

  /** With so small a radius the loss is rounding noise, which no gradient matches. */
  @Test
  void gradcheckThatFailsMarksTheBlocksAndExitsWithOne() throws IOException {
    Map<String, Object> recipe =
        Recipe.named("table-fc-fdssm").set("objective.radius", "1e-7").toMap();
    Path file = folder.resolve("noise.json");
    Files.writeString(file, new JsonMapper().writeValueAsString(recipe));

    Program.Result result = Program.run("gradcheck", file);

    assertThat(result.exit()).isEqualTo(1);
    assertThat(result.out()).containsPattern("0\\.weight .* off\\R").contains("FAILED");
    assertThat(Program.run("gradcheck", file, "--json"))
        .matches(json -> json.exit() == 1 && json.out().contains("\"passed\":false"));
  }
}
