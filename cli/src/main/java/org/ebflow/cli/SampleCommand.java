package org.ebflow.cli;

import java.nio.file.Path;
import java.util.Locale;
import java.util.concurrent.Callable;
import org.ebflow.cli.plot.Plots;
import org.ebflow.flow.InvalidInputException;
import org.ebflow.flow.io.AtomicFiles;
import org.ebflow.flow.io.OneLine;
import org.ebflow.flow.layer.Shape;
import org.ebflow.linalg.Matrix;
import org.ebflow.training.data.FileFormat;
import org.ebflow.training.data.NpyWriter;
import org.ebflow.training.scoring.TrainedFlow;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code ebflow sample}: exact samples of a model as a picture or an array. */
@Command(
    name = "sample",
    description = {
      "Draws exact samples from the model of a run, in the units of its data.",
      "A .png shows images side by side, or the points of a two-dimensional model; a .npy holds any samples, float64 [count,columns]."
    })
public final class SampleCommand implements Callable<Integer> {
  private static final int MOST_IMAGES = 10_000;

  @Spec private CommandSpec spec;

  @Parameters(index = "0", paramLabel = "RUN", description = "Run folder or model file.")
  private Path run;

  @Option(names = "--count", required = true, paramLabel = "N", description = "Number of samples.")
  private int count;

  @Option(
      names = "--out",
      required = true,
      paramLabel = "FILE",
      description = "Picture (.png) or array (.npy).")
  private Path out;

  @Option(
      names = "--seed",
      paramLabel = "N",
      description = "Seed of the samples: the same gives the same. Default: ${DEFAULT-VALUE}.")
  private long seed;

  @Mixin private ComputeOptions compute;

  @Override
  public Integer call() {
    boolean png = FileFormat.ofOutput(out) == FileFormat.PNG;
    if (!png && FileFormat.ofOutput(out) != FileFormat.NPY) {
      throw usage("--out " + out + ": expected a name ending in .png or .npy");
    }
    TrainedFlow model = TrainedFlow.load(run);
    int dimension = model.flow().dimension();
    Shape shape = model.data().imageShape();
    if (png && shape == null && dimension != 2) {
      throw usage(
          "--out "
              + out
              + ": rows of "
              + dimension
              + " columns are no picture, expected a name ending in .npy");
    }
    int most = png && shape != null ? MOST_IMAGES : (Integer.MAX_VALUE - 8) / dimension;
    if (count < 1 || count > most) {
      throw usage("--count is " + count + ", expected 1 to " + most);
    }
    Matrix samples = model.sample(count, seed, compute.blas());
    ConditionNumbers.of(model.flow(), compute.blas()).warnIfNearSingular();
    if (png) {
      draw(model, samples);
    } else {
      AtomicFiles.write(out, stream -> NpyWriter.write(stream, samples));
    }
    spec.commandLine()
        .getErr()
        .printf(Locale.ROOT, "%,d samples in %s%n", count, OneLine.name(out.toString()));
    return 0;
  }

  private void draw(TrainedFlow model, Matrix samples) {
    Shape shape = model.data().imageShape();
    try {
      if (shape != null) {
        Plots.images(samples, shape, Math.max(2, model.preprocessing().levels()), out);
      } else {
        Plots.scatter(
            samples.toRows(),
            model.data().columns(),
            String.format(Locale.ROOT, "%,d samples", samples.rows()),
            out);
      }
    } catch (LinkageError | InternalError e) { // a Java without graphics
      throw new InvalidInputException(
          out
              + ": this Java can't draw pictures ("
              + Plots.reason(e)
              + "), expected a name ending in .npy",
          e);
    }
  }

  private ParameterException usage(String message) {
    return new ParameterException(spec.commandLine(), message);
  }
}
