package org.lucos.tests.guest;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/** A guest of a {@link GuestHost}, which may go to another one, and may start anew. */
public final class HostedGuest implements AutoCloseable {
  private static final Duration BOOT_LIMIT = Duration.ofMinutes(4);

  private static final String MARK = "lucos-test-begins";

  private final String name;
  private final String release;
  private GuestHost host;
  private GuestShell shell;

  HostedGuest(GuestHost host, String name, String release) {
    this.host = host;
    this.name = name;
    this.release = release;
    this.shell = shell();
    run("echo " + MARK + " >/dev/kmsg"); // a crowded host makes a booting kernel complain of stalls
  }

  private GuestShell shell() {
    try {
      return GuestShell.connect(host.console(name), BOOT_LIMIT);
    } catch (GuestShell.NoAnswerException e) {
      throw new GuestFailure("guest " + name + " does not answer: " + e.getMessage(), e);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Connects to its shell anew: it was rebooted, restored, or has moved. */
  public void reconnect() {
    shell.close();
    shell = shell();
  }

  /** Starts it after its QEMU has ended, as the domain that it was, and connects to its shell. */
  public void startAnew() {
    host.start(name);
    reconnect();
  }

  public String name() {
    return name;
  }

  /** Where it runs. */
  public GuestHost host() {
    return host;
  }

  /** The kernel's release. */
  public String release() {
    return release;
  }

  /** What libvirt says of it. */
  public String state() {
    return host.virsh("domstate", name);
  }

  /** Runs a shell command as root, whatever its status; returns what it wrote. */
  public String run(String command) {
    try {
      return shell.run(command, TestGuest.DEFAULT_LIMIT).stdout().strip();
    } catch (GuestShell.NoAnswerException e) {
      throw new GuestFailure("guest " + name + ": " + command + ": " + e.getMessage(), e);
    }
  }

  /** Modules of patches as the guest lists them. */
  public List<String> modules() {
    return run("cut -d' ' -f1 /proc/modules")
        .lines()
        .filter(module -> module.startsWith("lucos_"))
        .toList();
  }

  /** What its console has shown since it came to this host. */
  public String consoleLog() {
    try {
      return Files.readString(
          host.run("lucos/" + name + "/console.log"), StandardCharsets.ISO_8859_1);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Begins a live migration; {@link #arrived} is to be told of its success. */
  public Process startMigration(GuestHost other, String... options) {
    other.prepare(name);
    List<String> command =
        new ArrayList<>(
            List.of("virsh", "-q", "-c", host.connection(), "migrate", "--live", "--unsafe"));
    command.addAll(List.of(options));
    command.addAll(
        List.of(
            name,
            other.connection(),
            "--migrateuri",
            "unix://" + other.run("migrate-" + name + ".sock")));
    try {
      return new ProcessBuilder(command)
          .redirectErrorStream(true)
          .redirectOutput(ProcessBuilder.Redirect.DISCARD)
          .start();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** From now on it is looked for there. */
  public void arrived(GuestHost other) {
    host = other;
    reconnect();
  }

  /** What the kernel complained about since the test began, or since a reboot. */
  public List<String> troubles() {
    return KernelLog.parse(run("dmesg")).after(MARK).troubles();
  }

  @Override
  public void close() {
    shell.close();
    if (host.virsh("list", "--name").lines().anyMatch(name::equals)) {
      host.virsh("destroy", name);
    }
  }
}
