package org.lucos.patcher.app;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Who works with which tool where.
 *
 * @param host name of this host
 * @param user the user of this process
 * @param sudoUser who became that user by sudo; empty if nobody did
 * @param pid this process
 * @param version of lucos
 */
record Operator(String host, String user, String sudoUser, long pid, String version) {
  /** uts_namespace(7): what {@code uname -n} prints. */
  private static final Path HOST_NAME = Path.of("/proc/sys/kernel/hostname");

  static Operator current() {
    ProcessHandle process = ProcessHandle.current();
    return new Operator(
        hostName(),
        process.info().user().orElse("unknown"),
        System.getenv().getOrDefault("SUDO_USER", ""),
        process.pid(),
        Version.current());
  }

  Map<String, Object> fields() {
    Map<String, Object> fields = new LinkedHashMap<>();
    fields.put("host", host);
    fields.put("user", user);
    if (!sudoUser.isEmpty()) {
      fields.put("sudoUser", sudoUser);
    }
    fields.put("pid", pid);
    fields.put("version", version);
    return fields;
  }

  private static String hostName() {
    try {
      return Files.readString(HOST_NAME).strip();
    } catch (IOException e) {
      return "unknown"; // no reason to refuse an operation
    }
  }
}
