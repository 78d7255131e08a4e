package org.ebflow.golden;

import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.ebflow.flow.Flow;
import org.ebflow.flow.layer.Shape;
import org.ebflow.flow.model.GlowConfig;
import org.ebflow.linalg.Matrix;
import org.ebflow.linalg.Precision;

/**
 * The Glow of the reference values, and its arrays in the library's layout. Images of the files have their channels first. A squeeze of the files makes channel
 * c·4 + corner of channel c, the library's corner·C + c; the ActNorm and the 1×1 convolution behind it see the difference.
 */
public final class GoldenGlow {
  private static final Pattern NAME = Pattern.compile("(\\d+)\\.(.*)");

  private final GoldenCase golden;
  private final int steps;
  private final Shape image;

  private GoldenGlow(GoldenCase golden) {
    this.golden = golden;
    this.steps = (int) golden.hyper("block_size");
    this.image = GoldenFlows.dataShape(golden);
  }

  public static GoldenGlow open() {
    return new GoldenGlow(GoldenCase.open("glow8"));
  }

  public GoldenCase golden() {
    return golden;
  }

  /** In float64, with the published weights. */
  public Flow flow() {
    Flow flow = new GlowConfig((int) golden.hyper("num_blocks"), steps, (int) golden.hyper("width")).build(image, Precision.FLOAT64, 0);
    flow.parameters().byName().forEach((name, block) -> block.copyFrom(Matrix.of(weight("param", name), block.rows(), block.columns())));
    flow.parameters().changed();
    return flow;
  }

  /** A batch of images as rows. */
  public Matrix rows(String array) {
    return channelsLast(golden.matrix(array), image);
  }

  /** A latent of the files, in two parts, as rows. */
  public Matrix latents(String last, String leaving) {
    Shape squeezed = new Shape(4 * image.channels(), image.height() / 2, image.width() / 2);
    Shape leaves = new Shape(squeezed.channels() / 2, squeezed.height(), squeezed.width());
    Shape goesOn = new Shape(4 * leaves.channels(), leaves.height() / 2, leaves.width() / 2);
    Matrix first = channelsLast(golden.matrix(last), goesOn);
    Matrix second = channelsLast(golden.matrix(leaving), leaves);
    Matrix result = Matrix.allocate(Precision.FLOAT64, first.rows(), image.size());
    result.columns(0, goesOn.size()).copyFrom(first);
    result.columns(goesOn.size(), image.size()).copyFrom(second);
    return result;
  }

  /** The part of the latents that goes through all blocks, rows of the files turned as those of {@link #latents}. */
  public Matrix lastLatents(String last) {
    return channelsLast(golden.matrix(last), new Shape(8 * image.channels(), image.height() / 4, image.width() / 4));
  }

  private static Matrix channelsLast(Matrix planes, Shape shape) {
    return GoldenFlows.channelsLast(planes, GoldenFlows.identity(shape.channels()));
  }

  /** Values of the files that belong to a weight of {@link #flow}: {@code kind} is param or grad_LOSS. */
  public double[] weight(String kind, String name) {
    Place place = place(name);
    double[] values = golden.values(kind + "." + place.name);
    if (place.name.endsWith(".weight") && !place.name.contains("model")) {
      return tapsByChannel(values, place);
    }
    return place.behindSqueeze == 0 ? values : cornersFirst(values, place.behindSqueeze);
  }

  /** Pixels of the images of an ActNorm's log_scale, 0 for other weights. */
  public int actNormPixels(String name) {
    Place place = place(name);
    if (!place.name.matches("\\d+\\.log_scale")) {
      return 0;
    }
    int side = place.inner ? 4 : 2;
    return image.height() / side * (image.width() / side);
  }

  /**
   * A weight's place in the files.
   *
   * @param inner whether it is one of the second block
   * @param behindSqueeze channels before the squeeze whose order the weight sees, 0 where it sees none
   */
  private record Place(String name, boolean inner, int behindSqueeze) {}

  private Place place(String name) {
    Matcher outer = NAME.matcher(name);
    outer.matches();
    int layer = Integer.parseInt(outer.group(1));
    String rest = outer.group(2);
    int split = 3 * steps + 1; // the coupling before the split, then the split, then the second block
    boolean inner = layer == split + 2;
    int within = layer;
    if (inner) {
      Matcher second = NAME.matcher(rest);
      second.matches();
      within = Integer.parseInt(second.group(1));
      rest = second.group(2);
    }
    String index = (inner ? split + 1 + within : within) + ".";
    String theirs = rest.equals("weight") ? "model.weight"
        : rest.replace("network.5.log_scale", "network.4.logs").replace("network.", !inner && layer == split ? "transform.net." : "net.");
    boolean sees = within == 1 || within == 2;
    return new Place(index + theirs, inner, sees ? (inner ? 2 : 1) * image.channels() : 0);
  }

  /** [out,in,k,k] to [out,k·k·in]. */
  private double[] tapsByChannel(double[] values, Place place) {
    int taps = place.name.contains(".2.") ? 1 : 9;
    int out = golden.values("param." + place.name.replace(".weight", ".bias")).length;
    int in = values.length / out / taps;
    double[] result = new double[values.length];
    for (int i = 0; i < values.length; i++) {
      int o = i / (in * taps);
      result[(o * taps + i % taps) * in + i / taps % in] = values[i];
    }
    return result;
  }

  /** Orders the last axis, of 4·channels numbers. */
  private static double[] cornersFirst(double[] values, int channels) {
    int[] order = GoldenFlows.squeezedChannels(channels);
    double[] result = new double[values.length];
    for (int i = 0; i < values.length; i++) {
      int c = i % order.length;
      result[i] = values[i - c + order[c]];
    }
    return result;
  }
}
