package org.lucos.tests.guestcall;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.lucos.bridge.addr.AddressRange;
import org.lucos.bridge.addr.GuestVirtualAddress;
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
import org.lucos.patcher.refusal.BusyRefusal;
import org.lucos.patcher.refusal.RefusedException;
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
            List<NamedRange> code = code(kernel, FUNCTIONS);
            assertThat(seen(check(kernel, new StackChecker(kernel), code))).containsAll(pids);
            try (GuestCalls calls = GuestCalls.open(kernel)) {
              StackChecker checker = new StackChecker(kernel).knowing(calls.frames());
              assertThat(calls.kick(tasks(kernel, pids), LIMIT)).isEqualTo(pids.size());
              StackReport report = check(kernel, checker, code);
              assertThat(seen(report)).as(report.toString()).doesNotContainAnyElementsOf(pids);
            }
            assertThat(GuestCalls.isLeftOpen(kernel)).isFalse();
            whatNobodyRunsIsTakenBack(kernel, pids);
            whatADeadControllerLeftIsCleared(kernel, pids);
          });
      String all = pids.stream().map(String::valueOf).collect(Collectors.joining(" "));
      guest.run("for p in " + all + "; do until grep -q ' S ' /proc/$p/stat; do :; done; done");
      inside(
          guest,
          kernel -> {
            List<NamedRange> code = new ArrayList<>(code(kernel, FUNCTIONS));
            code.addAll(code(kernel, List.of("hrtimer_nanosleep_restart", "do_nanosleep")));
            assertThat(seen(check(kernel, new StackChecker(kernel), code)))
                .as("back in the calls they were in")
                .containsAll(pids);
          });
      guest.run("kill -9 " + pids.stream().map(String::valueOf).collect(Collectors.joining(" ")));
      guest.assertNoKernelWarnings();
    }
  }

  /** Hooks, flags and references of tasks that were to be kicked by a call nobody took. */
  private static void whatNobodyRunsIsTakenBack(RunningKernel kernel, Set<Integer> pids) {
    Map<Integer, Integer> before = references(kernel, pids);
    try (GuestCalls calls = GuestCalls.open(kernel)) {
      assertThatThrownBy(() -> calls.kick(tasks(kernel, pids), Duration.ZERO))
          .isInstanceOfSatisfying(
              RefusedException.class,
              e -> assertThat(e.refusal()).isInstanceOf(BusyRefusal.NoCarrier.class));
    }
    assertThat(GuestCalls.isLeftOpen(kernel)).isFalse();
    assertThat(references(kernel, pids)).isEqualTo(before);
    assertThat(tasks(kernel, pids))
        .allSatisfy(
            task ->
                assertThat(works(kernel, task))
                    .as("task works; the kernel may have some of its own")
                    .noneMatch(idleStack(kernel)::contains));
  }

  private static List<GuestVirtualAddress> works(RunningKernel kernel, Task task) {
    List<GuestVirtualAddress> works = new ArrayList<>();
    GuestVirtualAddress work = kernel.memory().pointer(task.taskWorksAt());
    while (!work.isNull() && works.size() < 100) {
      works.add(work);
      work = kernel.memory().pointer(work);
    }
    return works;
  }

  /** Where heads of ours are. */
  private static AddressRange idleStack(RunningKernel kernel) {
    long offset = kernel.types().struct("task_struct").field("stack").offset();
    return new AddressRange(
        kernel.memory().pointer(kernel.symbols().address("init_task").plus(offset)), 16 * 1024);
  }

  private static void whatADeadControllerLeftIsCleared(RunningKernel kernel, Set<Integer> pids) {
    Map<Integer, Integer> before = references(kernel, pids);
    // left open, as by a controller that died
    assertThat(GuestCalls.open(kernel).kick(tasks(kernel, pids), LIMIT)).isEqualTo(pids.size());
    assertThat(GuestCalls.isLeftOpen(kernel)).isTrue();
    GuestCalls.open(kernel).close();
    assertThat(GuestCalls.isLeftOpen(kernel)).isFalse();
    assertThat(references(kernel, pids)).isEqualTo(before);
  }

  private static Map<Integer, Integer> references(RunningKernel kernel, Set<Integer> pids) {
    long usage = kernel.types().struct("task_struct").field("usage.refs.counter").offset();
    return tasks(kernel, pids).stream()
        .collect(
            Collectors.toMap(Task::pid, task -> kernel.memory().i32(task.struct().plus(usage))));
  }

  private static List<NamedRange> code(RunningKernel kernel, List<String> functions) {
    return functions.stream()
        .flatMap(
            name ->
                FunctionCode.named(kernel, name).stream().map(range -> new NamedRange(name, range)))
        .toList();
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
