package org.ebflow.benchmarks.peers;

import java.nio.file.Path;
import org.ebflow.benchmarks.Scoring;
import org.ebflow.linalg.Blas;
import org.ebflow.linalg.Team;
import org.ebflow.benchmarks.TimedStep;
import tools.jackson.databind.json.JsonMapper;

/**
 * The library's side of the comparison, one piece of work per process: {@code reference WORK
 * DIMENSION BATCH THREADS FILE}, or {@code time WORK DIMENSION BATCH THREADS WARM_UP SECONDS},
 * which prints {@link Repetitions}.
 */
final class OursProcess {
  private OursProcess() {}

  /** See the class. */
  public static void main(String[] args) {
    boolean bfloat16 = args[1].equals(Peers.OURS_BFLOAT16);
    String work = args[2];
    int dimension = Integer.parseInt(args[3]);
    int batch = Integer.parseInt(args[4]);
    int threads = Integer.parseInt(args[5]);
    if (args[0].equals("reference")) {
      Path file = Path.of(args[6]);
      if (work.equals(Peers.SCORING)) {
        Reference.writeScores(dimension, batch, threads, file);
      } else {
        Reference.writeStep(work, dimension, batch, threads, file);
      }
    } else {
      double warmUp = Double.parseDouble(args[6]);
      double seconds = Double.parseDouble(args[7]);
      Repetitions times =
          work.equals(Peers.SCORING)
              ? score(dimension, threads, bfloat16, warmUp, seconds)
              : step(work, dimension, batch, threads, bfloat16, warmUp, seconds);
      System.out.println(JsonMapper.shared().writeValueAsString(times));
    }
  }

  private static Repetitions step(
      String loss,
      int dimension,
      int batch,
      int threads,
      boolean bfloat16,
      double warmUp,
      double seconds) {
    try (Team team = new Team(threads)) {
      Blas blas = bfloat16 ? Blas.named("onednn") : Blas.auto();
      TimedStep step = new TimedStep(loss, dimension, batch, blas, team, bfloat16);
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
