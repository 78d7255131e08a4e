package org.ebflow.training.data;

import java.util.Locale;

/**
 * The two-dimensional distributions of Chao et al. 2023, before the noise their experiments add. U,
 * a, b are uniform on [0, 1), n standard normal, all separate draws.
 */
public enum PlaneDistribution implements Distribution {
  /** 4·(x, sin 3x + n/4), x uniform on [-2, 2). */
  SINE {
    @Override
    public void draw(PortableRandom draws, double[] point) {
      double x = 4 * draws.uniform() - 2;
      point[0] = 4 * x;
      point[1] = 4 * (StrictMath.sin(3 * x) + draws.normal() / 4);
    }
  },

  /** t = 3π√U; (2.5/3)·(t cos t - a/2 + 1, -t sin t - b/2 + 2). */
  SWIRL {
    @Override
    public void draw(PortableRandom draws, double[] point) {
      double t = 3 * Math.PI * Math.sqrt(draws.uniform());
      point[0] = 2.5 / 3 * (t * StrictMath.cos(t) - draws.uniform() / 2 + 1);
      point[1] = 2.5 / 3 * (-t * StrictMath.sin(t) - draws.uniform() / 2 + 2);
    }
  },

  /** 3·(x, U - 2·coin + ⌊x⌋ mod 2), x uniform on [-2, 2), the coin 0 or 1. */
  CHECKERBOARD {
    @Override
    public void draw(PortableRandom draws, double[] point) {
      double x = 4 * draws.uniform() - 2;
      point[0] = 3 * x;
      point[1] =
          3 * (draws.uniform() - (draws.coin() ? 2 : 0) + Math.floorMod((int) Math.floor(x), 2));
    }
  };

  @Override
  public int dimension() {
    return 2;
  }

  @Override
  public String toString() {
    return name().toLowerCase(Locale.ROOT);
  }
}
