package org.ebflow.spark;

import java.util.Locale;
import org.apache.spark.sql.SparkSession;

/** The one Spark of this JVM: two task threads, four tries of a task, no user interface. */
final class LocalSpark {
  static final SparkSession SESSION =
      SparkSession.builder()
          .master("local[2,4]")
          .appName("test")
          .config("spark.ui.enabled", "false")
          .config("spark.sql.shuffle.partitions", "2")
          .config("spark.sql.leafNodeDefaultParallelism", "3")
          .config("spark.sql.adaptive.enabled", "false") // each query is planned once
          .config("spark.sql.codegen.wholeStage", "false") // takes longer than these few rows
          .config("spark.driver.bindAddress", "127.0.0.1")
          .config("spark.driver.host", "127.0.0.1")
          .config("spark.sql.warehouse.dir", warehouse())
          .getOrCreate();

  private LocalSpark() {}

  private static String warehouse() {
    return String.format(Locale.ROOT, "%s/ebflow-warehouse", System.getProperty("java.io.tmpdir"));
  }
}
