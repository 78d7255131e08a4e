package org.ebflow.linalg;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The Fourier transform of images and of weights by its definition. */
class FourierShapeTest {
  private static final double CLOSE = 1e-12;

  private static Matrix random(Random random, int rows, int columns) {
    Matrix result = Matrix.allocate(Precision.FLOAT64, rows, columns);
    for (int r = 0; r < rows; r++) {
      for (int c = 0; c < columns; c++) {
        result.set(r, c, random.nextGaussian());
      }
    }
    return result;
  }

  /** [rows·columns,1] of the transform along rows and along columns. */
  private static Matrix products(FourierShape shape, Matrix image) {
    Matrix down = FourierShape.basis(Precision.FLOAT64, shape.height(), shape.rows());
    Matrix across = FourierShape.basis(Precision.FLOAT64, shape.width(), shape.columns());
    Matrix half = Matrix.allocate(Precision.FLOAT64, shape.rows(), shape.width());
    Matrix result = Matrix.allocate(Precision.FLOAT64, shape.rows(), shape.columns());
    Blas.batchInvariant().multiply(false, down, false, image, 1, 0, half);
    Blas.batchInvariant().multiply(false, half, true, across, 1, 0, result);
    return result.reshape(shape.rows() * shape.columns(), 1);
  }

  @ParameterizedTest
  @CsvSource({"5, 4, 3", "4, 6, 5", "1, 2, 7"})
  void coefficientsAreThoseOfTheDefinition(int height, int width, int side) {
    FourierShape shape = new FourierShape(height, width, side);
    Matrix image = random(new Random(3), height, width);
    Matrix products = products(shape, image);
    Matrix found = Matrix.allocate(Precision.FLOAT64, shape.frequencies(), 2);
    FourierKernels kernels = KernelChoice.reference(Precision.FLOAT64).fourier();
    found.fill(Double.NaN); // to be overwritten
    kernels.combine(shape, products, found);
    int f = 0;
    for (int x = 0; x <= shape.columns() / 2; x++) {
      for (int y = 0; y <= shape.rows() / 2; y++) {
        for (int sign = 1; sign >= (x > 0 && y > 0 ? -1 : 1); sign -= 2) {
          double real = 0;
          double imaginary = 0;
          for (int r = 0; r < height; r++) {
            for (int c = 0; c < width; c++) {
              double angle =
                  2
                      * Math.PI
                      * (sign * y * (r - (height - 1) / 2.0) / shape.rows()
                          + x * (c - (width - 1) / 2.0) / shape.columns());
              real += image.get(r, c) * Math.cos(angle);
              imaginary -= image.get(r, c) * Math.sin(angle);
            }
          }
          double scale = Math.sqrt((f == 0 ? 1.0 : 2.0) / (shape.rows() * shape.columns()));
          assertThat(found.get(f, 0)).isCloseTo(scale * real, within(CLOSE));
          assertThat(found.get(f, 1)).isCloseTo(scale * imaginary, within(CLOSE));
          f++;
        }
      }
    }
    assertThat(f).isEqualTo(shape.frequencies());
    Matrix back = Matrix.allocate(Precision.FLOAT64, products.rows(), 1);
    back.fill(Double.NaN);
    kernels.separate(shape, found, back);
    for (int i = 0; i < products.rows(); i++) {
      assertThat(back.get(i, 0)).isCloseTo(products.get(i, 0), within(CLOSE));
    }
  }

  @ParameterizedTest
  @CsvSource({"1, 5", "2, 3", "5, 7", "4, 7"})
  void basesAreOrthonormal(int n, int period) {
    Matrix basis = FourierShape.basis(Precision.FLOAT64, n, period);
    for (int i = 0; i < n; i++) {
      for (int j = 0; j < n; j++) {
        double dot = 0;
        for (int k = 0; k < period; k++) {
          dot += basis.get(k, i) * basis.get(k, j);
        }
        assertThat(dot).isCloseTo(i == j ? 1 : 0, within(CLOSE));
      }
    }
  }
}
