package org.lucos.tests.live;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.lucos.tests.guest.Guest;
import org.lucos.tests.guest.GuestSpec;
import org.lucos.tests.guest.KernelLog;
import org.lucos.tests.guest.TestGuest;

/** Patched code is kernel code as any other. */
class PatchedCodeBehavesTest {

  @Test
  void warningInPatchedCodeHasASymbolisedBacktrace(@Guest TestGuest guest) {
    Operator operator = new Operator(guest);
    guest.markKernelLog();
    var applied = operator.apply(Mechanism.HOSTNAME.recipe());
    guest.run("hostname warn");
    assertThat(guest.run("hostname")).isEqualTo("warn");
    KernelLog log = guest.newKernelLog();
    operator.revert(Mechanism.HOSTNAME.recipe());
    guest.markKernelLog(); // this warning was wanted
    guest.run("hostname warn; hostname quick");
    guest.assertNoKernelWarnings();
    assertThat(log.toString()).contains("lucos: the host is called warn");
    assertThat(log.lines())
        .filteredOn(line -> line.contains("WARNING: CPU"))
        .singleElement()
        .asString()
        .containsPattern(inModule(applied.patches().get(0).module()));
    assertThat(log.lines())
        .anySatisfy(
            line ->
                assertThat(line)
                    .contains("RIP: 0010:")
                    .containsPattern(inModule(applied.patches().get(0).module())))
        .anySatisfy(line -> assertThat(line).containsPattern(" do_syscall_64\\+0x"))
        .anySatisfy(line -> assertThat(line).containsPattern(" entry_SYSCALL_64_after_hwframe"));
    assertThat(log.lines()).noneMatch(line -> line.contains(" ? 0x") || line.contains("Oops"));
  }

  @Test
  void faultingUserAccessInPatchedCodeIsAnsweredWithEfault(@Guest TestGuest guest) {
    Operator operator = new Operator(guest);
    guest.markKernelLog();
    assertThat(guest.run("patch_probe getdents")).isEqualTo("EFAULT");
    operator.apply(Mechanism.DIRECTORY.recipe());
    assertThat(guest.run("patch_probe getdents")).isEqualTo("EFAULT");
    Mechanism.DIRECTORY.assertSeen(guest);
    operator.revert(Mechanism.DIRECTORY.recipe());
    assertThat(guest.run("patch_probe getdents")).isEqualTo("EFAULT");
    guest.assertNoKernelWarnings();
  }

  @Test
  void backtraceOfATaskThatSleepsInPatchedCodeGoesThroughIt(@Guest TestGuest guest) {
    Operator operator = new Operator(guest);
    guest.markKernelLog();
    var applied = operator.apply(Mechanism.NANOSLEEP.recipe());
    String pid = guest.run("sleep 5000 >/dev/null 2>&1 & echo $!");
    try {
      guest.run("until grep -q nanosleep /proc/" + pid + "/stack; do :; done");
      List<String> stack = guest.run("cat /proc/" + pid + "/stack").lines().toList();
      assertThat(stack)
          .as(String.join("\n", stack))
          .anySatisfy(
              line ->
                  assertThat(line)
                      .contains("hrtimer_nanosleep")
                      .containsPattern(inModule(applied.patches().get(0).module())))
          .anySatisfy(line -> assertThat(line).contains("do_syscall_64"))
          .last()
          .asString()
          .contains("entry_SYSCALL_64_after_hwframe");
    } finally {
      guest.run("kill " + pid);
    }
    operator.revert(Mechanism.NANOSLEEP.recipe());
    guest.assertNoKernelWarnings();
  }

  @Test
  void staticLocalOfTheRunningKernelIsUsed(@Guest TestGuest guest) {
    Operator operator = new Operator(guest);
    guest.markKernelLog();
    String levels = guest.run("cat /proc/sys/kernel/printk");
    String level = guest.run("dmesg -n 6; cut -f1 /proc/sys/kernel/printk");
    guest.run("patch_probe syslog 6"); // off: the level is kept in the static local
    assertThat(guest.run("cut -f1 /proc/sys/kernel/printk")).isNotEqualTo(level);
    operator.apply("syslog-tells-level");
    guest.run("patch_probe syslog 7"); // on
    assertThat(guest.run("cut -f1 /proc/sys/kernel/printk")).isEqualTo(level);
    assertThat(guest.newKernelLog().toString()).contains("lucos: console level kept: " + level);
    operator.revert("syslog-tells-level");
    guest.run("echo '" + levels + "' >/proc/sys/kernel/printk");
    guest.assertNoKernelWarnings();
  }

  @Test
  void newStaticDataStartsAsInitialisedAndIsKeptForTheKernelAfterARevert() {
    try (TestGuest guest = TestGuest.boot(GuestSpec.cloud("6.1"))) {
      Operator operator = new Operator(guest);
      String reader = "tail -n 1 /proc/execdomains";
      var applied = operator.apply(Mechanism.DATA.recipe());
      assertThat(guest.run(reader)).isEqualTo("lucos reader 1 of one");
      assertThat(guest.run(reader)).isEqualTo("lucos reader 2 of some");
      var reverted = operator.revert(Mechanism.DATA.recipe());
      Mechanism.DATA.assertNotSeen(guest);
      assertThat(reverted.patches().get(0).unloaded()).isFalse();
      assertThat(operator.modules()).containsExactly(applied.patches().get(0).module());
      assertThat(guest.attempt("rmmod " + applied.patches().get(0).module()).status()).isNotZero();
      assertThat(operator.patches())
          .singleElement()
          .satisfies(patch -> assertThat(patch.state()).isEqualTo("retained"));
      operator.assertSound(1);
      operator.apply(Mechanism.DATA.recipe());
      assertThat(guest.run(reader)).isEqualTo("lucos reader 3 of some");
      guest.assertNoKernelWarnings();
    }
  }

  private static String inModule(String module) {
    return "\\w+\\+0x[0-9a-f]+/0x[0-9a-f]+ \\[" + module + "\\]";
  }
}
