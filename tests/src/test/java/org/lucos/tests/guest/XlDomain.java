package org.lucos.tests.guest;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import org.lucos.patcher.agent.AgentLink;

/**
 * A guest made by {@code vm-images/xen-host/guest.sh} and tied to this process through the script's
 * standard input.
 */
record XlDomain(String name, String release, Process script, Path console, Path log, long started)
    implements BootedDomain {
  private static final int LOG_TAIL_LINES = 60;

  /** Starts a quick guest; others have no place here. */
  static XlDomain start(GuestSpec spec, String type) {
    if (spec.image() != GuestSpec.Image.QUICK) {
      throw new GuestFailure("only quick guests are started under Xen: " + spec);
    }
    Map<String, String> image = Prepared.image(spec).orElseGet(() -> TestDomain.build(spec));
    String name =
        "lucos-test-"
            + ProcessHandle.current().pid()
            + "-"
            + UUID.randomUUID().toString().substring(0, 8);
    long started = System.nanoTime();
    try {
      List<String> command =
          new ArrayList<>(
              List.of(
                  Repository.root().resolve("vm-images/xen-host/guest.sh").toString(),
                  "--name=" + name,
                  "--kernel=" + image.get("kernel"),
                  "--initrd=" + image.get("initrd"),
                  "--type=" + type,
                  "--vcpus=" + spec.machine().vcpus(),
                  "--memory=" + spec.machine().memoryMib(),
                  "--append=" + spec.commandLine()));
      if (spec.machine().agentChannel()) {
        command.add("--channel=" + AgentLink.CHANNEL);
      }
      Process script =
          new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT).start();
      Map<String, String> facts = new HashMap<>();
      BufferedReader reader =
          new BufferedReader(
              new InputStreamReader(script.getInputStream(), StandardCharsets.UTF_8));
      String line = reader.readLine();
      while (line != null && !facts.containsKey("log")) {
        facts.putAll(HostCommand.facts(line));
        line = facts.containsKey("log") ? null : reader.readLine();
      }
      if (!facts.containsKey("log")) {
        throw new GuestFailure("guest " + name + " does not start");
      }
      return new XlDomain(
          name,
          String.valueOf(image.get("release")),
          script,
          Path.of(String.valueOf(facts.get("console"))),
          Path.of(String.valueOf(facts.get("log"))),
          started);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Override
  public Duration age() {
    return Duration.ofNanos(System.nanoTime() - started);
  }

  @Override
  public boolean isAlive() {
    return script.isAlive();
  }

  @Override
  public String consoleLog() {
    try {
      return Files.readString(log, StandardCharsets.ISO_8859_1);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Override
  public String consoleTail() {
    List<String> lines = consoleLog().lines().toList();
    int from = Math.max(0, lines.size() - LOG_TAIL_LINES);
    return "\n--- console, all of it in "
        + keepLog()
        + " ---\n"
        + String.join("\n", lines.subList(from, lines.size()));
  }

  private Path keepLog() {
    try {
      Path kept = Files.createDirectories(Repository.logs()).resolve(name + ".console.log");
      return Files.copy(log, kept, StandardCopyOption.REPLACE_EXISTING);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Override
  public void destroy() {
    try {
      if (Files.exists(log)) {
        keepLog();
      }
      script.getOutputStream().close();
      if (!script.waitFor(30, TimeUnit.SECONDS)) {
        script.destroyForcibly();
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
