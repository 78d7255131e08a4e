package org.ebflow.training;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RunFolderTest {
  private static final int JOBS = 16;

  @TempDir private Path folder;

  @Test
  void jobsThatStartTogetherHaveFoldersOfTheirOwn() throws Exception {
    Path wanted = folder.resolve("runs").resolve("quickstart-20261127-001500");
    CyclicBarrier together = new CyclicBarrier(JOBS);
    Callable<Path> job =
        () -> {
          together.await();
          return RunFolder.claim(wanted);
        };
    List<Path> claimed = new ArrayList<>();
    try (ExecutorService jobs = Executors.newFixedThreadPool(JOBS)) {
      List<Future<Path>> started = new ArrayList<>();
      for (int i = 0; i < JOBS; i++) {
        started.add(jobs.submit(job));
      }
      for (Future<Path> path : started) {
        claimed.add(path.get());
      }
    }
    assertThat(claimed).doesNotHaveDuplicates().allMatch(Files::isDirectory).contains(wanted);
    assertThat(claimed)
        .contains(wanted.resolveSibling(wanted.getFileName() + "-2"))
        .contains(wanted.resolveSibling(wanted.getFileName() + "-" + JOBS));
  }
}
