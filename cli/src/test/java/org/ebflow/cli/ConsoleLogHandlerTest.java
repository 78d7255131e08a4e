package org.ebflow.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.lang.System.Logger.Level;
import java.util.Locale;
import org.junit.jupiter.api.Test;

final class ConsoleLogHandlerTest {
  @Test
  void numbersAreWrittenAlikeUnderEveryLocale() {
    StringWriter err = new StringWriter();
    Locale before = Locale.getDefault(Locale.Category.FORMAT);
    Locale.setDefault(Locale.Category.FORMAT, Locale.forLanguageTag("ar-EG-u-nu-arab"));
    try {
      ConsoleLogHandler.to(new PrintWriter(err, true));
      System.Logger logger = System.getLogger("org.ebflow.test");
      logger.log(Level.WARNING, "{0}: dropped {1} of {2} rows", "a.csv", 7, 12345);
      logger.log(Level.INFO, "no pattern: {x}");
      logger.log(Level.INFO, "no pattern: {x}", 1);
    } finally {
      Locale.setDefault(Locale.Category.FORMAT, before);
    }
    assertThat(err.toString().lines())
        .containsExactly(
            "ebflow: warning: a.csv: dropped 7 of 12,345 rows",
            "ebflow: no pattern: {x}",
            "ebflow: no pattern: {x}");
  }
}
