package org.lucos.tests.consistency;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.lucos.patcher.consistency.Backtrace;
import org.lucos.patcher.kernel.Task;
import org.lucos.tests.guest.GuestSpec;
import org.lucos.tests.guest.TestGuest;

class BacktraceTest {

  @ParameterizedTest
  @CsvSource({"cloud-amd64, 6.1, 1", "cloud-amd64, 6.12, 2", "amd64, 6.1, 2"})
  void ofEverySleepingTaskIsTheOneTheGuestShows(String flavour, String series, int vcpus) {
    GuestSpec spec = GuestSpec.of(flavour, series).withVcpus(vcpus).withModule("nf_tables");
    try (TestGuest guest = TestGuest.boot(spec);
        Attached attached = Attached.to(guest)) {
      guest.run(
          "sleepers >/tmp/sleepers & threads 20 >/tmp/threads & sleep 1;"
              + " grep -q ready /tmp/sleepers && grep -q ready /tmp/threads");
      Map<Integer, Task> before = tasks(attached);
      Map<Integer, List<String>> theirs = stacks(guest);
      Map<Integer, Backtrace> ours = new LinkedHashMap<>();
      before.forEach((pid, task) -> ours.put(pid, attached.checker().backtrace(task)));
      Map<Integer, Task> after = tasks(attached);
      // what ran meanwhile cannot be compared
      before.forEach(
          (pid, task) -> {
            if (!hasSlept(task, after.get(pid))) {
              theirs.remove(pid);
              ours.remove(pid);
            }
          });
      theirs.keySet().retainAll(before.keySet());
      assertThat(ours)
          .hasSizeGreaterThan(40)
          .allSatisfy((pid, trace) -> assertThat(trace.complete()).as(trace.toString()).isTrue());
      Map<Integer, List<String>> shown = new LinkedHashMap<>();
      ours.forEach((pid, trace) -> shown.put(pid, withoutScheduler(attached, trace)));
      assertThat(shown).containsAllEntriesOf(theirs);
      assertThat(theirs).hasSizeGreaterThan(40);
    }
  }

  private static Map<Integer, Task> tasks(Attached attached) {
    Map<Integer, Task> found = new LinkedHashMap<>();
    for (Task task : attached.kernel().tasks().all()) {
      if (!task.isIdle() && !task.stack().isNull()) {
        found.put(task.pid(), task);
      }
    }
    return found;
  }

  private static boolean hasSlept(Task before, @Nullable Task after) {
    return after != null
        && !before.onCpu()
        && !after.onCpu()
        && before.struct().equals(after.struct())
        && before.voluntarySwitches() == after.voluntarySwitches()
        && before.involuntarySwitches() == after.involuntarySwitches();
  }

  private static List<String> withoutScheduler(Attached attached, Backtrace trace) {
    return trace.frames().stream()
        .filter(frame -> !attached.isScheduler(frame.address()))
        .map(Backtrace.Frame::symbol)
        .toList();
  }

  /** {@code /proc/PID/stack} of every thread. */
  private static Map<Integer, List<String>> stacks(TestGuest guest) {
    String all =
        guest.run(
            "for t in /proc/[0-9]*/task/[0-9]*; do echo \"== ${t##*/}\"; cat $t/stack; done"
                + " 2>/dev/null; true",
            Duration.ofMinutes(2));
    Map<Integer, List<String>> found = new LinkedHashMap<>();
    List<String> frames = new ArrayList<>();
    for (String line : all.lines().toList()) {
      if (line.startsWith("== ")) {
        frames = new ArrayList<>();
        found.put(Integer.parseInt(line.substring(3)), frames);
      } else if (line.startsWith("[<0>] ")) {
        frames.add(line.substring(6));
      }
    }
    return found;
  }
}
