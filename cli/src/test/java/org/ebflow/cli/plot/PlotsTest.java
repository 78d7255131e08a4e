package org.ebflow.cli.plot;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.awt.Color;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import javax.imageio.ImageIO;
import org.ebflow.flow.Flow;
import org.ebflow.flow.InvalidInputException;
import org.ebflow.flow.layer.Shape;
import org.ebflow.linalg.Blas;
import org.ebflow.linalg.Matrix;
import org.ebflow.linalg.Precision;
import org.ebflow.training.preprocessing.Preprocessing;
import org.ebflow.training.scoring.EmpiricalDistribution;
import org.ebflow.training.scoring.Scorer;
import org.ebflow.training.scoring.TrainedFlow;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PlotsTest {
  private static final String HEADER =
      "step,epoch,wall_s,loss,grad_norm,lr,nonfinite,val_nll,val_bpd,steps_per_s\n";

  @TempDir Path folder;

  private Path metrics(String rows) throws IOException {
    return Files.writeString(folder.resolve("metrics.csv"), HEADER + rows);
  }

  private static double brightness(BufferedImage image, int x, int y) {
    Color colour = new Color(image.getRGB(x, y));
    return colour.getRed() * .3 + colour.getGreen() * .6 + colour.getBlue() * .1;
  }

  @Test
  void curvesAreDrawnFromTheRowsThatHaveTheirColumn() throws IOException {
    Path metrics =
        metrics(
            "100,0,1,-5,1,.1,0,,,9\n200,0,2,-6,1,.1,0,,,9\n200,0,2,,,,0,3.5,1.2,\n300,1,3,-7,1,.1,0,,,9\n");
    assertThat(Metrics.read(metrics).curve("loss").values()).containsExactly(-5, -6, -7);
    assertThat(Metrics.read(metrics).curve("val_nll").steps()).containsExactly(200);
    assertThat(Plots.loss(metrics, folder.resolve("loss.png"))).isTrue();
    assertThat(Plots.likelihood(metrics, folder.resolve("likelihood.png"))).isTrue();
    assertThat(ImageIO.read(folder.resolve("loss.png").toFile()).getWidth()).isGreaterThan(600);
    assertThat(ImageIO.read(folder.resolve("likelihood.png").toFile()).getHeight())
        .isGreaterThan(400);
  }

  @Test
  void withoutValuesThereIsNoCurve() throws IOException {
    Path metrics = metrics("100,0,1,NaN,1,.1,0,,,9\n");
    assertThat(Plots.loss(metrics, folder.resolve("loss.png"))).isFalse();
    assertThat(Plots.likelihood(metrics, folder.resolve("loss.png"))).isFalse();
    assertThat(folder.resolve("loss.png")).doesNotExist();
  }

  @Test
  void aRowCutShortIsNoRow() throws IOException {
    assertThat(Metrics.read(metrics("100,0,1,-5,1,.1,0,,,9\n200,0,2,-6")).curve("loss").values())
        .containsExactly(-5);
  }

  @Test
  void textInMetricsIsRefused() throws IOException {
    Path metrics = metrics("100,0,1,many,1,.1,0,,,9\n");
    assertThatThrownBy(() -> Plots.loss(metrics, folder.resolve("loss.png")))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageContaining("'many'");
  }

  @Test
  void theDensityIsBrightWhereTheModelIsDense() throws IOException {
    Flow flow = Flow.of(2).dense().build(); // z = 1 - x: a standard normal around (1, 1)
    TrainedFlow model =
        new TrainedFlow(
            flow,
            Preprocessing.none(),
            new TrainedFlow.DataDescription(
                "normal", List.of(), null, EmpiricalDistribution.unknown(), null),
            0);
    double[][] data = {{-2, -2}, {4, 4}};
    Path png = folder.resolve("density.png");
    try (Scorer scorer = new Scorer(model, Blas.auto(), 2)) {
      Plots.density(scorer, data, List.of("width", "height"), "Model", png);
    }
    BufferedImage image = ImageIO.read(png.toFile());
    int left = 2 * Panel.LEFT + Panel.SIDE + Panel.RIGHT;
    int middle = Panel.TOP + Panel.SIDE / 2;
    assertThat(brightness(image, left + Panel.SIDE / 2, middle)).isGreaterThan(180);
    assertThat(brightness(image, left + 10, Panel.TOP + 10)).isLessThan(60);
    assertThat(brightness(image, left + Panel.SIDE / 2, Panel.TOP + Panel.SIDE / 5))
        .isBetween(20.0, 150.0);
  }

  @Test
  void pointsAreDrawnWhereTheyAre() throws IOException {
    double[][] points = new double[500][];
    Random random = new Random(2);
    for (int i = 0; i < points.length; i++) {
      points[i] =
          i == 0
              ? new double[] {1, 1}
              : new double[] {-1e-2 * random.nextDouble(), -1e-2 * random.nextDouble()};
    }
    Path png = folder.resolve("scatter.png");
    Plots.scatter(points, List.of(), "points", png);
    BufferedImage image = ImageIO.read(png.toFile());
    int nearEnd = (int) (Panel.SIDE * .06 / 1.12);
    assertThat(brightness(image, Panel.LEFT + nearEnd, Panel.TOP + Panel.SIDE - nearEnd))
        .isLessThan(150);
    assertThat(brightness(image, Panel.LEFT + nearEnd, Panel.TOP + nearEnd)).isGreaterThan(200);
  }

  @Test
  void imagesShowTheirPixelsInRowsAndColours() throws IOException {
    Shape shape = new Shape(3, 1, 2);
    Matrix images = Matrix.allocate(Precision.FLOAT64, 2, 6);
    images.set(0, 0, 15); // red of the left pixel of the first image
    images.set(1, 4, 15); // green of the right pixel of the second
    Path png = folder.resolve("images.png");
    Plots.images(images, shape, 16, png);
    BufferedImage picture = ImageIO.read(png.toFile());
    int tile = (picture.getWidth() - 4) / 2;
    assertThat(picture.getRGB(4 + 2, 6) & 0xffffff).isEqualTo(0xff0000);
    assertThat(picture.getRGB(tile - 2, 6) & 0xffffff).isZero();
    assertThat(picture.getRGB(tile + 4 + 2, 6) & 0xffffff).isZero();
    assertThat(picture.getRGB(2 * tile - 2, 6) & 0xffffff).isEqualTo(0x00ff00);
  }

  @Test
  void settingsShowADotForEachFiniteEstimate() throws IOException {
    Path png = folder.resolve("settings.png");
    assertThat(Plots.settings(List.of(), png)).isFalse();
    List<Plots.Estimate> none =
        List.of(new Plots.Estimate("ml", "recipe", Double.POSITIVE_INFINITY, Double.NaN));
    assertThat(Plots.settings(none, png)).isFalse();
    assertThat(png).doesNotExist();
    List<Plots.Estimate> nlls =
        List.of(
            new Plots.Estimate("ml", "recipe", 10, 0),
            new Plots.Estimate("ml", "wide", 9, 0),
            new Plots.Estimate("ssm", "recipe", Double.POSITIVE_INFINITY, Double.NaN),
            new Plots.Estimate("ssm", "wide", 11, 0));
    assertThat(Plots.settings(nlls, png)).isTrue();
    BufferedImage picture = ImageIO.read(png.toFile());
    int legend = picture.getHeight() - 60;
    assertThat(dots(picture, 0x31688e, legend)).isBetween(60, 600); // ml: two dots of 9 pixels
    int one = dots(picture, 0xd95f02, legend);
    assertThat(one).isBetween(30, 300).isLessThan(dots(picture, 0x31688e, legend));
  }

  /** Pixels of a colour above a line. */
  private static int dots(BufferedImage picture, int colour, int below) {
    int count = 0;
    for (int y = 0; y < below; y++) {
      for (int x = 0; x < picture.getWidth(); x++) {
        count += (picture.getRGB(x, y) & 0xffffff) == colour ? 1 : 0;
      }
    }
    return count;
  }

  @Test
  void aMissingFolderIsOneLine() {
    Matrix images = Matrix.allocate(Precision.FLOAT64, 1, 4);
    assertThatThrownBy(
            () -> Plots.images(images, new Shape(1, 2, 2), 2, folder.resolve("none/images.png")))
        .isInstanceOf(UncheckedIOException.class)
        .hasMessageContaining("does not exist");
  }

  @Test
  void colourMapRisesInBrightness() {
    assertThat(ColourMap.rgb(0)).isEqualTo(0x440154);
    assertThat(ColourMap.rgb(1)).isEqualTo(0xfde725);
    assertThat(ColourMap.rgb(Double.NaN)).isEqualTo(ColourMap.rgb(-3)).isEqualTo(0x440154);
    assertThat(ColourMap.rgb(Double.POSITIVE_INFINITY)).isEqualTo(0xfde725);
    assertThat(ColourMap.rgb(5. / 15)).isEqualTo(0x31688e); // viridis' colour number 85 of 255
    assertThat(ColourMap.rgb(10. / 15)).isEqualTo(0x35b779); // and 170
    // halfway between two steps each channel is halfway too
    assertThat(ColourMap.rgb(10.5 / 15)).isEqualTo(0x45be71);
    double darker = -1;
    for (int i = 0; i <= 15; i++) {
      int rgb = ColourMap.rgb(i / 15.);
      double luminance = .2126 * (rgb >> 16) + .7152 * (rgb >> 8 & 0xff) + .0722 * (rgb & 0xff);
      assertThat(luminance).as("step %d", i).isGreaterThan(darker);
      darker = luminance;
    }
  }
}
