package org.lucos.patcher.build;

/**
 * How a command ended.
 *
 * @param exit its exit code; 0 is success
 * @param output what it wrote to standard output, unless that went to a file
 * @param errors what it wrote to standard error
 */
public record CommandOutcome(int exit, String output, String errors) {

  /** It returned 0. */
  public boolean succeeded() {
    return exit == 0;
  }

  /** The last lines that say what went wrong, at most {@code lines} of them. */
  public String tail(int lines) {
    String text = (errors.isBlank() ? output : errors).strip();
    String[] all = text.split("\n", -1);
    int from = Math.max(0, all.length - lines);
    return String.join("\n", java.util.Arrays.asList(all).subList(from, all.length));
  }

  /**
   * The first lines a compiler marks as errors, at most {@code lines} of them; the last lines if
   * none is marked. What comes after the first error is often no more than its consequence.
   */
  public String errorLines(int lines) {
    String marked =
        errors
            .lines()
            .filter(line -> line.contains(" error: "))
            .limit(lines)
            .collect(java.util.stream.Collectors.joining("\n"));
    return marked.isEmpty() ? tail(lines) : marked;
  }
}
