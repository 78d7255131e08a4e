package org.ebflow.cli.plot;

import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.List;
import org.ebflow.flow.io.OneLine;
import org.ebflow.flow.layer.Shape;
import org.ebflow.linalg.Matrix;
import org.ebflow.training.scoring.Scorer;

/**
 * The pictures of this program as PNG files, each written in one piece. Needs no display. Without
 * fonts there are no curves, whose library needs them, and no text in the others: one warning.
 */
public final class Plots {
  private Plots() {}

  /** Why a picture can't be drawn, in one line. */
  public static String reason(Throwable e) {
    return e instanceof UncheckedIOException && e.getMessage() != null
        ? e.getMessage()
        : OneLine.message(e.toString());
  }

  /**
   * Loss over steps.
   *
   * @param metrics metrics.csv of a run
   * @return false if it has no loss yet or there are no fonts; nothing is written then
   */
  public static boolean loss(Path metrics, Path png) {
    Metrics.Curve loss = Metrics.read(metrics).curve("loss");
    if (loss.isEmpty() || !Picture.hasText()) {
      return false;
    }
    Picture.write(png, CurvePlot.loss(loss));
    return true;
  }

  /**
   * Negative log-likelihood of the validation set in nats over steps.
   *
   * @param metrics metrics.csv of a run
   * @return false if nothing was evaluated yet or there are no fonts; nothing is written then
   */
  public static boolean likelihood(Path metrics, Path png) {
    Metrics.Curve nll = Metrics.read(metrics).curve("val_nll");
    if (nll.isEmpty() || !Picture.hasText()) {
      return false;
    }
    Picture.write(png, CurvePlot.likelihood(nll));
    return true;
  }

  /**
   * A number with its uncertainty.
   *
   * @param series it belongs to
   * @param name of its place on the axis
   * @param mean not drawn unless finite
   * @param deviation length of the error bar to either side
   */
  public record Estimate(String series, String name, double mean, double deviation) {}

  /**
   * Test NLL in nats by setting, a series for each loss.
   *
   * @return false if none is finite or there are no fonts; nothing is written then
   */
  public static boolean settings(List<Estimate> nlls, Path png) {
    List<Estimate> finite = nlls.stream().filter(nll -> Double.isFinite(nll.mean)).toList();
    if (finite.isEmpty() || !Picture.hasText()) {
      return false;
    }
    Picture.write(png, SettingsPlot.of(finite));
    return true;
  }

  /**
   * Points of the plane beside the model's density over their range.
   *
   * @param scorer of a two-dimensional model
   * @param data [count][2], at least one row; the first few thousand are drawn
   * @param columns names of the axes, or empty
   * @param title of the density
   */
  public static void density(
      Scorer scorer, double[][] data, List<String> columns, String title, Path png) {
    Picture.write(png, PlanePlot.density(scorer, data, columns, title));
  }

  /**
   * Points of the plane.
   *
   * @param points [count][2]
   * @param columns names of the axes, or empty
   */
  public static void scatter(double[][] points, List<String> columns, String title, Path png) {
    Picture.write(png, PlanePlot.scatter(points, columns, title));
  }

  /**
   * Images side by side.
   *
   * @param images [count,channels·height·width], values 0 … levels-1
   */
  public static void images(Matrix images, Shape shape, int levels, Path png) {
    if (images.columns() != shape.size() || images.rows() == 0 || levels < 2) {
      throw new IllegalArgumentException(
          "Plots.images: images are "
              + images
              + " of "
              + levels
              + " levels, expected [*,"
              + shape.size()
              + "]");
    }
    Picture.write(png, ImageGrid.of(images, shape, levels));
  }
}
