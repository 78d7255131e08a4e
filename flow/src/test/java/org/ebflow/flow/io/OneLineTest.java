package org.ebflow.flow.io;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import org.junit.jupiter.api.Test;

class OneLineTest {
  @Test
  void aNameIsWrittenAsItIs() {
    assertThat(OneLine.name("Größe \"m²\" 寸 😀, \\n")).isEqualTo("Größe \"m²\" 寸 😀, \\n");
    assertThat(OneLine.name("")).isEmpty();
  }

  @Test
  void controlCharactersOfANameAreEscaped() {
    assertThat(OneLine.name("a\nb\rc\td")).isEqualTo("a\\nb\\rc\\td");
    assertThat(OneLine.name("\u001b[31mred\u0000\u007f\u009b"))
        .isEqualTo("\\u001b[31mred\\u0000\\u007f\\u009b");
    assertThat(OneLine.name("a\u0085b\u2028c\u2029")).isEqualTo("a\\u0085b\\u2028c\\u2029");
  }

  @Test
  void aMessageLosesItsLayoutAndNothingElse() {
    assertThat(OneLine.message("unexpected  end\r\n\tat \u001b[1mline 3"))
        .isEqualTo("unexpected end at \\u001b[1mline 3");
    assertThat(OneLine.message(new IOException("a\nb"))).isEqualTo("a b");
    assertThat(OneLine.message(new IOException())).isEqualTo("null");
  }
}
