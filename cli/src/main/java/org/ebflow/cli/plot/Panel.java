package org.ebflow.cli.plot;

import java.awt.AlphaComposite;
import java.awt.BasicStroke;
import java.awt.Composite;
import java.awt.Font;
import java.awt.FontMetrics;
import java.awt.Graphics2D;
import java.awt.geom.AffineTransform;
import java.awt.geom.Ellipse2D;
import java.awt.image.BufferedImage;

/** A square with two labelled axes, on which points and density maps of the plane are drawn. */
final class Panel {
  /** Side of the square in pixels. */
  static final int SIDE = 480;

  /** Room that title, ticks and labels take around it. */
  static final int LEFT = 84;

  static final int TOP = 52;
  static final int BOTTOM = 66;
  static final int RIGHT = 28;

  /** Room that a colour bar takes right of the square. */
  static final int BAR_ROOM = 104;

  private static final int TICKS = 8;
  private static final int TICK_LENGTH = 6;

  private final Graphics2D g;
  private final int left;
  private final Range x;
  private final Range y;

  /**
   * @param left of the square
   */
  Panel(Graphics2D g, int left, Range x, Range y) {
    this.g = g;
    this.left = left;
    this.x = x;
    this.y = y;
  }

  /** Fills the square with a picture. */
  void fill(BufferedImage map) {
    g.drawImage(map, left, TOP, SIDE, SIDE, null);
  }

  /** Draws points [count][2] as translucent dots, the fainter the more there are. */
  void dots(double[][] points) {
    Composite opaque = g.getComposite();
    double crowd = Math.max(1, points.length / 1000.0);
    g.setComposite(
        AlphaComposite.getInstance(
            AlphaComposite.SRC_OVER, (float) Math.max(.18, .7 / Math.sqrt(crowd))));
    g.setColor(Picture.POINT);
    double radius = points.length > 2000 ? 1.6 : 2.2;
    for (double[] point : points) {
      if (x.contains(point[0]) && y.contains(point[1])) {
        g.fill(
            new Ellipse2D.Double(
                pixelX(point[0]) - radius, pixelY(point[1]) - radius, 2 * radius, 2 * radius));
      }
    }
    g.setComposite(opaque);
  }

  /** Faint lines at the ticks; before the points. */
  void grid() {
    g.setColor(Picture.FAINT);
    g.setStroke(new BasicStroke(1));
    for (double tick : x.ticks(TICKS)) {
      int at = (int) pixelX(tick);
      g.drawLine(at, TOP, at, TOP + SIDE);
    }
    for (double tick : y.ticks(TICKS)) {
      int at = (int) pixelY(tick);
      g.drawLine(left, at, left + SIDE, at);
    }
  }

  /** Frame, ticks and names; after everything inside. */
  void axes(String title, String xName, String yName) {
    g.setColor(Picture.INK);
    g.setStroke(new BasicStroke(1.2f));
    g.drawRect(left, TOP, SIDE, SIDE);
    for (double tick : x.ticks(TICKS)) {
      int at = (int) pixelX(tick);
      g.drawLine(at, TOP + SIDE, at, TOP + SIDE + TICK_LENGTH);
    }
    for (double tick : y.ticks(TICKS)) {
      int at = (int) pixelY(tick);
      g.drawLine(left - TICK_LENGTH, at, left, at);
    }
    if (Picture.hasText()) {
      tickLabels();
      g.setFont(Picture.font(Font.PLAIN, 15));
      centred(xName, left + SIDE / 2, TOP + SIDE + BOTTOM - 14);
      vertical(yName, left - LEFT + 24);
      g.setFont(Picture.font(Font.BOLD, 17));
      centred(title, left + SIDE / 2, TOP - 18);
    }
  }

  private void tickLabels() {
    g.setFont(Picture.font(Font.PLAIN, 14));
    FontMetrics metrics = g.getFontMetrics();
    for (double tick : x.ticks(TICKS)) {
      String label = x.label(tick, TICKS);
      g.drawString(
          label,
          (int) pixelX(tick) - metrics.stringWidth(label) / 2,
          TOP + SIDE + TICK_LENGTH + metrics.getAscent() + 2);
    }
    for (double tick : y.ticks(TICKS)) {
      String label = y.label(tick, TICKS);
      g.drawString(
          label,
          left - TICK_LENGTH - 4 - metrics.stringWidth(label),
          (int) pixelY(tick) + metrics.getAscent() / 2 - 2);
    }
  }

  /** A bar of the colours right of the square, from 0 to {@code max}. */
  void colourBar(double max, String name) {
    int bar = left + SIDE + 18;
    int width = 18;
    for (int row = 0; row < SIDE; row++) {
      g.setColor(ColourMap.colour(1 - (row + .5) / SIDE));
      g.fillRect(bar, TOP + row, width, 1);
    }
    g.setColor(Picture.INK);
    g.setStroke(new BasicStroke(1));
    g.drawRect(bar, TOP, width, SIDE);
    Range scale = new Range(0, max);
    for (double tick : scale.ticks(5)) {
      int at = barY(scale, tick);
      g.drawLine(bar + width, at, bar + width + 5, at);
    }
    if (Picture.hasText()) {
      barLabels(scale, name, bar + width + 9);
    }
  }

  private void barLabels(Range scale, String name, int from) {
    g.setFont(Picture.font(Font.PLAIN, 14));
    FontMetrics metrics = g.getFontMetrics();
    int widest = 0;
    for (double tick : scale.ticks(5)) {
      String label = scale.label(tick, 5);
      g.drawString(label, from, barY(scale, tick) + metrics.getAscent() / 2 - 2);
      widest = Math.max(widest, metrics.stringWidth(label));
    }
    g.setFont(Picture.font(Font.PLAIN, 15));
    vertical(name, from + widest + g.getFontMetrics().getAscent() + 5);
  }

  private static int barY(Range scale, double value) {
    return TOP + SIDE - (int) Math.round(scale.share(value) * SIDE);
  }

  private void centred(String text, int middle, int baseline) {
    String shown = fitting(text);
    g.drawString(shown, middle - g.getFontMetrics().stringWidth(shown) / 2, baseline);
  }

  private void vertical(String text, int baseline) {
    String shown = fitting(text);
    AffineTransform upright = g.getTransform();
    g.rotate(-Math.PI / 2, baseline, TOP + SIDE / 2.0);
    g.setColor(Picture.INK);
    g.drawString(shown, baseline - g.getFontMetrics().stringWidth(shown) / 2, TOP + SIDE / 2);
    g.setTransform(upright);
  }

  /** Text that is cut where it is wider than the square. */
  private String fitting(String text) {
    FontMetrics metrics = g.getFontMetrics();
    String shown = text;
    while (metrics.stringWidth(shown) > SIDE && shown.length() > 2) {
      shown = shown.substring(0, shown.length() - 2) + "…";
    }
    return shown;
  }

  private double pixelX(double value) {
    return left + x.share(value) * SIDE;
  }

  private double pixelY(double value) {
    return TOP + SIDE - y.share(value) * SIDE;
  }
}
