package org.lucos.tests.live;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.lucos.bridge.addr.GuestVirtualAddress;
import org.lucos.bridge.domain.PausedGuest;
import org.lucos.patcher.app.Progress;
import org.lucos.patcher.app.VerifyGuest;
import org.lucos.patcher.kernel.RunningKernel;
import org.lucos.tests.guest.Guest;
import org.lucos.tests.guest.TestGuest;

/** All text of a running kernel is compared with its image, and every difference explained. */
class KernelTextTest {
  private static final Mechanism PATCH = Mechanism.CMDLINE;
  private static final String TRACING = "cd /sys/kernel/tracing; ";

  @Test
  void everyDifferenceIsExplainedOrNamed(@Guest TestGuest guest) {
    explainedOrNamed(guest);
  }

  @Test
  void everyDifferenceIsExplainedOrNamedOn612(@Guest(series = "6.12") TestGuest guest) {
    explainedOrNamed(guest);
  }

  private static void explainedOrNamed(TestGuest guest) {
    Operator operator = new Operator(guest);
    VerifyGuest.Outcome fresh = verify(operator, guest);
    assertThat(fresh.text().differences()).isEmpty();
    assertThat(fresh.sound()).isTrue();
    long text =
        operator.inKernel(
            kernel -> kernel.symbols().address("_etext").minus(kernel.symbols().address("_text")));
    assertThat(fresh.text().bytes()).isGreaterThanOrEqualTo(text - 4096);
    assertThat(fresh.text().explained()).doesNotContainKeys("patch", "kprobe", "tracer");

    operator.apply(PATCH.recipe());
    guest.run(
        TRACING
            + "echo vfs_read >set_ftrace_filter; echo function >current_tracer;"
            + "echo 'p:lucos_inner vfs_write+0x9' >>kprobe_events || :;"
            + "echo 'p:lucos_write ksys_write+5' >>kprobe_events;"
            + "echo 1 >events/kprobes/enable");
    try {
      VerifyGuest.Outcome busy = verify(operator, guest);
      assertThat(busy.text().differences()).isEmpty();
      assertThat(busy.sound()).isTrue();
      assertThat(busy.text().explained()).containsKeys("patch", "kprobe", "tracer");
    } finally {
      guest.run(
          TRACING
              + "echo 0 >events/kprobes/enable; echo >kprobe_events;"
              + "echo nop >current_tracer; echo >set_ftrace_filter");
      operator.revert(PATCH.recipe());
    }

    alteredByteIsNamed(operator, guest);
    assertThat(verify(operator, guest).text().differences()).isEmpty();
  }

  /** Behind the ftrace slot of a function that nothing calls in these guests. */
  private static void alteredByteIsNamed(Operator operator, TestGuest guest) {
    String function = "hibernation_available";
    byte[] own = operator.inKernel(kernel -> byteAt(kernel, function));
    byte[] altered = {(byte) (own[0] ^ 0x10)};
    write(operator, function, own, altered);
    try {
      VerifyGuest.Outcome outcome = verify(operator, guest);
      assertThat(outcome.sound()).isFalse();
      assertThat(outcome.text().differences())
          .singleElement()
          .satisfies(
              difference -> {
                assertThat(difference.place()).isEqualTo(function + "+0xb");
                assertThat(difference.expected()).isEqualTo(hex(own));
                assertThat(difference.found()).isEqualTo(hex(altered));
              });
    } finally {
      write(operator, function, altered, own);
    }
  }

  private static VerifyGuest.Outcome verify(Operator operator, TestGuest guest) {
    VerifyGuest.Outcome outcome =
        new VerifyGuest(operator.settings())
            .run(new VerifyGuest.Request(guest.name(), true, Optional.empty()), Progress.SILENT);
    assertThat(outcome.text().compared()).as(outcome.text().note()).isTrue();
    return outcome;
  }

  private static GuestVirtualAddress place(RunningKernel kernel, String function) {
    return kernel.symbols().address(function).plus(11);
  }

  private static byte[] byteAt(RunningKernel kernel, String function) {
    return kernel.memory().bytes(place(kernel, function), 1);
  }

  private static void write(Operator operator, String function, byte[] before, byte[] after) {
    List<String> done =
        operator.inKernel(
            kernel -> {
              try (PausedGuest paused = kernel.domain().pause("altered from outside")) {
                paused.write(kernel.memory().physical(place(kernel, function)), before, after);
                paused.commit();
              }
              return List.of(function);
            });
    assertThat(done).hasSize(1);
  }

  private static String hex(byte[] bytes) {
    return java.util.HexFormat.of().formatHex(bytes);
  }
}
