package org.lucos.bench.corpus;

import java.nio.file.Path;
import java.util.List;

/** A corpus made of results that nobody has built. */
public record CorpusFixture(Path directory) {
  /** Adds a file of three changed lines, built as one function of 100 bytes or not at all. */
  public void built(
      String path,
      DiffClass kind,
      BuildResult.Outcome outcome,
      String code,
      String detail,
      double seconds) {
    CorpusRun.builds(directory)
        .add(
            new BuildResult(
                path,
                "vmlinux",
                kind,
                "",
                List.of(),
                3,
                outcome,
                code,
                detail,
                seconds,
                100,
                List.of("f"),
                List.of()));
  }
}
