package org.lucos.bridge.host;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;

/**
 * What a process must be allowed on a libvirt host beside talking to libvirt, as capabilities(7)
 * calls it. Root has them all, unless a container or a service's settings took some away.
 */
public enum Privilege {
  /** A domain's files are QEMU's own user's: the debug socket that pauses and writes go through. */
  CAP_DAC_OVERRIDE(1, "reach the debug socket among QEMU's files"),

  /** QEMU is another user's process. */
  CAP_SYS_PTRACE(19, "read guests' memory out of QEMU's process");

  private static final Path STATUS = Path.of("/proc/self/status");
  private static final String EFFECTIVE = "CapEff:";

  private final int bit;
  private final String use;

  Privilege(int bit, String use) {
    this.bit = bit;
    this.use = use;
  }

  /** What it is needed for; goes on after "to". */
  public String use() {
    return use;
  }

  /**
   * Those that this process does not have.
   *
   * @throws IOException if the kernel does not tell
   */
  public static List<Privilege> missing() throws IOException {
    return missing(Files.readAllLines(STATUS));
  }

  static List<Privilege> missing(List<String> status) throws IOException {
    String effective =
        status.stream()
            .filter(line -> line.startsWith(EFFECTIVE))
            .map(line -> line.substring(EFFECTIVE.length()).strip())
            .findFirst()
            .orElseThrow(() -> new IOException(STATUS + " has no " + EFFECTIVE));
    try {
      long held = Long.parseUnsignedLong(effective, 16);
      return Arrays.stream(values()).filter(wanted -> (held >>> wanted.bit & 1) == 0).toList();
    } catch (NumberFormatException e) {
      throw new IOException(STATUS + " has no number of capabilities: " + effective, e);
    }
  }
}
