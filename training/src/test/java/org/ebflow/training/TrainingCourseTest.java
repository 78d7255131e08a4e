package org.ebflow.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.ebflow.flow.Flow;
import org.ebflow.training.data.Dataset;
import org.ebflow.training.data.Splits;
import org.ebflow.training.objective.AnnealedNoise;
import org.ebflow.training.objective.MaximumLikelihood;
import org.ebflow.training.optimizer.Adam;
import org.ebflow.training.optimizer.RmsProp;
import org.ebflow.training.preprocessing.Standardize;
import org.ebflow.training.scoring.Evaluation;
import org.ebflow.training.scoring.TrainedFlow;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

/** When a run evaluates, stops and goes on, at which rates, and that a killed one does the same. */
class TrainingCourseTest {
  /** Rows of the training part and of a batch: five steps an epoch. */
  private static final int ROWS = 160;

  private static final int BATCH = 32;
  private static final Splits DATA = data();

  @TempDir Path folder;

  private static Splits data() {
    Random random = new Random(5);
    double[][] rows = new double[200][3];
    for (double[] row : rows) {
      Arrays.setAll(row, c -> c + (1 + c) * random.nextGaussian());
    }
    return Dataset.of(rows).split(ROWS / 200., 0.1, 0.1);
  }

  /** Rates so high that the validation NLL goes up and down. */
  private static Trainer restless() {
    return Trainer.of(
            Flow.of(3).dense().smoothLeakyRelu(0.3).dense().build(), new MaximumLikelihood())
        .preprocessing(Standardize.byTrainingSet())
        .optimizer(new RmsProp(3e-2))
        .averageDecay(0)
        .epochs(40)
        .batchSize(BATCH)
        .seed(7)
        .threads(2);
  }

  /** What a run told its listener. */
  private static final class Told implements TrainingListener {
    final List<Boolean> better = new ArrayList<>();
    final List<Long> evaluatedAfter = new ArrayList<>();
    final List<String> notes = new ArrayList<>();
    private @Nullable Outcome outcome;

    @Override
    public void evaluated(long step, Evaluation validation, boolean best, TrainedFlow averaged) {
      evaluatedAfter.add(step);
      better.add(best);
    }

    @Override
    public void noted(String line) {
      notes.add(line);
    }

    @Override
    public void finished(Outcome ended) {
      outcome = ended;
    }

    Outcome outcome() {
      assertThat(outcome).isNotNull();
      return outcome;
    }
  }

  private Told fit(Trainer trainer, String run) {
    Told told = new Told();
    trainer.listener(told).fit(DATA, folder.resolve(run));
    return told;
  }

  private Told resume(Trainer trainer, String run) {
    Told told = new Told();
    trainer.listener(told).resume(DATA, folder.resolve(run));
    return told;
  }

  private String log(String run) throws IOException {
    return Files.readString(folder.resolve(run).resolve("run.log"));
  }

  private byte[] model(String run) throws IOException {
    return Files.readAllBytes(folder.resolve(run).resolve("model.safetensors"));
  }

  /** The data of the state file, behind its header, which holds times. */
  private byte[] tensors(String run) throws IOException {
    byte[] bytes = Files.readAllBytes(folder.resolve(run).resolve("last/state.safetensors"));
    long header = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).getLong();
    return Arrays.copyOfRange(bytes, 8 + Math.toIntExact(header), bytes.length);
  }

  @Test
  void aRunOutOfPatienceStopsAndKeepsTheBestModel() throws IOException {
    Told told = fit(restless().patience(3), "run");
    long after = told.outcome().step();
    assertThat(after).isLessThan(200);
    assertThat(told.better.subList(told.better.size() - 4, told.better.size()))
        .containsExactly(true, false, false, false);
    assertThat(told.outcome().bestStep()).isEqualTo(after - 15);
    assertThat(told.outcome().stoppedEarly()).isTrue();
    assertThat(told.outcome().stillImproving()).isFalse();
    assertThat(told.notes).hasSize(1);
    assertThat(told.notes.getFirst())
        .startsWith(
            "stopped early after step "
                + after
                + " of 200: 3 evaluations without a better validation NLL than the ")
        .endsWith(" nats of step " + (after - 15));
    assertThat(log("run")).contains(told.notes.getFirst());

    fit(restless().epochs((int) (after - 15) / 5), "best");
    assertThat(model("run")).as("that of the best evaluation").isEqualTo(model("best"));
  }

  @Test
  void aRunThatStoppedEarlySaysSoAndGoesOnOnlyWhenAskedForMore() throws IOException {
    Told first = fit(restless().patience(3), "run");
    long after = first.outcome().step();
    byte[] model = model("run");

    Told again = resume(restless().patience(3), "run");
    assertThat(again.evaluatedAfter).isEmpty();
    assertThat(again.notes).containsExactly("had " + first.notes.getFirst());
    assertThat(again.outcome().step()).isEqualTo(after);
    assertThat(again.outcome().stoppedEarly()).isTrue();
    assertThat(model("run")).isEqualTo(model);

    Told more = resume(restless().patience(3).epochs(100), "run");
    assertThat(more.notes.getFirst())
        .isEqualTo("had stopped early after step " + after + ", goes on to step 500");
    assertThat(more.evaluatedAfter.size()).isGreaterThanOrEqualTo(3);
    assertThat(more.evaluatedAfter.getFirst()).isEqualTo(after + 5);
    assertThat(log("run")).contains(more.notes.getFirst());

    Told patient = resume(restless().patience(1000).epochs(100), "run");
    assertThat(patient.outcome().step()).isEqualTo(500);
    assertThat(patient.outcome().stoppedEarly()).isFalse();
  }

  @Test
  void aRunThatReachedItsLengthOutOfPatienceIsMadeLongerWithAllOfIt() {
    long after = fit(restless().patience(3), "whole").outcome().step();
    Told told = fit(restless().patience(3).epochs((int) after / 5), "run");
    assertThat(told.outcome().step()).isEqualTo(after);
    assertThat(told.outcome().stoppedEarly()).as("it had no more steps to make").isFalse();
    assertThat(told.notes).isEmpty();
    Told longer = resume(restless().patience(3).epochs(40), "run");
    assertThat(longer.notes.stream().filter(note -> note.startsWith("had"))).isEmpty();
    assertThat(longer.evaluatedAfter).hasSizeGreaterThanOrEqualTo(3);
  }

  /** RMSprop moves every weight by 10 times the rate in its first step. */
  @ParameterizedTest
  @CsvSource({"100, 0, true", "100, 500, true", "3e-2, 0, false"})
  void aLossThatExplodesIsNotedOnceWithWhatHelps(double rate, long warmup, boolean expected)
      throws IOException {
    Told told = new Told();
    restless()
        .optimizer(new RmsProp(rate))
        .warmupSteps(warmup)
        .epochs(1)
        .listener(told)
        .fit(DATA, folder.resolve("run"));

    List<String> notes =
        told.notes.stream().filter(line -> line.contains("the loss rose")).toList();
    assertThat(notes).hasSize(expected ? 1 : 0);
    assertThat(notes)
        .allMatch(
            line ->
                line.matches(
                    "the loss rose from [-0-9.]+ at step 1 to [0-9.e+]+ at step [2-5]: unless it comes back, train anew with "
                        + (warmup == 0 ? "--set training.warmup_steps=500 or " : "")
                        + "--lr 1e[+]01"));
    assertThat(folder.resolve("run").resolve("run.log"))
        .content()
        .matches(log -> log.contains("the loss rose") == expected);
  }

  @Test
  void smallTablesHaveTheLeastStepsAndEvaluateBySteps() {
    Told told = fit(restless().epochs(2).minSteps(17).evaluateSteps(4), "run");
    assertThat(told.evaluatedAfter).containsExactly(4L, 8L, 12L, 16L, 17L);
    assertThat(told.outcome().step()).isEqualTo(17);
  }

  @Test
  void aRunWhoseLastEvaluationIsTheBestIsStillImproving() {
    Told told = fit(restless().optimizer(new RmsProp(1e-4)).epochs(3), "run");
    assertThat(told.better).containsExactly(true, true, true);
    assertThat(told.outcome().stillImproving()).isTrue();
    assertThat(resume(restless().optimizer(new RmsProp(1e-4)).epochs(3), "run").outcome())
        .satisfies(again -> assertThat(again.stillImproving()).isTrue())
        .satisfies(again -> assertThat(again.step()).isEqualTo(15));
  }

  static Stream<Arguments> courses() {
    return Stream.of(
        course("patience", trainer -> trainer.patience(3)),
        course("patience by steps", trainer -> trainer.patience(4).evaluateSteps(3)),
        course("least steps", trainer -> trainer.epochs(2).minSteps(33).evaluateSteps(7)),
        course("cosine", trainer -> trainer.epochs(5).schedule(RateSchedule.COSINE)),
        course(
            "cosine behind a warm-up",
            trainer -> trainer.epochs(5).schedule(RateSchedule.COSINE).warmupSteps(8)),
        course(
            "steps behind a warm-up", trainer -> trainer.epochs(5).schedule(.5, 4).warmupSteps(8)),
        course(
            "rates of RMSprop",
            trainer ->
                trainer
                    .epochs(5)
                    .optimizer(new RmsProp(1e-2, .99, 1e-8, .1).withRates(Map.of("bias", 3.0)))),
        course(
            "rates of Adam",
            trainer ->
                trainer
                    .epochs(5)
                    .clip(1)
                    .optimizer(
                        new Adam(1e-2, .9, .999, 1e-8, .1, true)
                            .withRates(Map.of("bias", 0.0, "weight", .5)))),
        course(
            "noise inside the model",
            trainer -> trainer.epochs(4).dataNoise(.2).matchAfterPreprocessing(false)));
  }

  private static Arguments course(String name, UnaryOperator<Trainer> change) {
    return Arguments.of(name, change);
  }

  /** Stopped on request, or as good as killed: a listener throws after a step or an evaluation. */
  @ParameterizedTest(name = "{0}")
  @MethodSource("courses")
  void aStoppedOrKilledRunEndsAtTheSameStepWithTheSameBits(
      String name, UnaryOperator<Trainer> change) throws IOException {
    Told whole = fit(change.apply(restless()), "whole");
    long last = whole.evaluatedAfter.getLast();
    for (long at : new long[] {3, 14, last - 1}) {
      String run = "stopped" + at;
      Trainer stopping = change.apply(restless());
      stopping.listener(
          new TrainingListener() {
            @Override
            public void stepped(Progress progress) {
              if (progress.step() == at) {
                stopping.requestStop();
              }
            }
          });
      assertThatThrownBy(() -> stopping.fit(DATA, folder.resolve(run)))
          .isInstanceOf(TrainingInterruptedException.class);
      assertSame(run, resume(change.apply(restless()), run), whole);
    }
    for (long at : new long[] {14, last}) {
      String run = "killed" + at;
      TrainingListener killing =
          new TrainingListener() {
            @Override
            public void stepped(Progress progress) {
              if (progress.step() == at && at != last) {
                throw new IllegalStateException("killed");
              }
            }

            @Override
            public void evaluated(
                long step, Evaluation validation, boolean best, TrainedFlow averaged) {
              if (step == at) {
                throw new IllegalStateException("killed");
              }
            }
          };
      Trainer killed = change.apply(restless()).listener(killing);
      assertThatThrownBy(() -> killed.fit(DATA, folder.resolve(run))).hasMessage("killed");
      assertSame(run, resume(change.apply(restless()), run), whole);
    }
  }

  private void assertSame(String run, Told told, Told whole) throws IOException {
    assertThat(told.outcome().step()).as(run).isEqualTo(whole.outcome().step());
    assertThat(told.outcome().bestStep()).as(run).isEqualTo(whole.outcome().bestStep());
    assertThat(told.outcome().stoppedEarly()).as(run).isEqualTo(whole.outcome().stoppedEarly());
    assertThat(model(run)).as(run).isEqualTo(model("whole"));
    assertThat(tensors(run)).as(run).isEqualTo(tensors("whole"));
  }

  @Test
  void aResumedRunOfAnotherLengthFollowsTheCosineOfThatLengthAndSaysSo() throws IOException {
    Told first = fit(restless().epochs(3).schedule(RateSchedule.COSINE), "run");
    assertThat(first.notes).isEmpty();
    Told longer = resume(restless().epochs(6).schedule(RateSchedule.COSINE), "run");
    assertThat(longer.notes)
        .containsExactly(
            "the cosine of the learning rate now ends at step 30 instead of 15: from step 15 on the rates are those of the new length");
    assertThat(log("run")).contains(longer.notes.getFirst());
    List<Double> rates =
        Files.readAllLines(folder.resolve("run/metrics.csv")).stream()
            .skip(1)
            .map(line -> line.split(",", -1)[5])
            .filter(rate -> !rate.isEmpty())
            .map(Double::valueOf)
            .toList();
    // at the last step of each epoch, those of steps 4, 9, 14 of 15 and 19, 24, 29 of 30
    double[] expected = new double[6];
    Arrays.setAll(
        expected, i -> 3e-2 * .5 * (1 + Math.cos(Math.PI * (5 * i + 4) / (i < 3 ? 14.0 : 29.0))));
    assertThat(rates).hasSize(6);
    for (int i = 0; i < 6; i++) {
      assertThat(rates.get(i)).isCloseTo(expected[i], within(1e-15));
    }
    assertThat(resume(restless().epochs(6).schedule(RateSchedule.COSINE), "run").notes).isEmpty();
  }

  @Test
  void aRunWithoutValidationRowsSaysWhatItEvaluates() {
    Told told = new Told();
    Dataset none = DATA.validation().select(0, 0);
    restless()
        .epochs(1)
        .listener(told)
        .fit(new Splits(DATA.train(), none, none), folder.resolve("run"));
    assertThat(told.notes)
        .containsExactly(
            "no rows for validation: what is called validation NLL, by which the model is chosen, is of the training rows");
  }

  @Test
  void aResumedRunOfAnotherLengthSaysHowItsNoiseFalls() throws IOException {
    AnnealedNoise falling = new AnnealedNoise(.05, .5, 20);
    assertThat(fit(restless().epochs(3).dataNoise(falling), "run").notes).isEmpty();
    assertThat(resume(restless().epochs(6).dataNoise(falling), "run").notes)
        .containsExactly("the noise on the rows now falls until step 20 instead of 15");
    assertThat(fit(restless().epochs(4).dataNoise(falling), "fallen").notes).isEmpty();
    assertThat(resume(restless().epochs(6).dataNoise(falling), "fallen").notes).isEmpty();
    Trainer stopping = restless().epochs(6).dataNoise(falling);
    stopping.listener(
        new TrainingListener() {
          @Override
          public void stepped(Progress progress) {
            stopping.requestStop();
          }
        });
    assertThatThrownBy(() -> stopping.fit(DATA, folder.resolve("stopped")))
        .isInstanceOf(TrainingInterruptedException.class);
    assertThat(resume(restless().epochs(2).dataNoise(falling), "stopped").notes)
        .containsExactly("the noise on the rows now falls until step 10 instead of 20");
  }
}
