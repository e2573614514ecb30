package org.lucos.tests.consistency;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.lucos.bridge.domain.PausedGuest;
import org.lucos.patcher.consistency.Finding;
import org.lucos.patcher.consistency.NamedRange;
import org.lucos.patcher.consistency.PreparedCheck;
import org.lucos.patcher.consistency.StackReport;
import org.lucos.patcher.consistency.Subject;
import org.lucos.tests.guest.GuestSpec;
import org.lucos.tests.guest.TestGuest;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

class StackCheckTest {
  private static final Logger LOG = LoggerFactory.getLogger(StackCheckTest.class);
  private static final int PAUSES = 150;

  private static final Map<String, String> FUNCTIONS =
      Map.of(
          "nanosleep", "hrtimer_nanosleep",
          "pipe", "pipe_read",
          "poll", "do_sys_poll",
          "futex", "do_futex");

  @ParameterizedTest
  @CsvSource({"cloud-amd64, 6.1, 1", "cloud-amd64, 6.12, 2", "amd64, 6.1, 2"})
  void tasksAreFoundInTheFunctionsTheySleepIn(String flavour, String series, int vcpus) {
    GuestSpec spec = GuestSpec.of(flavour, series).withVcpus(vcpus);
    try (TestGuest guest = TestGuest.boot(spec);
        Attached attached = Attached.to(guest)) {
      assertThat(attached.checker().limits()).isEmpty();
      Map<String, Integer> sleepers = sleepers(guest);
      FUNCTIONS.forEach(
          (way, function) -> {
            StackReport report = attached.checkReliably(attached.function(function));
            List<Integer> pids = pids(report);
            assertThat(pids).as(report.toString()).contains(sleepers.get(way));
            sleepers.forEach(
                (other, pid) -> {
                  if (!other.equals(way)) {
                    assertThat(pids).as(report.toString()).doesNotContain(pid);
                  }
                });
            assertThat(report.inUse())
                .allSatisfy(found -> assertThat(found.backtrace().complete()).isTrue())
                .allSatisfy(found -> assertThat(found.backtrace().toString()).contains(function));
          });
      for (String idle : List.of("ksys_lseek", "do_mount", "__do_sys_reboot", "cpuinfo_open")) {
        StackReport report = attached.checkReliably(attached.function(idle));
        assertThat(report.findings()).as(idle).isEmpty();
      }
      guest.assertNoKernelWarnings();
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"6.1", "6.12"})
  void underLoadAlarmsAreTrueAndFewChecksAreInVain(String series) {
    try (TestGuest guest = TestGuest.boot(GuestSpec.cloud(series).withVcpus(2));
        Attached attached = Attached.to(guest)) {
      guest.run(
          "for i in 1 2; do (while :; do ls -lR /proc/self /sys/kernel; done >/dev/null 2>&1) & done");
      List<NamedRange> hot = new ArrayList<>();
      for (String name : List.of("vfs_read", "vfs_getattr", "iterate_dir", "do_dentry_open")) {
        hot.addAll(attached.function(name));
      }
      PreparedCheck prepared = attached.checker().prepare(hot);
      List<StackReport> reports = new ArrayList<>();
      for (int i = 0; i < PAUSES; i++) {
        try (PausedGuest paused = attached.domain().pause("test")) {
          StackReport report = prepared.check(paused.registers());
          reports.add(report);
          assertThat(report.tasks()).isGreaterThanOrEqualTo(attached.kernel().tasks().all().size());
        }
      }
      List<Finding> doubtful = new ArrayList<>();
      for (StackReport report : reports) {
        for (Finding finding : report.findings()) {
          if (finding instanceof Finding.InUse found && found.backtrace().complete()) {
            assertThat(found.backtrace().toString()).contains(found.function());
          } else {
            doubtful.add(finding);
          }
        }
      }
      long clear = reports.stream().filter(StackReport::isClear).count();
      int explained = reports.stream().mapToInt(StackReport::cleared).sum();
      LOG.info("{} of {} clear, {} words explained, {}", clear, PAUSES, explained, doubtful);
      assertThat(clear).isGreaterThan(PAUSES / 2);
      assertThat(explained).isPositive();
      assertThat(doubtful).hasSizeLessThan(PAUSES / 10);
      guest.assertNoKernelWarnings();
    }
  }

  private static Map<String, Integer> sleepers(TestGuest guest) {
    guest.run("sleepers >/tmp/sleepers & sleep 1; grep -q ready /tmp/sleepers");
    Map<String, Integer> found = new HashMap<>();
    for (String line : guest.run("cat /tmp/sleepers").lines().toList()) {
      int space = line.indexOf(' ');
      if (space > 0) {
        found.put(line.substring(0, space), Integer.parseInt(line.substring(space + 1)));
      }
    }
    return found;
  }

  private static List<Integer> pids(StackReport report) {
    return report.inUse().stream()
        .map(Finding.InUse::who)
        .filter(Subject.OfTask.class::isInstance)
        .map(who -> ((Subject.OfTask) who).pid())
        .toList();
  }
}
