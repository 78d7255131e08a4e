package org.ebflow.cli.plot;

import java.awt.Graphics2D;
import java.awt.image.BufferedImage;
import java.util.Arrays;
import java.util.List;
import org.ebflow.linalg.Matrix;
import org.ebflow.linalg.Precision;
import org.ebflow.training.scoring.Scorer;

/** Data, samples and density of two-dimensional models. */
final class PlanePlot {
  /** Points of the density grid per axis; a third of the panel's pixels. */
  private static final int GRID = Panel.SIDE / 3;

  private static final int MOST_POINTS = 5000;

  /**
   * Share of the grid's values that may exceed the colour scale: a narrow spike must not darken
   * everything else.
   */
  private static final double ABOVE_SCALE = .0005;

  private PlanePlot() {}

  /** The data beside exp log p on a grid over the data's range. */
  static BufferedImage density(Scorer scorer, double[][] data, List<String> columns, String title) {
    double[][] shown = data.length > MOST_POINTS ? Arrays.copyOf(data, MOST_POINTS) : data;
    Range x = Range.of(column(shown, 0));
    Range y = Range.of(column(shown, 1));
    double[] density = evaluate(scorer, x, y);
    double top = top(density);

    int second = Panel.LEFT + Panel.SIDE + Panel.RIGHT + Panel.LEFT;
    int width = second + Panel.SIDE + Panel.BAR_ROOM + Panel.RIGHT;
    BufferedImage image = Picture.blank(width, Panel.TOP + Panel.SIDE + Panel.BOTTOM);
    Graphics2D g = Picture.draw(image);
    Panel left = new Panel(g, Panel.LEFT, x, y);
    left.grid();
    left.dots(shown);
    left.axes("Data", name(columns, 0), name(columns, 1));
    Panel right = new Panel(g, second, x, y);
    right.fill(map(density, top));
    right.axes(title, name(columns, 0), name(columns, 1));
    right.colourBar(top, "probability density");
    g.dispose();
    return image;
  }

  /** Points as dots. */
  static BufferedImage scatter(double[][] points, List<String> columns, String title) {
    double[][] shown =
        points.length > 4 * MOST_POINTS ? Arrays.copyOf(points, 4 * MOST_POINTS) : points;
    BufferedImage image =
        Picture.blank(Panel.LEFT + Panel.SIDE + Panel.RIGHT, Panel.TOP + Panel.SIDE + Panel.BOTTOM);
    Graphics2D g = Picture.draw(image);
    double quantile = shown.length > 1000 ? .0005 : 0;
    Panel panel =
        new Panel(
            g,
            Panel.LEFT,
            Range.between(column(shown, 0), quantile, 1 - quantile),
            Range.between(column(shown, 1), quantile, 1 - quantile));
    panel.grid();
    panel.dots(shown);
    panel.axes(title, name(columns, 0), name(columns, 1));
    g.dispose();
    return image;
  }

  /** exp log p on the grid, row by row from the top. */
  private static double[] evaluate(Scorer scorer, Range x, Range y) {
    Matrix points = Matrix.allocate(Precision.FLOAT64, GRID * GRID, 2);
    for (int row = 0; row < GRID; row++) {
      for (int column = 0; column < GRID; column++) {
        points.set(row * GRID + column, 0, x.at((column + .5) / GRID));
        points.set(row * GRID + column, 1, y.at(1 - (row + .5) / GRID));
      }
    }
    double[] density = scorer.score(points).logProb();
    Arrays.setAll(density, i -> Math.exp(density[i]));
    return density;
  }

  /** Top of the colour scale. */
  private static double top(double[] density) {
    double[] sorted = Arrays.stream(density).filter(Double::isFinite).sorted().toArray();
    double top = sorted.length == 0 ? 0 : sorted[(int) ((1 - ABOVE_SCALE) * (sorted.length - 1))];
    return top > 0 ? top : 1;
  }

  private static BufferedImage map(double[] density, double top) {
    BufferedImage map = new BufferedImage(GRID, GRID, BufferedImage.TYPE_INT_RGB);
    for (int i = 0; i < density.length; i++) {
      map.setRGB(i % GRID, i / GRID, ColourMap.rgb(density[i] / top));
    }
    return map;
  }

  private static double[] column(double[][] rows, int column) {
    return Arrays.stream(rows).mapToDouble(row -> row[column]).toArray();
  }

  private static String name(List<String> columns, int column) {
    return columns.isEmpty() ? (column == 0 ? "x₁" : "x₂") : columns.get(column);
  }
}
