package org.lucos.bench.guest;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import java.util.Optional;
import org.lucos.patcher.build.Command;
import org.lucos.patcher.build.CommandOutcome;
import org.lucos.patcher.build.ProcessCommands;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A quick guest of {@code vm-images}, reached through its scripts. */
public final class BootedGuest implements LiveGuest {
  private static final Logger LOG = LoggerFactory.getLogger(BootedGuest.class);
  private static final Duration BOOT_LIMIT = Duration.ofMinutes(5);
  private static final int SHELL_SECONDS = 120;
  private static final int TAIL = 20;
  private static final int CHUNK = 16 << 10;
  private static final String AGENT = "/usr/sbin/lucos-agent";
  private static final List<String> AGENT_MODULES = List.of("virtio_pci", "virtio_console");

  private final Path scripts;
  private final String name;
  private final boolean ours;

  private BootedGuest(Path scripts, String name, boolean ours) {
    this.scripts = scripts;
    this.name = name;
    this.ours = ours;
  }

  /**
   * Boots a guest and waits until its shell answers.
   *
   * @param scripts the folder {@code vm-images}
   * @param name for the domain, beginning with {@code lucos-}
   * @param kernel options of {@code quick/build.sh} that say which kernel
   * @param modules to load at boot
   * @param programs C files to compile and put into {@code /bin}
   * @param work where programs are compiled
   */
  public static BootedGuest boot(
      Path scripts,
      String name,
      List<String> kernel,
      int vcpus,
      List<String> modules,
      List<Path> programs,
      Path work) {
    return boot(scripts, name, List.of(), kernel, vcpus, modules, programs, work, Optional.empty());
  }

  /**
   * The same, perhaps with the guest's agent.
   *
   * @param machine further options of {@code boot.sh}
   * @param agent the program, which {@link #startAgent} starts; its port's driver is loaded
   */
  public static BootedGuest boot(
      Path scripts,
      String name,
      List<String> machine,
      List<String> kernel,
      int vcpus,
      List<String> modules,
      List<Path> programs,
      Path work,
      Optional<Path> agent) {
    List<String> argv = new ArrayList<>();
    argv.add(scripts.resolve("boot.sh").toString());
    argv.addAll(List.of("--name", name, "--vcpus", Integer.toString(vcpus), "--memory", "768"));
    argv.addAll(List.of("--owner", Long.toString(ProcessHandle.current().pid())));
    argv.addAll(machine);
    agent.ifPresent(program -> argv.add("--agent"));
    argv.addAll(List.of("--append", "quiet", "--"));
    argv.addAll(kernel);
    modules.forEach(module -> argv.addAll(List.of("--module", module)));
    agent.ifPresent(
        program -> {
          AGENT_MODULES.forEach(module -> argv.addAll(List.of("--module", module)));
          argv.addAll(List.of("--file", program + "=" + AGENT));
        });
    for (Path program : programs) {
      String called = String.valueOf(program.getFileName()).replaceFirst("\\.c$", "");
      argv.addAll(List.of("--file", compiled(program, work, called) + "=/bin/" + called));
    }
    BootedGuest guest = new BootedGuest(scripts, name, true);
    try {
      guest.start(argv);
      try {
        guest.run("true");
      } catch (GuestLostException e) { // emulated, it may hang in its boot: nothing was done to it
        LOG.warn("booting it once more: name={}, reason={}", name, e.getMessage());
        guest.start(argv);
        guest.run("true");
      }
      return guest;
    } catch (RuntimeException e) {
      guest.close();
      throw e;
    }
  }

  private void start(List<String> argv) {
    close();
    CommandOutcome outcome = new ProcessCommands().run(Command.of(argv).within(BOOT_LIMIT));
    if (!outcome.succeeded()) {
      throw new GuestLostException("cannot boot a guest: " + outcome.tail(3));
    }
  }

  /** A guest that {@code boot.sh} has booted before; it stays. */
  public static BootedGuest existing(Path scripts, String name) {
    return new BootedGuest(scripts, name, false);
  }

  private static Path compiled(Path source, Path work, String called) {
    Path program = work.toAbsolutePath().resolve(called);
    if (!Files.isExecutable(program)) {
      CommandOutcome outcome =
          new ProcessCommands()
              .run(
                  Command.of(
                      "gcc",
                      "-O2",
                      "-static",
                      "-pthread",
                      "-o",
                      program.toString(),
                      source.toString()));
      if (!outcome.succeeded()) {
        throw new GuestLostException("cannot compile " + source + ": " + outcome.tail(3));
      }
    }
    return program;
  }

  @Override
  public String name() {
    return name;
  }

  @Override
  public String run(String command) {
    CommandOutcome outcome =
        new ProcessCommands()
            .run(
                Command.of(
                        scripts.resolve("run.sh").toString(),
                        "--timeout=" + SHELL_SECONDS,
                        name,
                        command)
                    .within(Duration.ofSeconds(2 * SHELL_SECONDS)));
    if (!outcome.succeeded()) {
      throw new GuestLostException(
          "in " + name + ": " + command + ": " + outcome.tail(3) + "; its console: " + tail());
    }
    return outcome.output();
  }

  /** Only a guest that was booted with it has one. */
  public void startAgent() {
    run("setsid " + AGENT + " </dev/null >/dev/null 2>&1 &");
  }

  /** Writes a file in the guest; for some hundred kilobytes, since it goes through its console. */
  public void write(String path, byte[] content) {
    run(": >'" + path + "'");
    for (int at = 0; at < content.length; at += CHUNK) {
      byte[] chunk = Arrays.copyOfRange(content, at, Math.min(content.length, at + CHUNK));
      String text = Base64.getEncoder().encodeToString(chunk);
      run("echo " + text + " | base64 -d >>'" + path + "'");
    }
  }

  private String tail() {
    Path log = Path.of("/run/lucos", name, "console.log");
    try {
      if (!Files.exists(log)) {
        return "none";
      }
      List<String> lines = Files.readString(log, StandardCharsets.ISO_8859_1).lines().toList();
      return String.join(" | ", lines.subList(Math.max(0, lines.size() - TAIL), lines.size()));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Override
  public void close() {
    if (ours) {
      new ProcessCommands()
          .run(Command.of(scripts.resolve("boot.sh").toString(), "--destroy", name));
    }
  }
}
