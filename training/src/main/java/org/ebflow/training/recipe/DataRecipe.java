package org.ebflow.training.recipe;

import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.annotation.JsonSubTypes;
import com.fasterxml.jackson.annotation.JsonTypeInfo;
import java.nio.charset.Charset;
import java.nio.charset.IllegalCharsetNameException;
import java.nio.file.Path;
import java.util.List;
import org.ebflow.flow.InvalidInputException;
import org.ebflow.training.data.PictureOptions;
import org.ebflow.training.data.SplitOptions;
import org.ebflow.training.data.TableOptions;
import org.ebflow.training.objective.AnnealedNoise;
import org.ebflow.training.preprocessing.Margins;
import org.ebflow.training.preprocessing.Preprocessing;
import org.ebflow.training.preprocessing.Standardize;
import org.jspecify.annotations.Nullable;

/**
 * The data of a recipe.
 *
 * @param name of a known data set, or a path to a table
 * @param folder of the published files, empty for the default place
 * @param columns of a table to use, empty for all
 * @param drop columns of a table to leave out
 * @param separator between the cells of a CSV table
 * @param decimalComma whether a CSV table's numbers have a decimal comma
 * @param header whether a CSV table begins with names: auto, yes or no
 * @param encoding of a CSV table without a byte order mark, by its registered name
 * @param dequantize whether a table's columns of whole numbers are spread over [n, n+1)
 * @param dropNonFinite whether a table's rows with missing values, NaN or ±Inf are left out
 * @param dropConstant whether a table's constant columns are left out
 * @param imageSide side of the squares that pictures are cropped and resized to; 0: their own size
 * @param split shares of training, validation and test of a table's rows
 * @param validation the validation part's own table, empty for none
 * @param test the test part's own table, empty for none
 * @param preprocessing from rows of the data to rows of the model
 * @param augment whether training images are randomly flipped and shifted
 * @param noise standard deviation of Gaussian noise added to preprocessed training rows
 * @param startNoise the same at step 0 where it is annealed
 * @param annealSteps steps in which it becomes {@code noise}, 0 for one noise in all steps
 */
record DataRecipe(
    String name,
    String folder,
    List<String> columns,
    List<String> drop,
    TableOptions.Separator separator,
    boolean decimalComma,
    TableOptions.Header header,
    String encoding,
    Dequantize dequantize,
    @JsonProperty("drop_nonfinite") boolean dropNonFinite,
    boolean dropConstant,
    PreprocessingRecipe preprocessing,
    boolean augment,
    double noise,
    double startNoise,
    long annealSteps,
    int imageSide,
    List<Double> split,
    String validation,
    String test) {
  /** Refuses impossible values. */
  DataRecipe {
    columns = List.copyOf(columns);
    drop = List.copyOf(drop);
    if (!supported(encoding)) {
      throw new IllegalArgumentException(
          "encoding is " + encoding + ", expected UTF-8, windows-1252 or the like");
    }
    if (!(startNoise > 0)) {
      throw new IllegalArgumentException(
          "start_noise is " + startNoise + ", expected a positive number");
    }
    new AnnealedNoise(noise, startNoise, annealSteps); // refuses impossible values
    if (split.size() != 3) {
      throw new IllegalArgumentException(
          "split is " + split + ", expected the shares of training, validation and test");
    }
    split = List.copyOf(split);
  }

  /** What is added to preprocessed training rows. */
  AnnealedNoise dataNoise() {
    return new AnnealedNoise(noise, startNoise, annealSteps);
  }

  /** How its table is split. */
  SplitOptions splitOptions() {
    return new SplitOptions(split.get(0), split.get(1), split.get(2), file(validation), file(test));
  }

  private static @Nullable Path file(String name) {
    return name.isEmpty() ? null : Path.of(name);
  }

  private static boolean supported(String encoding) {
    try {
      return Charset.isSupported(encoding);
    } catch (IllegalCharsetNameException _) {
      return false;
    }
  }

  /** What becomes of its pictures. */
  PictureOptions pictures() {
    return new PictureOptions(imageSide, 0);
  }

  /** How its table or folder is read. */
  TableOptions table() {
    return TableOptions.DEFAULT
        .withColumns(columns)
        .withDrop(drop)
        .withSeparator(separator, decimalComma)
        .withHeader(header)
        .withEncoding(Charset.forName(encoding))
        .withDropNonFinite(dropNonFinite)
        .withDropConstant(dropConstant)
        .withPictures(pictures());
  }

  /** Whether columns of whole numbers are spread. */
  enum Dequantize {
    /** As the preprocessing needs it. */
    AUTO,
    /** Spread. */
    YES,
    /** Left alone. */
    NO
  }

  /** How its preprocessing is found from training data. */
  Preprocessing.Fit fit() {
    return preprocessing.build(
        dequantize == Dequantize.AUTO
            ? preprocessing.needsDequantization()
            : dequantize == Dequantize.YES);
  }

  private static Preprocessing.Fit fit(boolean dequantize, Preprocessing.Fit plain) {
    return dequantize
        ? train ->
            train.levels() > 0
                ? plain.fit(train)
                : plain.fit(train).dequantizing(train.wholeColumns())
        : plain;
  }

  /** Preprocessing, told apart by its {@code type}. */
  @JsonTypeInfo(use = JsonTypeInfo.Id.NAME, property = "type")
  @JsonSubTypes({
    @JsonSubTypes.Type(value = NoPreprocessing.class, name = "none"),
    @JsonSubTypes.Type(value = StandardizeRecipe.class, name = "standardize"),
    @JsonSubTypes.Type(value = LogitRecipe.class, name = "logit"),
    @JsonSubTypes.Type(value = MarginsRecipe.class, name = "margins")
  })
  sealed interface PreprocessingRecipe {
    /**
     * How it is found from training data.
     *
     * @param dequantize whether a table's columns of whole numbers are spread
     */
    Preprocessing.Fit build(boolean dequantize);

    /** Whether whole numbers are spread unless the recipe says otherwise. */
    default boolean needsDequantization() {
      return false;
    }
  }

  /** Rows as they are. */
  record NoPreprocessing() implements PreprocessingRecipe {
    @Override
    public Preprocessing.Fit build(boolean dequantize) {
      return fit(dequantize, train -> Preprocessing.none());
    }
  }

  /** Mean and deviation of the training set. */
  record StandardizeRecipe() implements PreprocessingRecipe {
    @Override
    public Preprocessing.Fit build(boolean dequantize) {
      return fit(dequantize, Standardize.byTrainingSet());
    }
  }

  /** Dequantisation and logit with that smoothness. */
  record LogitRecipe(double smoothness) implements PreprocessingRecipe {
    LogitRecipe {
      if (!(smoothness > 0 && smoothness < Double.POSITIVE_INFINITY)) {
        throw new IllegalArgumentException(
            "smoothness is " + smoothness + ", expected a positive number");
      }
    }

    @Override
    public Preprocessing.Fit build(boolean dequantize) {
      return train -> {
        if (train.levels() == 0) {
          throw new InvalidInputException(
              train.name() + ": the logit preprocessing needs integer pixels, found real values");
        }
        return Preprocessing.logit(train.dimension(), train.levels(), smoothness);
      };
    }
  }

  /** Every column made standard normal by its distribution in the training set. */
  record MarginsRecipe() implements PreprocessingRecipe {
    @Override
    public Preprocessing.Fit build(boolean dequantize) {
      return Margins.byTrainingSet(dequantize);
    }

    @Override
    public boolean needsDequantization() {
      return true;
    }
  }
}
