package org.lucos.patcher.health;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.lucos.patcher.health.PatchedCode.Nearness;
import org.lucos.patcher.kernel.LogRecord;

class LogClassifierTest {
  private static final PatchedCode CODE =
      new PatchedCode(Set.of("lucos_fix"), Set.of("vfs_example", "do_example"));

  private static final List<String> WARN =
      List.of(
          "------------[ cut here ]------------",
          "lucos: the host is called warn",
          "WARNING: CPU: 1 PID: 226 at kernel/sys.c:1383 __do_sys_sethostname+0x9c/0x1a0 [lucos_fix]",
          "Modules linked in: lucos_fix(OE) loop",
          "CPU: 1 PID: 226 Comm: hostname Tainted: G           OE      6.1.0-56-cloud-amd64 #1",
          "RIP: 0010:__do_sys_sethostname+0x9c/0x1a0 [lucos_fix]",
          "Call Trace:",
          " <TASK>",
          " ? __warn+0x7d/0xc0",
          " do_syscall_64+0x55/0xb0",
          " entry_SYSCALL_64_after_hwframe+0x6e/0xd8",
          " </TASK>",
          "---[ end trace 0000000000000000 ]---");

  private static final List<String> OOPS =
      List.of(
          "BUG: kernel NULL pointer dereference, address: 000000000000000e",
          "#PF: supervisor write access in kernel mode",
          "#PF: error_code(0x0002) - not-present page",
          "PGD 0 P4D 0 ",
          "Oops: 0002 [#1] PREEMPT SMP PTI",
          "CPU: 0 PID: 300 Comm: probe Tainted: G           OE      6.1.0-56-cloud-amd64 #1",
          "RIP: 0010:helper+0x12/0x40",
          "Call Trace:",
          " <TASK>",
          " ? vfs_example+0x9/0x90",
          " caller+0x33/0x70 [lucos_fix]",
          " do_syscall_64+0x55/0xb0",
          " </TASK>",
          "---[ end trace 0000000000000000 ]---",
          "RIP: 0010:helper+0x12/0x40");

  private final LogClassifier classifier = new LogClassifier();
  private long seq;

  private void log(long caller, List<String> lines) {
    lines.forEach(line -> log(caller, 0, line));
  }

  private void log(long caller, int facility, String text) {
    classifier.add(List.of(new LogRecord(seq, 1_000_000 * seq, 4, facility, caller, text)));
    seq++;
  }

  private Trouble only() {
    assertThat(classifier.troubles()).hasSize(1);
    return classifier.troubles().get(0);
  }

  @Test
  void aWarningInAPatchIsInsideOfPatchedCode() {
    log(9, List.of("hello", "WARNING: Spectre v2 mitigation leaves CPU vulnerable"));
    log(226, WARN);

    Trouble warning = only();

    assertThat(warning.kind()).isEqualTo(TroubleKind.WARN);
    assertThat(warning.text()).isEqualTo("lucos: the host is called warn");
    assertThat(warning.seq()).isEqualTo(2);
    assertThat(warning.time()).isEqualTo("0.002000");
    assertThat(warning.place()).hasToString("Optional[__do_sys_sethostname [lucos_fix]]");
    assertThat(warning.trace()).hasSize(3);
    assertThat(warning.nearness(CODE)).isEqualTo(Nearness.INSIDE);
    assertThat(warning.nearness(PatchedCode.NONE)).isEqualTo(Nearness.ELSEWHERE);
    assertThat(warning.lines()).contains("Call Trace:");
  }

  @Test
  void anOopsBelowAPatchIsNearAndIsOneTroubleOnly() {
    log(300, OOPS);

    Trouble oops = only();

    assertThat(oops.kind()).isEqualTo(TroubleKind.OOPS);
    assertThat(oops.text()).startsWith("BUG: kernel NULL pointer dereference");
    assertThat(oops.place().orElseThrow().function()).isEqualTo("helper");
    assertThat(oops.nearness(CODE)).isEqualTo(Nearness.NEAR);
    assertThat(oops.nearness(new PatchedCode(Set.of(), Set.of("vfs_example"))))
        .as("what the kernel itself doubts does not count")
        .isEqualTo(Nearness.ELSEWHERE);
    assertThat(oops.nearness(new PatchedCode(Set.of(), Set.of("helper"))))
        .isEqualTo(Nearness.INSIDE);
  }

  @Test
  void messagesOfSeveralThreadsAreToldApart() {
    for (int i = 0; i < Math.max(WARN.size(), OOPS.size()); i++) {
      if (i < WARN.size()) {
        log(226, 0, WARN.get(i));
      }
      if (i < OOPS.size()) {
        log(300, 0, OOPS.get(i));
      }
      log(5, 0, "eth0: link is up");
    }
    assertThat(classifier.troubles())
        .extracting(Trouble::kind)
        .containsExactly(TroubleKind.WARN, TroubleKind.OOPS);
    assertThat(classifier.troubles())
        .extracting(trouble -> trouble.nearness(CODE))
        .containsExactly(Nearness.INSIDE, Nearness.NEAR);
  }

  @Test
  void everyKindIsKnownByItsFirstLine() {
    log(1, List.of("kernel BUG at mm/slub.c:440!", "invalid opcode: 0000 [#2] PREEMPT SMP"));
    log(2, List.of("general protection fault, probably for non-canonical address 0x1: 0000 [#1]"));
    log(3, List.of("BUG: scheduling while atomic: cat/77/0x00000002"));
    log(4, List.of("watchdog: BUG: soft lockup - CPU#0 stuck for 26s! [cat:77]"));
    log(5, List.of("NMI watchdog: Watchdog detected hard LOCKUP on cpu 1"));
    log(6, List.of("rcu: INFO: rcu_preempt self-detected stall on CPU"));
    log(7, List.of("rcu: INFO: rcu_sched detected stalls on CPUs/tasks:"));
    log(
        8,
        List.of(
            "INFO: task cp:123 blocked for more than 120 seconds.",
            " __schedule+0x1/0x2",
            " schedule+0x5a/0xd0",
            " do_example+0x22/0x99"));
    log(9, List.of("divide error: 0000 [#3] PREEMPT SMP"));
    log(10, List.of("Kernel panic - not syncing: Fatal exception"));

    assertThat(classifier.troubles())
        .extracting(Trouble::kind)
        .containsExactly(
            TroubleKind.BUG,
            TroubleKind.OOPS,
            TroubleKind.BUG,
            TroubleKind.SOFT_LOCKUP,
            TroubleKind.HARD_LOCKUP,
            TroubleKind.RCU_STALL,
            TroubleKind.RCU_STALL,
            TroubleKind.HUNG_TASK,
            TroubleKind.OOPS,
            TroubleKind.PANIC);
    assertThat(classifier.troubles().get(7).place()).hasToString("Optional[do_example]");
    assertThat(classifier.troubles().get(7).nearness(CODE)).isEqualTo(Nearness.INSIDE);
  }

  @Test
  void whatBootsAndProgramsSayIsNoTrouble() {
    log(
        1,
        List.of(
            "Linux version 6.1.0 (debian-kernel@lists.debian.org)",
            "Oops-free since 2024",
            "WARNING: Spectre v2 mitigation",
            "tsc: Fast TSC calibration using PIT",
            "lucos_fix: loading out-of-tree module taints kernel.",
            "bounds of the map: 0000"));
    log(2, 1, "BUG: kernel NULL pointer dereference, address: 0");
    log(2, 3, WARN.get(2));

    assertThat(classifier.troubles()).isEmpty();
  }

  @Test
  void anythingEndsInBoundedTroubles() {
    Random random = new Random(6);
    List<String> lines = new ArrayList<>(WARN);
    lines.addAll(OOPS);
    for (int i = 0; i < 20_000; i++) {
      StringBuilder line = new StringBuilder(lines.get(random.nextInt(lines.size())));
      for (int c = random.nextInt(4); c > 0 && line.length() > 0; c--) {
        line.setCharAt(random.nextInt(line.length()), (char) random.nextInt(0x180));
      }
      log(random.nextInt(50), 0, line.toString());
    }
    assertThat(classifier.troubles()).isNotEmpty().hasSizeLessThanOrEqualTo(1000);
    assertThat(classifier.troubles())
        .allSatisfy(
            trouble -> {
              assertThat(trouble.lines()).hasSizeLessThanOrEqualTo(60);
              assertThat(trouble.trace()).hasSizeLessThanOrEqualTo(64);
            });
  }

  @Test
  void taintIsReadBitByBit() {
    assertThat(Taint.of(0)).isEmpty();
    assertThat(Taint.of(1L << 12 | 1L << 13 | 1L << 9 | 1L << 7 | 1L << 63))
        .extracting(Taint::letter)
        .containsExactly('D', 'W', 'O', 'E');
    assertThat(Taint.of(1L << 14 | 1L << 18)).containsExactly(Taint.SOFT_LOCKUP, Taint.TEST);
    assertThat(Taint.of(-1)).hasSize(19);
  }
}
