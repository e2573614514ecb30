package org.lucos.tests.live;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.lucos.bridge.addr.GuestVirtualAddress;
import org.lucos.tests.guest.TestGuest;

/**
 * Switches tracers, and probes on entry, in the body and on return of functions, on and off in a
 * guest, one function after another, until it is closed.
 */
final class Toggler implements AutoCloseable {
  private static final int BODY = 5 + 5 + 3; // slot, jump, and what may be left of an instruction

  private static final String SCRIPT =
      """
      cd /sys/kernel/tracing
      turn() { echo "$2" >"$1" || echo "$1 does not take $2" >>/tmp/toggler.err; }
      while [ -e /tmp/toggling ]; do
        for each in FUNCTIONS; do
          while [ -e /tmp/toggler.hold ]; do touch /tmp/toggler.held; sleep 0.05; done
          rm -f /tmp/toggler.held
          set -- $(echo $each | tr : ' '); name=$1 address=$2 body=; shift 2
          echo "p:lucos_in $address" >>kprobe_events && turn events/kprobes/lucos_in/enable 1
          echo "r:lucos_out $address" >>kprobe_events && turn events/kprobes/lucos_out/enable 1
          for at; do
            if echo "p:lucos_body $at" >>kprobe_events 2>/dev/null; then
              body=1; turn events/kprobes/lucos_body/enable 1; break
            fi
          done
          turn set_ftrace_filter $name
          turn current_tracer function
          turn current_tracer function_graph
          sleep 0.1
          turn current_tracer nop
          echo >set_ftrace_filter
          for event in lucos_in lucos_out ${body:+lucos_body}; do
            turn events/kprobes/$event/enable 0
            echo "-:$event" >>kprobe_events || echo "$event stays" >>/tmp/toggler.err
          done
          bodies=$((bodies + ${body:-0})); rounds=$((rounds + 1))
          echo $rounds $bodies >/tmp/toggler.rounds
          [ -e /tmp/toggling ] || break
        done
      done
      """;

  private final TestGuest guest;

  Toggler(TestGuest guest, Map<String, GuestVirtualAddress> functions) {
    this.guest = guest;
    String places =
        functions.entrySet().stream()
            .map(function -> function.getKey() + places(function.getValue()))
            .collect(Collectors.joining(" "));
    guest.write("/tmp/toggler", SCRIPT.replace("FUNCTIONS", places).getBytes(UTF_8));
    guest.run(
        "rm -f /tmp/toggler.*; echo 0 0 >/tmp/toggler.rounds; touch /tmp/toggling;"
            + " sh /tmp/toggler >/tmp/toggler.out 2>&1 & echo $! >/tmp/toggler.pid");
  }

  /** Where it is, and some places in its body: at some of them an instruction begins. */
  private static String places(GuestVirtualAddress start) {
    return IntStream.concat(IntStream.of(0), IntStream.rangeClosed(BODY, BODY + 8))
        .mapToObj(offset -> ":0x" + Long.toHexString(start.value() + offset))
        .collect(Collectors.joining());
  }

  /** Has it do nothing, with everything switched off, while something is looked at. */
  void hold(Runnable look) {
    guest.run(
        "touch /tmp/toggler.hold;"
            + " for i in $(seq 800); do [ -e /tmp/toggler.held ] && exit 0; sleep 0.1; done; exit 1");
    try {
      assertThat(guest.run("cat /sys/kernel/tracing/kprobe_events")).isEmpty();
      look.run();
    } finally {
      guest.run("rm /tmp/toggler.hold");
    }
  }

  /** How many functions were through with it. */
  int rounds() {
    return Integer.parseInt(guest.run("cut -d' ' -f1 /tmp/toggler.rounds"));
  }

  /** How many of them had a probe in the body too. */
  int bodies() {
    return Integer.parseInt(guest.run("cut -d' ' -f2 /tmp/toggler.rounds"));
  }

  /** What did not work. */
  String errors() {
    return guest.run("cat /tmp/toggler.err /tmp/toggler.out 2>/dev/null || :");
  }

  @Override
  public void close() {
    guest.run(
        "rm -f /tmp/toggling /tmp/toggler.hold; for i in $(seq 800); do"
            + " kill -0 $(cat /tmp/toggler.pid) || exit 0; sleep 0.1; done; exit 1");
    assertThat(guest.run("cat /sys/kernel/tracing/kprobe_events")).isEmpty();
  }
}
