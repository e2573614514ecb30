package org.lucos.patcher.build;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** Differences between two texts, by this host's {@code diff}. */
public final class DiffTool {
  private final HostCommands commands;

  /** Runs {@code diff} through {@code commands}. */
  public DiffTool(HostCommands commands) {
    this.commands = commands;
  }

  /** A unified diff of one file, with its path in the source; empty when the texts are equal. */
  public String unified(String path, String before, String after) {
    return compare(before, after, "-u", "--label=a/" + path, "--label=b/" + path);
  }

  /** The runs of lines that differ. */
  public List<LineHunk> runs(String before, String after) {
    return LineHunk.parse(compare(before, after, "-U0"));
  }

  private String compare(String before, String after, String... options) {
    try {
      Path directory = Files.createTempDirectory("lucos-diff-");
      try {
        Path a = directory.resolve("a");
        Path b = directory.resolve("b");
        Path out = directory.resolve("out");
        FileTrees.writeText(a, before);
        FileTrees.writeText(b, after);
        List<String> argv = new java.util.ArrayList<>(List.of("diff"));
        argv.addAll(List.of(options));
        argv.addAll(List.of(a.toString(), b.toString()));
        // 0: equal, 1: different, 2: trouble
        CommandOutcome outcome = commands.run(Command.of(argv).to(out));
        if (outcome.exit() > 1) {
          throw new BuildFailedException("diff failed: " + outcome.tail(2));
        }
        return FileTrees.readText(out);
      } finally {
        FileTrees.delete(directory);
      }
    } catch (IOException e) {
      throw new BuildFailedException("cannot compare two texts", e);
    }
  }
}
