import org.jspecify.annotations.NullMarked;

/** The command {@code ebflow}. */
@NullMarked
module org.ebflow.cli {
  requires static org.jspecify;
  requires org.ebflow.training;
  requires de.siegmar.fastcsv;
  requires info.picocli;
  requires java.desktop;
  requires java.logging;
  requires me.tongfei.progressbar;
  requires org.jline.terminal;
  requires xchart;
  requires tools.jackson.databind;

  opens org.ebflow.cli to
      info.picocli;
}
