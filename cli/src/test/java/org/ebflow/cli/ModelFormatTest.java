package org.ebflow.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.TreeSet;
import org.ebflow.flow.Flow;
import org.ebflow.flow.layer.Activation;
import org.ebflow.flow.layer.AdditiveTransform;
import org.ebflow.flow.layer.AffineTransform;
import org.ebflow.flow.layer.Dense;
import org.ebflow.flow.layer.LayerTypes;
import org.ebflow.flow.layer.MapTypes;
import org.ebflow.flow.layer.MarginalGaussianization;
import org.ebflow.flow.layer.Shape;
import org.ebflow.linalg.Blas;
import org.ebflow.training.preprocessing.Preprocessing;
import org.ebflow.training.scoring.TrainedFlow;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** docs/model-format.md leaves out nothing that a model file may hold. */
class ModelFormatTest {
  private static final Path DOCUMENT = Path.of("..", "docs", "model-format.md");

  @TempDir private Path folder;

  private static void isDescribed(Collection<String> names) throws IOException {
    String text = Files.readString(DOCUMENT);
    assertThat(names).isNotEmpty().allSatisfy(name -> assertThat(text).contains("`" + name + "`"));
  }

  @Test
  void everyTypeIsDescribed() throws IOException {
    isDescribed(LayerTypes.names());
    isDescribed(MapTypes.names());
    isDescribed(Arrays.stream(Activation.Kind.values()).map(Activation.Kind::fileName).toList());
    for (var transform : List.of(AffineTransform.bounded(1), new AdditiveTransform())) {
      isDescribed(List.of(String.valueOf(transform.description().get("type"))));
    }
    String text = Files.readString(DOCUMENT);
    assertThat(MarginalGaussianization.Form.values())
        .allSatisfy(
            form ->
                assertThat(text)
                    .contains("marginal_gaussianization, " + form.name().toLowerCase(Locale.ROOT)));
  }

  @Test
  void everyKeyOfTheMetadataIsDescribed() throws IOException {
    Path pictures = folder.resolve("pictures.safetensors");
    Flow flow = Flow.of(new Shape(1, 2, 2)).layer(new Dense(4)).build();
    TrainedFlow table = TestRuns.table(folder.resolve("table"), 3);
    Preprocessing whole = table.preprocessing().dequantizing(List.of(1));
    Path file = folder.resolve("whole.safetensors");
    new TrainedFlow(table.flow(), whole, table.data(), table.seed()).save(file, Blas.auto());
    new TrainedFlow(flow, Preprocessing.logit(4, 16, 1), table.data(), 1)
        .save(pictures, Blas.auto());
    JsonNode ofPictures = metadata(pictures);
    JsonNode ofTable = metadata(file);
    Set<String> keys = new TreeSet<>(ofPictures.propertyNames());
    keys.addAll(ofTable.propertyNames());

    assertThat(keys).contains("crc32c", "shape", "preprocessing_whole_columns");
    isDescribed(keys);
    JsonNode data = new JsonMapper().readTree(ofTable.get("data").stringValue());
    isDescribed(data.propertyNames());
    isDescribed(data.get("quantiles").propertyNames());
  }

  private static JsonNode metadata(Path file) throws IOException {
    byte[] bytes = Files.readAllBytes(file);
    int length = (int) ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).getLong();
    String header = new String(bytes, Long.BYTES, length, StandardCharsets.UTF_8);
    return new JsonMapper().readTree(header).get("__metadata__");
  }
}
