package org.lucos.tests.live;

import static java.util.stream.Collectors.joining;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.List;
import org.lucos.tests.guest.TestGuest;

/**
 * System calls and network traffic in a guest until it is closed. The quick guest has no package
 * manager and no network, and so no stress-ng. What {@code syscall_load} and {@code net_load} do in
 * its place: files, directories, pipes, datagrams, mappings and their protection, signals, timers
 * and forks, and TCP connections with 4 MB each over the loopback; every result and every byte is
 * checked, which stress-ng does only where it is told to.
 */
final class Load implements AutoCloseable {
  private static final int LONG = 24 * 3600;
  private static final List<String> PROGRAMS = List.of("syscall_load", "net_load");

  private final TestGuest guest;

  Load(TestGuest guest) {
    this.guest = guest;
    start(PROGRAMS.get(0), 1, LONG);
    start(PROGRAMS.get(1), LONG);
  }

  private void start(String program, Object... arguments) {
    guest.run(
        "PROGRAM ARGUMENTS >/tmp/PROGRAM.out 2>&1 & echo $! >/tmp/PROGRAM.pid"
            .replace("PROGRAM", program)
            .replace(
                "ARGUMENTS", Arrays.stream(arguments).map(String::valueOf).collect(joining(" "))));
  }

  /** Fails if it has met an error, or is no longer there. */
  void assertUntroubled() {
    for (String program : PROGRAMS) {
      assertThat(guest.run("cat /tmp/" + program + ".out")).as(program).isEmpty();
      guest.run("kill -0 $(cat /tmp/" + program + ".pid)");
    }
  }

  @Override
  public void close() {
    for (String program : PROGRAMS) {
      guest.attempt("kill $(cat /tmp/" + program + ".pid)"); // it may have met its end
    }
    String running = "pidof " + String.join(" ", PROGRAMS);
    guest.run("for i in $(seq 300); do " + running + " || exit 0; sleep 0.1; done; exit 1");
  }
}
