package org.ebflow.cli;

import java.nio.charset.Charset;
import java.nio.charset.IllegalCharsetNameException;
import java.nio.charset.UnsupportedCharsetException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.ebflow.flow.InvalidInputException;
import org.ebflow.training.data.TableOptions;
import org.ebflow.training.data.TableOptions.Header;
import org.ebflow.training.data.TableOptions.Separator;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** How the text of CSV tables is read. */
final class CsvOptions {
  @Option(
      names = "--header",
      paramLabel = "yes|no",
      description =
          "Whether CSV begins with column names. Default: told by its first line; numbers that may be names are an error that asks.")
  private @Nullable String header;

  @Option(
      names = "--encoding",
      paramLabel = "NAME",
      description =
          "Encoding of CSV, as windows-1252. Default: UTF-8, or what a byte order mark says.")
  private @Nullable String encoding;

  @Option(
      names = "--separator",
      paramLabel = "comma|semicolon|tab",
      description = "What stands between the cells of CSV. Default: comma.")
  private @Nullable String separator;

  @Option(
      names = "--decimal-comma",
      description =
          "Numbers of CSV have a decimal comma, as 1,5; with --separator semicolon or tab.")
  private boolean decimalComma;

  /** The options that were given, over the defaults. */
  TableOptions table() {
    TableOptions table = TableOptions.DEFAULT;
    if (header != null) {
      if (!List.of("yes", "no").contains(header)) {
        throw new InvalidInputException("--header is " + header + ", expected yes or no");
      }
      table = table.withHeader(header.equals("yes") ? Header.YES : Header.NO);
    }
    if (separator != null || decimalComma) {
      table = table.withSeparator(separator(), decimalComma);
    }
    if (encoding != null) {
      try {
        table = table.withEncoding(Charset.forName(encoding));
      } catch (IllegalCharsetNameException | UnsupportedCharsetException e) {
        throw new InvalidInputException(
            "--encoding is " + encoding + ", expected UTF-8, windows-1252 or the like", e);
      }
    }
    return table;
  }

  private Separator separator() {
    return switch (separator) {
      case null -> Separator.COMMA;
      case "comma" -> Separator.COMMA;
      case "semicolon" -> Separator.SEMICOLON;
      case "tab" -> Separator.TAB;
      default ->
          throw new InvalidInputException(
              "--separator is " + separator + ", expected comma, semicolon or tab");
    };
  }

  /** The options that were given, as values of a recipe by dotted key. */
  Map<String, String> recipe() {
    TableOptions table = table();
    Map<String, String> changes = new LinkedHashMap<>();
    if (header != null) {
      changes.put("data.header", header);
    }
    if (separator != null) {
      changes.put("data.separator", separator);
    }
    if (decimalComma) {
      changes.put("data.decimal_comma", "true");
    }
    if (encoding != null) {
      changes.put("data.encoding", table.encoding().name());
    }
    return changes;
  }
}
