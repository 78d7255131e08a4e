package org.ebflow.benchmarks.peers;

import static org.bytedeco.pytorch.global.torch.rand;
import static org.bytedeco.pytorch.global.torch.randint;
import static org.bytedeco.pytorch.global.torch.randperm;

import java.nio.file.Path;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.InferenceMode;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorOptions;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.ebflow.benchmarks.Scoring;
import org.ebflow.benchmarks.TimedModel;
import tools.jackson.databind.json.JsonMapper;

/**
 * libtorch's side of the comparison, one piece of work per process: {@code check FORM WORK
 * MODEL THREADS FILE}, which prints {@link Errors}, or {@code time FORM WORK MODEL THREADS WARM_UP
 * SECONDS}, which prints {@link Repetitions}.
 */
final class TorchProcess {
  private static final int LEVELS = 256;
  private static final int BATCHES = 20;

  /** Rows scored at a time: large enough for products at full speed. */
  private static final int SCORING_BLOCK = 1000;

  private TorchProcess() {}

  /** See the class. */
  public static void main(String[] args) {
    String form = args[1];
    String work = args[2];
    TimedModel model = TimedModel.named(args[3]);
    torch.set_num_threads(Integer.parseInt(args[4]));
    torch.manual_seed(1);
    Object result;
    if (args[0].equals("check")) {
      Path file = Path.of(args[5]);
      result =
          work.equals(Peers.SCORING)
              ? TorchCheck.scores(model, file)
              : TorchCheck.step(form, work, model, file);
    } else {
      double warmUp = Double.parseDouble(args[5]);
      double seconds = Double.parseDouble(args[6]);
      result =
          work.equals(Peers.SCORING)
              ? score(model, warmUp, seconds)
              : step(form, work, model, warmUp, seconds);
    }
    System.out.println(JsonMapper.shared().writeValueAsString(result));
  }

  private static Repetitions step(
      String form, String loss, TimedModel model, double warmUp, double seconds) {
    TorchStep step = new TorchStep(model, TorchFlow.of(model, form), form, loss);
    int batch = model.batch();
    int dimension = model.dimension();
    Tensor rows = randomPixels((long) BATCHES * batch, dimension);
    Tensor order = randperm((long) BATCHES * batch);
    int[] number = {0};
    return Repetitions.of(
        () -> {
          try (PointerScope _ = new PointerScope()) {
            long start = (long) (number[0]++ % BATCHES) * batch;
            Tensor pixels =
                rows.index_select(0, order.narrow(0, start, batch)).to(ScalarType.Float);
            pixels.add_(rand(batch, dimension));
            requireFinite(step.run(pixels, TorchLoss.noise(loss, batch, dimension)));
          }
        },
        warmUp,
        seconds);
  }

  private static Repetitions score(TimedModel model, double warmUp, double seconds) {
    int dimension = model.dimension();
    TorchFullyConnected flow = new TorchFullyConnected(dimension);
    TorchPixels preprocessing = new TorchPixels(model);
    Tensor rows = randomPixels(Scoring.ROWS, dimension);
    Tensor constant = preprocessing.constant(flow).detach();
    return Repetitions.of(
        () -> {
          for (int from = 0; from < Scoring.ROWS; from += SCORING_BLOCK) {
            try (PointerScope _ = new PointerScope();
                InferenceMode _ = new InferenceMode(true)) {
              Tensor pixels = rows.narrow(0, from, SCORING_BLOCK).to(ScalarType.Float);
              pixels.add_(rand(SCORING_BLOCK, dimension));
              requireFinite(preprocessing.logProb(flow, pixels, constant).sum().item_float());
            }
          }
        },
        warmUp,
        seconds);
  }

  private static Tensor randomPixels(long rows, long dimension) {
    return randint(LEVELS, new long[] {rows, dimension}, new TensorOptions(ScalarType.Byte));
  }

  private static void requireFinite(double value) {
    if (!Double.isFinite(value)) {
      throw new IllegalStateException("libtorch: not finite");
    }
  }
}
