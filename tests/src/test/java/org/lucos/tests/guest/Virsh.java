package org.lucos.tests.guest;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/** QEMU and libvirt as an operator uses them, beside the product. */
public final class Virsh {
  /** The system libvirt daemon of this machine. */
  public static final String URI = "qemu:///system";

  private Virsh() {}

  /** Runs a command that must succeed, and returns what it prints. */
  public static String run(String... arguments) {
    List<String> command = new ArrayList<>(List.of("virsh", "-q", "-c", URI));
    command.addAll(List.of(arguments));
    try {
      Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
      process.getOutputStream().close();
      String output =
          new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8).strip();
      if (process.waitFor() != 0) {
        throw new AssertionError(command + ": " + output);
      }
      return output;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new AssertionError(e);
    }
  }

  public static String hmp(String domain, String line) {
    return run("qemu-monitor-command", domain, "--hmp", line);
  }

  public static String qmp(String domain, String json) {
    return run("qemu-monitor-command", domain, json);
  }

  /** Whether a gdbstub of the domain listens or is connected. */
  public static boolean debugPortOpen(String domain) {
    return qmp(domain, "{\"execute\":\"query-chardev\"}").contains("\"label\":\"gdb\"");
  }

  /** QEMU's word for what the guest is doing. */
  public static boolean running(String domain) {
    return qmp(domain, "{\"execute\":\"query-status\"}").contains("\"running\":true");
  }
}
