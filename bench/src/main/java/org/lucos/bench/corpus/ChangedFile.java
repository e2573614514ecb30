package org.lucos.bench.corpus;

/**
 * A file that differs between two source versions.
 *
 * @param path from the root of the source
 * @param change what happened to it
 */
public record ChangedFile(String path, Change change) {
  /** What happened to a file. */
  public enum Change {
    CHANGED,
    ADDED,
    REMOVED
  }

  /** The part of the kernel it belongs to. */
  public Area area() {
    return Area.of(path);
  }
}
