package org.lucos.tests.consistency;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.lucos.bridge.addr.GuestVirtualAddress;
import org.lucos.patcher.consistency.Backtrace;
import org.lucos.patcher.consistency.Finding;
import org.lucos.patcher.consistency.StackReport;
import org.lucos.patcher.consistency.Subject;
import org.lucos.patcher.kernel.Task;
import org.lucos.tests.guest.GuestSpec;
import org.lucos.tests.guest.TestGuest;

/** Functions whose return addresses a tracer has taken off the stack are still in use. */
class TracedReturnsTest {
  private static final String TRACING = "/sys/kernel/tracing";

  @ParameterizedTest
  @ValueSource(strings = {"6.1", "6.12"})
  void aKretprobesReturnAddressIsFound(String series) {
    try (TestGuest guest = TestGuest.boot(GuestSpec.cloud(series).withVcpus(2));
        Attached attached = Attached.to(guest)) {
      // pipe_read's own return, and that of what it was called from
      guest.run("echo 'r:inner pipe_read' >" + TRACING + "/kprobe_events");
      guest.run("echo 'r:outer ksys_read' >>" + TRACING + "/kprobe_events");
      guest.run("echo 1 >" + TRACING + "/events/kprobes/enable");
      checkPipeReader(guest, attached, "arch_rethook_trampoline");
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"6.1", "6.12"})
  void theGraphTracersReturnAddressesAreFound(String series) {
    try (TestGuest guest = TestGuest.boot(GuestSpec.cloud(series).withVcpus(2));
        Attached attached = Attached.to(guest)) {
      guest.run(
          "cd "
              + TRACING
              + " && for f in pipe_read vfs_read ksys_read schedule; do echo $f; done >set_ftrace_filter"
              + " && echo function_graph >current_tracer");
      checkPipeReader(guest, attached, "return_to_handler");
    }
  }

  private static void checkPipeReader(TestGuest guest, Attached attached, String trampoline) {
    guest.run("sleepers >/tmp/sleepers & sleep 1; grep -q ready /tmp/sleepers");
    int pid = Integer.parseInt(guest.run("sed -n 's/^pipe //p' /tmp/sleepers"));
    Task task =
        attached.kernel().tasks().all().stream()
            .filter(one -> one.pid() == pid)
            .findFirst()
            .orElseThrow();
    long word = attached.kernel().symbols().address(trampoline).value();
    assertThat(hasOnStack(attached, task, word)).as("return addresses are hijacked").isTrue();

    Backtrace trace = attached.checker().backtrace(task);
    assertThat(trace.complete()).as(trace.toString()).isTrue();
    assertThat(trace.toString()).contains("pipe_read", "vfs_read", "ksys_read", "do_syscall_64");
    for (String function : new String[] {"pipe_read", "vfs_read", "ksys_read", "do_syscall_64"}) {
      StackReport report = attached.checkReliably(attached.function(function));
      assertThat(report.inUse())
          .as(report.toString())
          .extracting(Finding.InUse::who)
          .contains(new Subject.OfTask(pid, task.comm()));
    }
    StackReport other = attached.checkReliably(attached.function("pipe_write"));
    assertThat(other.findings()).isEmpty();
    guest.assertNoKernelWarnings();
  }

  private static boolean hasOnStack(Attached attached, Task task, long wanted) {
    for (long at = task.savedSp().value(); at < task.stack().value() + task.stackSize(); at += 8) {
      if (attached.kernel().memory().u64(new GuestVirtualAddress(at)) == wanted) {
        return true;
      }
    }
    return false;
  }
}
