package org.lucos.tests.live;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.lucos.patcher.cli.Main;
import org.lucos.tests.guest.GuestHost;

/** The command as an operator runs it on a {@link GuestHost}, with records of that host's own. */
final class HostLucos {
  private static final Duration LIMIT = Duration.ofMinutes(4);
  private static final String END = "\n";

  private HostLucos() {}

  /** What a command printed in the end. */
  record Answer(int exit, JsonNode json) {
    Answer {
      assertThat(json.isObject()).as("an answer in JSON: exit=" + exit).isTrue();
    }

    String error() {
      return json.at("/error/code").asText();
    }

    void assertOk() {
      assertThat(exit).as(json.toString()).isZero();
    }

    void assertRefused(String code) {
      assertThat(error()).as(json.toString()).isEqualTo(code);
      assertThat(json.at("/error/remedy").asText()).isNotEmpty();
    }
  }

  /** A command at work. */
  static final class Running {
    private final Process process;
    private final BlockingQueue<String> lines = new LinkedBlockingQueue<>();
    private final List<String> seen = new ArrayList<>();

    private Running(Process process) {
      this.process = process;
      Thread reader =
          new Thread(
              () -> {
                try (BufferedReader errors =
                    new BufferedReader(
                        new InputStreamReader(process.getErrorStream(), StandardCharsets.UTF_8))) {
                  errors.lines().forEach(lines::add);
                } catch (IOException e) {
                  lines.add(e.toString());
                }
                lines.add(END);
              },
              "lucos-on-host");
      reader.setDaemon(true);
      reader.start();
    }

    /** Waits until it tells, among what it tells with {@code -v}, a line with this in it. */
    Running await(String text) {
      try {
        String line = "";
        while (!line.contains(text)) {
          line = lines.poll(LIMIT.toMillis(), TimeUnit.MILLISECONDS);
          assertThat(line).as("the command came to: %s; it told %s", text, seen).isNotNull();
          assertThat(line).as("the command came to: %s; it told %s", text, seen).isNotEqualTo(END);
          seen.add(line);
        }
        return this;
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new AssertionError(e);
      }
    }

    Answer end() {
      try {
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        return new Answer(process.waitFor(), new ObjectMapper().readTree(output));
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new AssertionError(e);
      }
    }
  }

  /** Runs a command to its end. */
  static Answer run(GuestHost host, String... arguments) {
    return start(host, arguments).end();
  }

  static Running start(GuestHost host, String... arguments) {
    return start(host, List.of(), arguments);
  }

  /** Runs a command to its end through another program, such as one that takes rights away. */
  static Answer runThrough(GuestHost host, List<String> program, String... arguments) {
    return start(host, program, arguments).end();
  }

  private static Running start(GuestHost host, List<String> program, String... arguments) {
    List<String> command = new ArrayList<>(program);
    command.addAll(
        List.of(
            "env",
            "LUCOS_CACHE=/run/lucos-cache",
            "LUCOS_STATE=/run/lucos-state",
            "LUCOS_LOCKS=/run/lucos-locks",
            "LUCOS_KEYS=" + Bundles.settings().keys(),
            Path.of(System.getProperty("java.home"), "bin", "java").toString(),
            "-XX:TieredStopAtLevel=1",
            "-cp",
            System.getProperty("java.class.path"),
            Main.class.getName()));
    command.addAll(List.of(arguments));
    command.addAll(List.of("--json", "-v"));
    try {
      Process process = new ProcessBuilder(host.command(command)).start();
      process.getOutputStream().close();
      return new Running(process);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
