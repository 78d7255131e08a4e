package org.ebflow.cli.plot;

import java.awt.Color;

/**
 * Colours from dark to bright in perceptually even steps.
 *
 * <p>Source: viridis by Stéfan van der Walt and Nathaniel Smith (CC0), at 16 of its 256 steps.
 */
final class ColourMap {
  private static final int[] STEPS = {
    0x440154, 0x481a6c, 0x472f7d, 0x414487, 0x39568c, 0x31688e, 0x2a788e, 0x23888e, 0x1f988b,
    0x22a884, 0x35b779, 0x54c568, 0x7ad151, 0xa5db36, 0xd2e21b, 0xfde725
  };

  private ColourMap() {}

  /**
   * The colour, 0xRRGGBB, of a share of the scale; shares outside 0…1 and NaN take the nearest end,
   * the lower one for NaN.
   */
  static int rgb(double share) {
    double place = (share > 0 ? Math.min(share, 1) : 0) * (STEPS.length - 1);
    int step = Math.min((int) place, STEPS.length - 2);
    double within = place - step;
    return between(STEPS[step], STEPS[step + 1], within, 16)
        | between(STEPS[step], STEPS[step + 1], within, 8)
        | between(STEPS[step], STEPS[step + 1], within, 0);
  }

  static Color colour(double share) {
    return new Color(rgb(share));
  }

  private static int between(int low, int high, double share, int shift) {
    int from = low >> shift & 0xFF;
    int to = high >> shift & 0xFF;
    return (int) Math.round(from + share * (to - from)) << shift;
  }
}
