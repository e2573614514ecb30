package org.lucos.tests.guestcall;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.lucos.bridge.domain.GuestDomain;
import org.lucos.bridge.domain.PausedGuest;
import org.lucos.bridge.libvirt.Hypervisor;
import org.lucos.patcher.consistency.Finding;
import org.lucos.patcher.consistency.NamedRange;
import org.lucos.patcher.consistency.PreparedCheck;
import org.lucos.patcher.consistency.StackChecker;
import org.lucos.patcher.consistency.StackReport;
import org.lucos.patcher.consistency.Subject;
import org.lucos.patcher.guestcall.GuestCalls;
import org.lucos.patcher.kernel.FunctionCode;
import org.lucos.patcher.kernel.RunningKernel;
import org.lucos.patcher.kernel.Task;
import org.lucos.tests.guest.GuestSpec;
import org.lucos.tests.guest.TestGuest;

/** Tasks are got out of functions they sleep in, and notice nothing. */
class KickTest {
  private static final Duration LIMIT = Duration.ofSeconds(60);
  private static final List<String> FUNCTIONS =
      List.of("hrtimer_nanosleep", "pipe_read", "do_sys_poll", "futex_wait");

  @TempDir Path cache;

  @ParameterizedTest
  @ValueSource(strings = {"6.1", "6.12"})
  void sleepersComeOutOfTheirSystemCallsAndGoBack(String series) {
    try (TestGuest guest = TestGuest.boot(GuestSpec.cloud(series).withVcpus(2))) {
      guest.run("sleepers >/tmp/sleepers & sleep 1; grep -q ready /tmp/sleepers");
      Set<Integer> pids =
          guest
              .run("sed -n 's/^[a-z]* //p' /tmp/sleepers")
              .lines()
              .map(Integer::valueOf)
              .collect(Collectors.toSet());
      assertThat(pids).hasSize(FUNCTIONS.size());
      inside(
          guest,
          kernel -> {
            List<NamedRange> code =
                FUNCTIONS.stream()
                    .flatMap(
                        name ->
                            FunctionCode.named(kernel, name).stream()
                                .map(range -> new NamedRange(name, range)))
                    .toList();
            assertThat(seen(check(kernel, new StackChecker(kernel), code))).containsAll(pids);
            try (GuestCalls calls = GuestCalls.open(kernel)) {
              StackChecker checker = new StackChecker(kernel).knowing(calls.frames());
              assertThat(calls.kick(tasks(kernel, pids), LIMIT)).isEqualTo(pids.size());
              StackReport report = check(kernel, checker, code);
              assertThat(seen(report)).as(report.toString()).doesNotContainAnyElementsOf(pids);
            }
            assertThat(GuestCalls.isLeftOpen(kernel)).isFalse();
          });
      // each is where it was, in the same call
      guest.run(
          "for p in "
              + pids.stream().map(String::valueOf).collect(Collectors.joining(" "))
              + "; do until grep -q ' S ' /proc/$p/stat; do sleep 0.1; done; done");
      inside(guest, kernel -> assertThat(tasks(kernel, pids)).hasSize(pids.size()));
      guest.run("kill -9 " + pids.stream().map(String::valueOf).collect(Collectors.joining(" ")));
      guest.assertNoKernelWarnings();
    }
  }

  private static Set<Integer> seen(StackReport report) {
    return report.inUse().stream()
        .map(Finding.InUse::who)
        .filter(Subject.OfTask.class::isInstance)
        .map(who -> ((Subject.OfTask) who).pid())
        .collect(Collectors.toSet());
  }

  private static StackReport check(
      RunningKernel kernel, StackChecker checker, List<NamedRange> code) {
    PreparedCheck prepared = checker.prepare(code);
    try (PausedGuest paused = kernel.domain().pause("test")) {
      return prepared.check(paused.registers());
    }
  }

  private static List<Task> tasks(RunningKernel kernel, Set<Integer> pids) {
    return kernel.tasks().all().stream().filter(task -> pids.contains(task.pid())).toList();
  }

  private void inside(TestGuest guest, Consumer<RunningKernel> work) {
    try (Hypervisor hypervisor = Hypervisor.open("qemu:///system");
        GuestDomain domain = hypervisor.attach(guest.name())) {
      work.accept(RunningKernel.attach(domain, cache));
    }
  }
}
