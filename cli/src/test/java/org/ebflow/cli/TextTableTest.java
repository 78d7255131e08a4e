package org.ebflow.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.PrintWriter;
import java.io.StringWriter;
import org.junit.jupiter.api.Test;

class TextTableTest {
  @Test
  void wordsStandLeftAndNumbersRight() {
    TextTable table = new TextTable("name", "nll", "");
    table.add("a longer one", TextTable.number(-1234.567), "*");
    table.add("b\u001b", TextTable.number(2), "");
    StringWriter text = new StringWriter();
    table.print(new PrintWriter(text, true));
    assertThat(text.toString().lines())
        .containsExactly(
            "name               nll", "a longer one  -1234.57  *", "b\\u001b           2.00");
  }

  @Test
  void aRowOfAnotherLengthIsRefused() {
    assertThatThrownBy(() -> new TextTable("a", "b").add("1"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("TextTable.add: 1 cells, expected 2");
  }
}
