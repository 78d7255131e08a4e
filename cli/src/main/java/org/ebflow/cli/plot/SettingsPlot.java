package org.ebflow.cli.plot;

import java.awt.Color;
import java.awt.image.BufferedImage;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.ebflow.cli.plot.Plots.Estimate;
import org.jspecify.annotations.Nullable;
import org.knowm.xchart.BitmapEncoder;
import org.knowm.xchart.CategoryChart;
import org.knowm.xchart.CategoryChartBuilder;
import org.knowm.xchart.CategorySeries;
import org.knowm.xchart.style.CategoryStyler;
import org.knowm.xchart.style.Styler;

/** Likelihoods by setting, with error bars. */
final class SettingsPlot {
  private static final int TICKS = 14;

  private static final Color[] COLOURS = {
    Picture.POINT,
    new Color(0xd9, 0x5f, 0x02),
    new Color(0x1b, 0x9e, 0x77),
    new Color(0x75, 0x70, 0xb3)
  };

  private SettingsPlot() {}

  /** Dots; those that lie far above most are cut off. */
  static BufferedImage of(List<Estimate> nlls) {
    Range y = Range.between(nlls.stream().mapToDouble(Estimate::mean).toArray(), 0, .9);
    List<String> names = nlls.stream().map(Estimate::name).distinct().toList();
    CategoryChart chart =
        new CategoryChartBuilder()
            .width(980)
            .height(620)
            .title("Test likelihood, mean and deviation over the seeds")
            .yAxisTitle(
                nlls.stream().allMatch(nll -> nll.mean() <= y.max())
                    ? "negative log-likelihood (nats)"
                    : "negative log-likelihood (nats), higher ones cut off")
            .build();
    CategoryStyler style = chart.getStyler();
    Picture.style(style);
    style.setLegendPosition(Styler.LegendPosition.OutsideE);
    style.setDefaultSeriesRenderStyle(CategorySeries.CategorySeriesRenderStyle.Scatter);
    style.setXAxisLabelRotation(45);
    style.setErrorBarsColorSeriesColor(true);
    style.setMarkerSize(9);
    style.setSeriesColors(COLOURS);
    style.setYAxisMin(y.min()).setYAxisMax(y.max());
    style.setYAxisTickLabelsFormattingFunction(tick -> y.label(tick, TICKS));
    for (String series : nlls.stream().map(Estimate::series).distinct().toList()) {
      Map<String, Estimate> of =
          nlls.stream()
              .filter(nll -> nll.series().equals(series))
              .collect(Collectors.toMap(Estimate::name, nll -> nll));
      List<@Nullable Double> means = new ArrayList<>();
      List<@Nullable Double> deviations = new ArrayList<>();
      for (String name : names) {
        Estimate nll = of.get(name);
        if (nll != null && nll.mean() <= y.max()) {
          means.add(nll.mean());
          deviations.add(nll.deviation());
        } else {
          means.add(null);
          deviations.add(null);
        }
      }
      chart.addSeries(series, names, means, deviations);
    }
    return BitmapEncoder.getBufferedImage(chart);
  }
}
