package org.lucos.tests.live;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.lucos.tests.guest.Guest;
import org.lucos.tests.guest.TestGuest;

/** The guest goes on tracing the functions that are patched. */
class TracingTest {
  private static final Mechanism PATCH = Mechanism.CMDLINE;
  private static final String TRACING = "cd /sys/kernel/tracing; ";

  @Test
  void functionTracerThatIsThereBeforeAPatchCountsOn(@Guest TestGuest guest) {
    Operator operator = new Operator(guest);
    guest.markKernelLog();
    attachTracer(guest);
    try {
      assertThat(callsTraced(guest, 3)).isEqualTo(3);
      operator.apply(PATCH.recipe());
      PATCH.assertSeen(guest);
      assertThat(callsTraced(guest, 5)).isEqualTo(5);
      operator.revert(PATCH.recipe());
      assertThat(callsTraced(guest, 2)).isEqualTo(2);
    } finally {
      detachTracer(guest);
    }
    assertTracingStillWorks(guest);
  }

  @Test
  void functionTracerCanComeAndGoWhileAPatchIsApplied(@Guest TestGuest guest) {
    Operator operator = new Operator(guest);
    guest.markKernelLog();
    operator.apply(PATCH.recipe());
    attachTracer(guest);
    // by then the name is that of two functions, and each call goes through both
    assertThat(callsTraced(guest, 4)).isEqualTo(2 * 4);
    detachTracer(guest);
    PATCH.assertSeen(guest);
    operator.assertSound(1);
    attachTracer(guest);
    operator.revert(PATCH.recipe());
    try {
      assertThat(callsTraced(guest, 3)).isEqualTo(3);
    } finally {
      detachTracer(guest);
    }
    assertTracingStillWorks(guest);
  }

  @Test
  void probeOnAFunctionsEntryCountsBeforeDuringAndAfterAPatch(@Guest TestGuest guest) {
    Operator operator = new Operator(guest);
    guest.markKernelLog();
    guest.run(
        TRACING
            + "echo 'p:lucos_entry "
            + PATCH.function()
            + "' >>kprobe_events; echo 1 >events/kprobes/lucos_entry/enable");
    try {
      assertThat(hits(guest)).isZero();
      read(guest, 3);
      assertThat(hits(guest)).isEqualTo(3);
      operator.apply(PATCH.recipe());
      PATCH.assertSeen(guest);
      read(guest, 4);
      assertThat(hits(guest)).isEqualTo(3 + 1 + 4);
      operator.revert(PATCH.recipe());
      read(guest, 2);
      assertThat(hits(guest)).isEqualTo(3 + 1 + 4 + 2);
    } finally {
      guest.run(
          TRACING
              + "echo 0 >events/kprobes/lucos_entry/enable; echo '-:lucos_entry' >>kprobe_events");
    }
    assertTracingStillWorks(guest);
  }

  private static void attachTracer(TestGuest guest) {
    guest.run(
        TRACING
            + "echo "
            + PATCH.function()
            + " >set_ftrace_filter; echo function >current_tracer; echo 1 >tracing_on");
  }

  private static void detachTracer(TestGuest guest) {
    guest.run(TRACING + "echo nop >current_tracer; echo >set_ftrace_filter");
  }

  private static int callsTraced(TestGuest guest, int calls) {
    guest.run(TRACING + "echo >trace");
    read(guest, calls);
    return Integer.parseInt(
        guest.run(TRACING + "grep -c ' " + PATCH.function() + " <-seq_read_iter' trace || :"));
  }

  private static void read(TestGuest guest, int times) {
    guest.run("for i in $(seq " + times + "); do cat /proc/cmdline; done");
  }

  private static int hits(TestGuest guest) {
    return Integer.parseInt(
        guest.run(TRACING + "awk '$1 == \"lucos_entry\" { print $2 }' kprobe_profile"));
  }

  private static void assertTracingStillWorks(TestGuest guest) {
    assertThat(guest.run("cat /proc/sys/kernel/ftrace_enabled")).isEqualTo("1");
    attachTracer(guest);
    try {
      assertThat(callsTraced(guest, 2)).isEqualTo(2);
    } finally {
      detachTracer(guest);
    }
    PATCH.assertNotSeen(guest);
    guest.assertNoKernelWarnings();
  }
}
