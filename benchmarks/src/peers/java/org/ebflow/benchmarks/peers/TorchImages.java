package org.ebflow.benchmarks.peers;

import static org.bytedeco.pytorch.global.torch.conv2d;
import static org.bytedeco.pytorch.global.torch.zeros;

import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorOptional;
import org.bytedeco.pytorch.TensorOptions;
import org.bytedeco.pytorch.global.torch.MemoryFormat;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.ebflow.flow.layer.Shape;

/**
 * How batches of images [batch,channels,height,width] and kernels of convolutions lie in memory,
 * and what is done to them.
 */
record TorchImages(MemoryFormat format, ScalarType type) {
  private static final long[] ONE = {1, 1};
  private static final TensorOptional NO_BIAS = new TensorOptional();

  /** Rows with channels last. */
  Tensor of(Tensor rows, Shape shape) {
    return rows.view(rows.size(0), shape.height(), shape.width(), shape.channels())
        .permute(0, 3, 1, 2)
        .contiguous(format);
  }

  /** A kernel of side×side pixels, or a vector of [out], that is trained from zero. */
  Tensor parameter(long... sizes) {
    Tensor zeros = zeros(sizes, new TensorOptions(type));
    return (sizes.length == 4 ? zeros.contiguous(format) : zeros).requires_grad_(true);
  }

  /** Zero-padded convolution by a kernel of odd side. */
  static Tensor convolve(Tensor x, Tensor weight, Tensor bias) {
    return convolve(x, weight, new TensorOptional(bias));
  }

  /** Without a bias. */
  static Tensor convolve(Tensor x, Tensor weight) {
    return convolve(x, weight, NO_BIAS);
  }

  private static Tensor convolve(Tensor x, Tensor weight, TensorOptional bias) {
    long padding = weight.size(2) / 2;
    return conv2d(x, weight, bias, ONE, new long[] {padding, padding}, ONE, 1);
  }

  /** Squares of 2×2 pixels to one pixel of their channels, corner by corner. */
  Tensor squeeze(Tensor x) {
    long batch = x.size(0);
    long channels = x.size(1);
    long height = x.size(2) / 2;
    long width = x.size(3) / 2;
    if (format == MemoryFormat.ChannelsLast) {
      return x.permute(0, 2, 3, 1)
          .reshape(batch, height, 2, width, 2, channels)
          .permute(0, 1, 3, 2, 4, 5)
          .reshape(batch, height, width, 4 * channels)
          .permute(0, 3, 1, 2);
    }
    return x.reshape(batch, channels, height, 2, width, 2)
        .permute(0, 3, 5, 1, 2, 4)
        .reshape(batch, 4 * channels, height, width);
  }

  /** Sum over all but the batch. */
  static Tensor sum(Tensor x) {
    return x.sum(1, 2, 3);
  }
}
