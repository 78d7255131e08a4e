package org.ebflow.benchmarks.peers;

import java.nio.file.Path;
import org.ebflow.benchmarks.Scoring;
import org.ebflow.benchmarks.TimedModel;
import org.ebflow.benchmarks.TimedStep;
import org.ebflow.linalg.Blas;
import org.ebflow.linalg.Team;
import tools.jackson.databind.json.JsonMapper;

/**
 * The library's side of the comparison, one piece of work per process: {@code reference NAME
 * WORK MODEL THREADS FILE}, or {@code time NAME WORK MODEL THREADS WARM_UP SECONDS}, which prints
 * {@link Repetitions}.
 */
final class OursProcess {
  private OursProcess() {}

  /** See the class. */
  public static void main(String[] args) {
    boolean bfloat16 = args[1].equals(Peers.OURS_BFLOAT16);
    String work = args[2];
    TimedModel model = TimedModel.named(args[3]);
    int threads = Integer.parseInt(args[4]);
    if (args[0].equals("reference")) {
      Path file = Path.of(args[5]);
      if (work.equals(Peers.SCORING)) {
        Reference.writeScores(model, threads, file);
      } else {
        Reference.writeStep(work, model, threads, file);
      }
    } else {
      double warmUp = Double.parseDouble(args[5]);
      double seconds = Double.parseDouble(args[6]);
      Repetitions times =
          work.equals(Peers.SCORING)
              ? score(model.dimension(), threads, bfloat16, warmUp, seconds)
              : step(work, model, threads, bfloat16, warmUp, seconds);
      System.out.println(JsonMapper.shared().writeValueAsString(times));
    }
  }

  private static Repetitions step(
      String loss,
      TimedModel model,
      int threads,
      boolean bfloat16,
      double warmUp,
      double seconds) {
    try (Team team = new Team(threads)) {
      Blas blas = bfloat16 ? Blas.named("onednn") : Blas.auto();
      TimedStep step = new TimedStep(model, loss, blas, team, bfloat16);
      Repetitions times = Repetitions.of(step::run, warmUp, seconds);
      if (step.nonFinite() > 0 || !Double.isFinite(step.loss())) {
        throw new IllegalStateException(loss + ": loss " + step.loss());
      }
      return times;
    }
  }

  private static Repetitions score(
      int dimension, int threads, boolean bfloat16, double warmUp, double seconds) {
    try (Scoring scoring = new Scoring(dimension, threads, bfloat16)) {
      return Repetitions.of(scoring::run, warmUp, seconds);
    }
  }
}
