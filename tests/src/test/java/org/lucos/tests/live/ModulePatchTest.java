package org.lucos.tests.live;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.lucos.bridge.addr.GuestVirtualAddress;
import org.lucos.bridge.domain.PausedGuest;
import org.lucos.patcher.app.SettlePatches;
import org.lucos.patcher.guestcall.GuestWriter;
import org.lucos.patcher.kernel.RunningKernel;
import org.lucos.patcher.refusal.ExitCode;
import org.lucos.patcher.refusal.StateRefusal;
import org.lucos.tests.guest.GuestSpec;
import org.lucos.tests.guest.TestGuest;

/** Code of loadable modules, in one guest: each step leaves it as the next one needs it. */
class ModulePatchTest {
  private static final String LONE = "loadable-module";
  private static final String TOGETHER = "modules-together";
  private static final String STATUS = "cat /proc/sys/fs/binfmt_misc/status";
  private static final String TRIO =
      "cat /proc/loadavg; head -c 1 /dev/fuse 2>&1; head -c 1 /dev/cuse 2>&1";
  private static final String TRIO_PATCHED =
      "(?s).*lucos together.*fuse: Structure needs cleaning.*cuse: Structure needs cleaning.*";

  @Test
  void codeOfModulesIsPatchedAsThatOfTheKernel() throws Exception {
    GuestSpec spec = GuestSpec.cloud("6.1").withModule("binfmt_misc").withModule("cuse");
    try (TestGuest guest = TestGuest.boot(spec)) {
      Operator operator = new Operator(guest);
      guest.run("mount -t binfmt_misc none /proc/sys/fs/binfmt_misc");
      guest.markKernelLog();
      appliedToALoadedModule(guest, operator);
      refusedOrLeftWaitingWhileTheModuleIsAbsent(guest, operator);
      appliedToAModuleThatIsLoadedLater(guest, operator);
      severalModulesAndTheKernelTogether(guest, operator);
      nothingIsAppliedBeforeAllModulesAreThere(guest, operator);
      aRebootEndsTheWaiting(guest, operator);
      aModuleThatWentNeverthelessIsNotWrittenTo(guest, operator);
      guest.assertNoKernelWarnings();
    }
  }

  private static void appliedToALoadedModule(TestGuest guest, Operator operator) {
    String before = operator.moduleText("binfmt_misc");
    assertThat(guest.run(STATUS)).isEqualTo("enabled");
    operator.apply(LONE);
    assertThat(guest.run(STATUS)).isEqualTo("lucos enabled 1");
    assertThat(guest.run(STATUS)).isEqualTo("lucos enabled 2");
    operator.assertSound(1);
    guest.run("umount /proc/sys/fs/binfmt_misc");
    assertInUse(guest, "binfmt_misc");
    operator.revert(LONE);
    assertThat(operator.moduleText("binfmt_misc")).isEqualTo(before);
    assertThat(operator.modules()).isEmpty();
  }

  private static void refusedOrLeftWaitingWhileTheModuleIsAbsent(
      TestGuest guest, Operator operator) {
    guest.run("rmmod binfmt_misc");
    StateRefusal.ModuleNotLoaded refusal =
        Operator.refusal(StateRefusal.ModuleNotLoaded.class, () -> operator.apply(LONE));
    assertThat(refusal.modules()).containsExactly("binfmt_misc");
    assertThat(operator.patches()).isEmpty();

    assertThat(operator.applyOrWait(LONE).state()).isEqualTo("waiting");
    assertWaiting(operator, "binfmt_misc");
    assertThat(operator.settle(false).worst()).isEqualTo(ExitCode.WAITING);
    assertThat(operator.revert(LONE).state()).isEqualTo("cancelled");
    assertThat(operator.patches()).isEmpty();
    assertThat(operator.settle(false).patches()).isEmpty();
  }

  private static void appliedToAModuleThatIsLoadedLater(TestGuest guest, Operator operator)
      throws Exception {
    operator.applyOrWait(LONE);
    ExecutorService watcher = Executors.newSingleThreadExecutor();
    try {
      Future<SettlePatches.Outcome> settled = watcher.submit(() -> operator.settle(true));
      guest.run("sleep 2; modprobe binfmt_misc");
      assertThat(settled.get(2, TimeUnit.MINUTES).patches())
          .singleElement()
          .satisfies(patch -> assertThat(patch.state()).as(patch.detail()).isEqualTo("applied"));
    } finally {
      watcher.shutdownNow();
    }
    guest.run("mount -t binfmt_misc none /proc/sys/fs/binfmt_misc");
    assertThat(guest.run(STATUS)).isEqualTo("lucos enabled 1");
    assertThat(operator.patches())
        .singleElement()
        .satisfies(patch -> assertThat(patch.state()).isEqualTo("applied"));
    operator.revert(LONE);
    assertThat(guest.run(STATUS)).isEqualTo("enabled");
  }

  private static void nothingIsAppliedBeforeAllModulesAreThere(TestGuest guest, Operator operator) {
    guest.run("rmmod cuse");
    assertThat(operator.applyOrWait(TOGETHER).waitsFor()).containsExactly("cuse");
    assertThat(guest.run("cat /proc/loadavg")).doesNotContain("lucos");
    assertThat(operator.modules()).isEmpty();
    guest.run("modprobe cuse");
    assertWaiting(operator);
    assertThat(operator.settle(false).worst()).isEqualTo(ExitCode.OK);
    assertThat(guest.run(TRIO + "; true")).matches(TRIO_PATCHED);
    operator.revert(TOGETHER);
  }

  private static void aRebootEndsTheWaiting(TestGuest guest, Operator operator) throws Exception {
    guest.run("rmmod cuse");
    operator.applyOrWait(TOGETHER);
    Path records = operator.settings().state().resolve("waiting");
    Path record;
    try (Stream<Path> files = Files.walk(records)) {
      record = files.filter(file -> file.toString().endsWith(".json")).findFirst().orElseThrow();
    }
    String boot = operator.inKernel(kernel -> kernel.identity().boot());
    Files.writeString(record, Files.readString(record).replace(boot, "0".repeat(32)));
    guest.run("modprobe cuse");
    assertThat(operator.patches())
        .singleElement()
        .satisfies(patch -> assertThat(patch.state()).isEqualTo("expired"));
    assertThat(operator.settle(false).worst()).isEqualTo(ExitCode.WRONG_STATE);
    assertThat(operator.patches()).isEmpty();
  }

  private static void assertWaiting(Operator operator, String... modules) {
    assertThat(operator.patches())
        .singleElement()
        .satisfies(
            patch -> {
              assertThat(patch.state()).isEqualTo("waiting");
              assertThat(patch.waitsFor()).containsExactly(modules);
            });
  }

  private static void severalModulesAndTheKernelTogether(TestGuest guest, Operator operator) {
    List<String> before = List.of(operator.moduleText("fuse"), operator.moduleText("cuse"));
    operator.apply(TOGETHER);
    assertThat(guest.run(TRIO + "; true")).matches(TRIO_PATCHED);
    operator.assertSound(1);
    assertInUse(guest, "cuse");
    operator.revert(TOGETHER);
    assertThat(guest.run(TRIO + "; true")).doesNotContain("lucos", "needs cleaning");
    assertThat(List.of(operator.moduleText("fuse"), operator.moduleText("cuse"))).isEqualTo(before);
    guest.run("rmmod cuse; rmmod fuse; modprobe cuse");
  }

  /** What a guest must not do: our reference to the module is taken away, and the module goes. */
  private static void aModuleThatWentNeverthelessIsNotWrittenTo(
      TestGuest guest, Operator operator) {
    operator.apply(TOGETHER);
    operator.inKernel(kernel -> takeReferenceAway(kernel, "cuse"));
    guest.run("rmmod cuse");
    assertOrphaned(operator);
    guest.run("modprobe cuse");
    String anew = operator.moduleText("cuse");
    // where it is now is the guest's choice: in the same place its sites are merely without jumps
    assertThat(operator.patches())
        .singleElement()
        .satisfies(patch -> assertThat(patch.state()).isIn("orphaned", "failed"));
    assertThat(operator.problems()).isNotEmpty();
    assertThat(Operator.refusal(() -> operator.apply(TOGETHER)))
        .isInstanceOf(StateRefusal.AlreadyApplied.class);

    operator.revert(TOGETHER);

    assertThat(operator.moduleText("cuse")).isEqualTo(anew);
    assertThat(operator.modules()).isEmpty();
    assertThat(guest.run(TRIO + "; true")).doesNotContain("lucos", "needs cleaning");
    guest.run("rmmod cuse; rmmod fuse");
  }

  private static void assertOrphaned(Operator operator) {
    assertThat(operator.patches())
        .singleElement()
        .satisfies(
            patch -> {
              assertThat(patch.state()).isEqualTo("orphaned");
              assertThat(patch.functions())
                  .filteredOn(function -> function.name().equals("cuse_channel_open"))
                  .singleElement()
                  .satisfies(function -> assertThat(function.state()).isEqualTo("gone"));
            });
    assertThat(operator.problems()).anyMatch(problem -> problem.contains("cuse"));
  }

  private static boolean takeReferenceAway(RunningKernel kernel, String module) {
    GuestVirtualAddress counter =
        kernel
            .module(module)
            .orElseThrow()
            .struct()
            .plus(kernel.types().struct("module").field("refcnt.counter").offset());
    try (PausedGuest lease = kernel.domain().pause("test")) {
      new GuestWriter(kernel.memory(), lease)
          .replace(counter, new byte[] {2, 0, 0, 0}, new byte[] {1, 0, 0, 0})
          .flush();
      lease.commit();
    }
    return true;
  }

  private static void assertInUse(TestGuest guest, String module) {
    assertThat(guest.attempt("rmmod " + module).stderr()).contains("temporarily unavailable");
  }
}
