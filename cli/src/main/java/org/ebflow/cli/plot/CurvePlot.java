package org.ebflow.cli.plot;

import java.awt.BasicStroke;
import java.awt.Color;
import java.awt.image.BufferedImage;
import java.util.Arrays;
import org.ebflow.cli.plot.Metrics.Curve;
import org.knowm.xchart.BitmapEncoder;
import org.knowm.xchart.XYChart;
import org.knowm.xchart.XYChartBuilder;
import org.knowm.xchart.XYSeries;
import org.knowm.xchart.style.Styler;
import org.knowm.xchart.style.XYStyler;
import org.knowm.xchart.style.markers.SeriesMarkers;

/** Curves over training steps. */
final class CurvePlot {
  private static final Color FAINT_LINE = new Color(0xa9, 0xc3, 0xd6);
  private static final int TICKS = 7;

  private CurvePlot() {}

  /** Every value faintly, and their running median: single losses may lie far out. */
  static BufferedImage loss(Curve loss) {
    double[] smooth = runningMedian(loss.values(), Math.max(5, loss.values().length / 25));
    XYChart chart = chart("Training loss", "loss", loss, Range.between(loss.values(), .01, .9));
    line(chart.addSeries("mean of up to 100 steps", loss.steps(), loss.values()), FAINT_LINE, 1.4f);
    line(chart.addSeries("running median", loss.steps(), smooth), Picture.POINT, 2.4f);
    return BitmapEncoder.getBufferedImage(chart);
  }

  /** The likelihood of the validation set at each evaluation, and the best of them. */
  static BufferedImage likelihood(Curve nll) {
    int best = 0;
    for (int i = 1; i < nll.values().length; i++) {
      best = nll.values()[i] < nll.values()[best] ? i : best;
    }
    Range y = Range.between(nll.values(), 0, nll.values().length >= 10 ? .9 : 1);
    XYChart chart = chart("Validation likelihood", "negative log-likelihood (nats)", nll, y);
    XYSeries series =
        line(chart.addSeries("averaged weights", nll.steps(), nll.values()), Picture.POINT, 2.2f);
    series.setMarker(SeriesMarkers.CIRCLE);
    series.setMarkerColor(Picture.POINT);
    XYSeries mark =
        chart.addSeries(
            "best: "
                + new Range(0, Math.abs(nll.values()[best]) / 10_000).label(nll.values()[best], 1)
                + " nats",
            new double[] {nll.steps()[best]},
            new double[] {nll.values()[best]});
    mark.setXYSeriesRenderStyle(XYSeries.XYSeriesRenderStyle.Scatter);
    mark.setMarker(SeriesMarkers.DIAMOND);
    mark.setMarkerColor(new Color(0xd9, 0x5f, 0x02));
    return BitmapEncoder.getBufferedImage(chart);
  }

  private static XYChart chart(String title, String yName, Curve curve, Range y) {
    XYChart chart =
        new XYChartBuilder()
            .width(860)
            .height(520)
            .title(title)
            .xAxisTitle("step")
            .yAxisTitle(yName)
            .build();
    XYStyler style = chart.getStyler();
    Picture.style(style);
    style.setMarkerSize(7);
    style.setLegendPosition(Styler.LegendPosition.InsideNE);
    style.setXAxisTickMarkSpacingHint(110);
    Range steps = new Range(0, Math.max(1, Arrays.stream(curve.steps()).max().orElse(1) * 1.02));
    style.setXAxisMin(steps.min()).setXAxisMax(steps.max());
    style.setYAxisMin(y.min()).setYAxisMax(y.max());
    style.setXAxisTickLabelsFormattingFunction(tick -> steps.label(tick, TICKS));
    style.setYAxisTickLabelsFormattingFunction(tick -> y.label(tick, 2 * TICKS));
    return chart;
  }

  private static XYSeries line(XYSeries series, Color colour, float width) {
    series.setLineColor(colour);
    series.setLineStyle(new BasicStroke(width, BasicStroke.CAP_ROUND, BasicStroke.JOIN_ROUND));
    series.setMarker(SeriesMarkers.NONE);
    return series;
  }

  /** Median over a window that ends at each value. */
  private static double[] runningMedian(double[] values, int window) {
    double[] median = new double[values.length];
    for (int i = 0; i < values.length; i++) {
      double[] sorted = Arrays.copyOfRange(values, Math.max(0, i - window + 1), i + 1);
      Arrays.sort(sorted);
      median[i] = sorted[sorted.length / 2];
    }
    return median;
  }
}
