package org.ebflow.training.data;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class FileFormatTest {
  @ParameterizedTest
  @CsvSource({
    "a.csv,CSV,CSV",
    "A.CSV,CSV,CSV",
    "a.Csv,CSV,CSV",
    "a.csv.gz,CSV,OTHER",
    "A.CSV.GZ,CSV,OTHER",
    "a.csv.Gz,CSV,OTHER",
    "x/y.csv/a.NPY,NPY,NPY",
    "a.npy.gz,NPY,OTHER",
    "train-images-idx3-ubyte,IDX,IDX",
    "T10K-IMAGES-IDX3-UBYTE.GZ,IDX,OTHER",
    "a.Parquet,PARQUET,PARQUET",
    "a.PNG,PNG,PNG",
    "a.Json,JSON,JSON",
    "csv,OTHER,OTHER",
    "a.csv.txt,OTHER,OTHER",
    "a.gz,OTHER,OTHER"
  })
  void theNameTellsTheFormatInEitherCase(Path file, FileFormat input, FileFormat output) {
    assertThat(FileFormat.ofInput(file)).isEqualTo(input);
    assertThat(FileFormat.ofOutput(file)).isEqualTo(output);
  }
}
