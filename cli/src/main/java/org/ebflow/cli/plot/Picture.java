package org.ebflow.cli.plot;

import java.awt.BasicStroke;
import java.awt.Color;
import java.awt.Font;
import java.awt.Graphics2D;
import java.awt.RenderingHints;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import javax.imageio.ImageIO;
import org.ebflow.flow.io.AtomicFiles;
import org.ebflow.linalg.CacheFolder;
import org.knowm.xchart.style.AxesChartStyler;

/** Blank pictures, and the file they end in. */
final class Picture {
  static final Color INK = new Color(0x26, 0x2b, 0x33);
  static final Color FAINT = new Color(0xe3, 0xe6, 0xea);
  static final Color POINT = new Color(0x31, 0x68, 0x8e);

  private Picture() {}

  static BufferedImage blank(int width, int height) {
    BufferedImage image = new BufferedImage(width, height, BufferedImage.TYPE_INT_RGB);
    int[] row = new int[width];
    Arrays.fill(row, 0xFFFFFF);
    for (int y = 0; y < height; y++) {
      image.setRGB(0, y, width, 1, row, 0, width);
    }
    return image;
  }

  static Graphics2D draw(BufferedImage image) {
    Graphics2D g = image.createGraphics();
    g.setRenderingHint(RenderingHints.KEY_ANTIALIASING, RenderingHints.VALUE_ANTIALIAS_ON);
    g.setRenderingHint(
        RenderingHints.KEY_TEXT_ANTIALIASING, RenderingHints.VALUE_TEXT_ANTIALIAS_ON);
    g.setRenderingHint(RenderingHints.KEY_STROKE_CONTROL, RenderingHints.VALUE_STROKE_PURE);
    g.setRenderingHint(
        RenderingHints.KEY_INTERPOLATION, RenderingHints.VALUE_INTERPOLATION_BICUBIC);
    return g;
  }

  static Font font(int style, int size) {
    return new Font(Font.SANS_SERIF, style, size);
  }

  /** Whether text can be drawn here. The first call that says no warns. */
  static boolean hasText() {
    return Fonts.FOUND;
  }

  /** Colours, fonts and lines of charts. */
  static void style(AxesChartStyler style) {
    style.setChartBackgroundColor(Color.WHITE);
    style.setChartPadding(16);
    style.setChartTitleFont(font(Font.BOLD, 17));
    style.setChartTitleBoxVisible(false);
    style.setChartTitlePadding(10);
    style.setChartFontColor(INK);
    style.setAxisTitleFont(font(Font.PLAIN, 15));
    style.setAxisTickLabelsFont(font(Font.PLAIN, 14));
    style.setAxisTickLabelsColor(INK);
    style.setLegendFont(font(Font.PLAIN, 14));
    style.setLegendBorderColor(FAINT);
    style.setLegendSeriesLineLength(28);
    style.setLegendVisible(true);
    style.setPlotBorderColor(INK);
    style.setPlotGridLinesColor(FAINT);
    style.setPlotGridLinesStroke(new BasicStroke(1));
    style.setPlotMargin(0);
    style.setPlotContentSize(1);
  }

  private static final class Fonts {
    static final boolean FOUND = found();

    private static boolean found() {
      try {
        if (!Path.of(System.getProperty("user.home")).isAbsolute()) { // "?": Java would make it
          System.setProperty("user.home", CacheFolder.writable("home").toString());
        }
        Graphics2D g = new BufferedImage(1, 1, BufferedImage.TYPE_INT_RGB).createGraphics();
        int width = g.getFontMetrics(font(Font.PLAIN, 14)).stringWidth("x");
        g.dispose();
        return width > 0;
      } catch (RuntimeException | Error e) {
        System.getLogger(Picture.class.getName())
            .log(
                System.Logger.Level.WARNING,
                "no fonts found: pictures have no text, and there are no curves ({0}); installing fontconfig and fonts-dejavu-core or the like mends it",
                Plots.reason(e));
        return false;
      }
    }
  }

  /** Creates or replaces the file in one piece. */
  static void write(Path png, BufferedImage image) {
    ImageIO.setUseCache(false); // which would be a file in the temporary folder
    AtomicFiles.write(
        png,
        out -> {
          if (!ImageIO.write(image, "png", out)) {
            throw new IOException("this Java has no writer of PNG files");
          }
        });
  }
}
