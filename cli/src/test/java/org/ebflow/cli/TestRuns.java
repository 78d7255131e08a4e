package org.ebflow.cli;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import java.util.zip.GZIPOutputStream;
import org.ebflow.flow.Flow;
import org.ebflow.flow.layer.Shape;
import org.ebflow.training.Trainer;
import org.ebflow.training.data.DataSources;
import org.ebflow.training.data.Dataset;
import org.ebflow.training.data.ParquetWriter;
import org.ebflow.training.data.ParquetWriter.Column;
import org.ebflow.training.data.ParquetWriter.Kind;
import org.ebflow.training.data.ParquetWriter.Values;
import org.ebflow.training.objective.MaximumLikelihood;
import org.ebflow.training.optimizer.Adam;
import org.ebflow.training.preprocessing.Preprocessing;
import org.ebflow.training.preprocessing.Standardize;
import org.ebflow.training.scoring.TrainedFlow;

/** Small trained runs, and tables for them. */
public final class TestRuns {
  private TestRuns() {}

  static double[][] rows(int count, int dimension, long seed) {
    Random random = new Random(seed);
    double[][] rows = new double[count][dimension];
    for (double[] row : rows) {
      double common = random.nextGaussian();
      for (int c = 0; c < dimension; c++) {
        row[c] = 5 * c + common + (1 + c) * random.nextGaussian();
      }
    }
    return rows;
  }

  /**
   * Writes CSV with the digits that give the same doubles back; compressed where the name ends in
   * .gz.
   */
  static Path csv(Path file, String header, double[][] rows) throws IOException {
    StringBuilder text = new StringBuilder(header.isEmpty() ? "" : header + "\n");
    for (double[] row : rows) {
      for (int c = 0; c < row.length; c++) {
        text.append(c == 0 ? "" : ",").append(row[c]);
      }
      text.append('\n');
    }
    return text(file, text.toString());
  }

  /** An NPY file of bytes, with a shape as {@code 40,4,4}. */
  static byte[] npy(String shape, byte[] bytes) {
    String header = "{'descr': '|u1', 'fortran_order': False, 'shape': (%s), }\n".formatted(shape);
    byte[] text = header.getBytes(StandardCharsets.US_ASCII);
    return ByteBuffer.allocate(10 + text.length + bytes.length)
        .put((byte) 0x93)
        .put(new byte[] {'N', 'U', 'M', 'P', 'Y', 1, 0, (byte) text.length, 0})
        .put(text)
        .put(bytes)
        .array();
  }

  /** Writes Parquet of doubles. */
  static Path parquet(Path file, List<String> columns, double[][] rows) throws IOException {
    try (OutputStream out = Files.newOutputStream(file)) {
      parquet(out, columns, rows);
    }
    return file;
  }

  static void parquet(OutputStream out, List<String> columns, double[][] rows) throws IOException {
    List<Values> values = columns.stream().map(_ -> new Values()).toList();
    for (double[] row : rows) {
      for (int c = 0; c < row.length; c++) {
        values.get(c).add(row[c]);
      }
    }
    ParquetWriter writer =
        new ParquetWriter(out, columns.stream().map(name -> new Column(name, Kind.REAL)).toList());
    writer.begin();
    writer.write(values);
    writer.finish();
  }

  public static Path text(Path file, String text) throws IOException {
    if (file.toString().endsWith(".gz")) {
      try (GZIPOutputStream out = new GZIPOutputStream(Files.newOutputStream(file))) {
        out.write(text.getBytes(StandardCharsets.UTF_8));
      }
      return file;
    }
    return Files.writeString(file, text);
  }

  /** A model of a table with columns named a, b, c, … */
  public static TrainedFlow table(Path run, int dimension) throws IOException {
    List<String> names = List.of("a", "b", "c", "d").subList(0, dimension);
    Path file =
        csv(
            run.resolveSibling(run.getFileName() + "-data.csv"),
            String.join(",", names),
            rows(600, dimension, 1));
    Flow flow = Flow.of(dimension).dense().smoothLeakyRelu(0.3).dense().build();
    return Trainer.of(flow, new MaximumLikelihood())
        .preprocessing(Standardize.byTrainingSet())
        .optimizer(new Adam(1e-2))
        .epochs(3)
        .seed(4)
        .fit(DataSources.in(null).load(file.toString(), 1), run);
  }

  /** A model of pictures of 3×2×2 pixels of 16 levels. */
  static TrainedFlow pictures(Path run) {
    Random random = new Random(3);
    byte[] pixels = new byte[12 * 300];
    for (int i = 0; i < pixels.length; i++) {
      pixels[i] = (byte) (i % 3 == 0 ? 12 + random.nextInt(4) : random.nextInt(4)); // red
    }
    Dataset data = Dataset.ofPixels("red", pixels, 12, new Shape(3, 2, 2), 16);
    return Trainer.of(Flow.of(12).dense().build(), new MaximumLikelihood())
        .preprocessing(train -> Preprocessing.logit(12, 16, 1))
        .optimizer(new Adam(2e-2))
        .epochs(30)
        .fit(data.split(0.8, 0.1, 0.1), run);
  }
}
