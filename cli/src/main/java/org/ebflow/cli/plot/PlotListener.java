package org.ebflow.cli.plot;

import java.nio.file.Path;
import java.util.function.LongSupplier;
import org.ebflow.flow.layer.Shape;
import org.ebflow.linalg.Blas;
import org.ebflow.training.RunFolder;
import org.ebflow.training.TrainingListener;
import org.ebflow.training.data.Dataset;
import org.ebflow.training.scoring.Evaluation;
import org.ebflow.training.scoring.LikelihoodText;
import org.ebflow.training.scoring.Scorer;
import org.ebflow.training.scoring.TrainedFlow;
import org.jspecify.annotations.Nullable;

/**
 * Draws plots/ of a run at its first evaluation, at later ones where {@value #SHARE} times as long
 * as the last drawing took has passed since, and at the end: loss.png, likelihood.png, and
 * density.png for two-dimensional data or samples.png for images.
 *
 * <p>Pictures that can't be drawn, for whatever reason, are one warning a run: no reason to lose
 * the training.
 */
public final class PlotListener implements TrainingListener {
  private static final System.Logger LOG = System.getLogger(PlotListener.class.getName());
  private static final int POINTS = 5000;
  private static final int SAMPLES = 64;

  /** The pause behind a drawing, in times that it took. */
  private static final int SHARE = 20;

  private final RunFolder run;
  private final Dataset data;
  private final Blas blas;
  private final int threads;
  private final LongSupplier nanos;
  private long drawnStep = -1;
  private long notBefore;
  private boolean warned;

  /**
   * Draws into that run's folder.
   *
   * @param data rows to show beside a two-dimensional density
   */
  public PlotListener(Path run, Dataset data, Blas blas, int threads) {
    this(run, data, blas, threads, System::nanoTime);
  }

  /**
   * @param nanos the time
   */
  PlotListener(Path run, Dataset data, Blas blas, int threads, LongSupplier nanos) {
    this.run = new RunFolder(run);
    this.data = data;
    this.blas = blas;
    this.threads = threads;
    this.nanos = nanos;
    notBefore = nanos.getAsLong();
  }

  @Override
  public void evaluated(long step, Evaluation validation, boolean best, TrainedFlow averaged) {
    long start = nanos.getAsLong();
    if (start - notBefore >= 0) {
      draw(best ? averaged : null, step, validation.nll());
      long end = nanos.getAsLong();
      notBefore = end + SHARE * (end - start);
    }
  }

  @Override
  public void finished(Outcome outcome) {
    boolean drawn = outcome.bestStep() == drawnStep;
    draw(drawn ? null : outcome.best(), outcome.bestStep(), outcome.bestNll());
  }

  /** Draws the curves, and the model of that step unless it is null. */
  private void draw(@Nullable TrainedFlow model, long step, double nll) {
    try {
      Path plots = run.plots();
      Plots.loss(run.metrics(), plots.resolve("loss.png"));
      Plots.likelihood(run.metrics(), plots.resolve("likelihood.png"));
      if (model != null) {
        model(
            "Model after step " + step + ": NLL " + LikelihoodText.of(nll) + " nats", model, plots);
        drawnStep = step;
      }
    } catch (RuntimeException | Error e) { // a Java without graphics has many ways to say so
      if (!warned) {
        LOG.log(System.Logger.Level.WARNING, "no plots: {0}", Plots.reason(e));
      }
      warned = true;
    }
  }

  private void model(String title, TrainedFlow model, Path plots) {
    Shape shape = data.imageShape();
    if (shape != null) {
      Plots.images(
          model.sample(SAMPLES, model.seed(), blas),
          shape,
          data.levels(),
          plots.resolve("samples.png"));
    } else if (data.dimension() == 2) {
      double[][] points = new double[Math.min(POINTS, data.size())][];
      for (int r = 0; r < points.length; r++) {
        points[r] = data.row(r);
      }
      try (Scorer scorer = new Scorer(model, blas, threads)) {
        Plots.density(scorer, points, data.columns(), title, plots.resolve("density.png"));
      }
    }
  }
}
