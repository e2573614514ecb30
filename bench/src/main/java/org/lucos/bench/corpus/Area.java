package org.lucos.bench.corpus;

import com.google.common.collect.ImmutableSet;

/** The part of the kernel a source file belongs to, by its path. */
public enum Area {
  CORE("core kernel"),
  NETWORKING("networking"),
  FILE_SYSTEMS("file systems"),
  DRIVERS("drivers"),
  ARCHITECTURE("architecture"),
  OTHER("not kernel code");

  private static final ImmutableSet<String> CORE_FOLDERS =
      ImmutableSet.of(
          "block",
          "certs",
          "crypto",
          "include",
          "init",
          "io_uring",
          "ipc",
          "kernel",
          "lib",
          "mm",
          "rust",
          "security",
          "virt");

  private final String label;

  Area(String label) {
    this.label = label;
  }

  /** What to call it in a table. */
  public String label() {
    return label;
  }

  /** The area of a path in the kernel source; {@link #OTHER} for documents, tools and scripts. */
  static Area of(String path) {
    boolean source = path.endsWith(".c") || path.endsWith(".h") || path.endsWith(".S");
    int slash = path.indexOf('/');
    if (!source || slash < 0) {
      return OTHER;
    }
    String top = path.substring(0, slash);
    if (path.startsWith("include/net/") || path.startsWith("include/linux/net")) {
      return NETWORKING;
    }
    return switch (top) {
      case "net" -> NETWORKING;
      case "fs" -> FILE_SYSTEMS;
      case "drivers", "sound" -> DRIVERS;
      case "arch" -> ARCHITECTURE;
      default -> CORE_FOLDERS.contains(top) ? CORE : OTHER;
    };
  }
}
