package org.ebflow.training;

/** Gives the tests of other packages the learning rate's factors. */
public final class Schedule {
  private Schedule() {}

  /** Learning rate factor in an epoch, 0 for the first, of a training with these settings. */
  public static double rateFactor(double gamma, int gammaEpochs, long epoch) {
    return TrainingSettings.builder().schedule(gamma, gammaEpochs).build().rateFactor(epoch, 1, 0);
  }
}
