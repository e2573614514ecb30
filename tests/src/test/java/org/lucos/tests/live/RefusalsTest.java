package org.lucos.tests.live;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.lucos.bridge.addr.GuestVirtualAddress;
import org.lucos.patcher.app.PlanPatch;
import org.lucos.patcher.insn.Decoder;
import org.lucos.patcher.refusal.BusyRefusal;
import org.lucos.patcher.refusal.FitRefusal;
import org.lucos.patcher.refusal.InputRefusal;
import org.lucos.patcher.refusal.Refusal;
import org.lucos.patcher.refusal.StateRefusal;
import org.lucos.patcher.refusal.TrustRefusal;
import org.lucos.tests.guest.CommandResult;
import org.lucos.tests.guest.Contract;
import org.lucos.tests.guest.Guest;
import org.lucos.tests.guest.TestGuest;

/** Patches that do not fit the state of a guest: a clear refusal, and a guest that is as before. */
class RefusalsTest {
  private static final Mechanism PATCH = Mechanism.CMDLINE;
  private static final String TRACING = "cd /sys/kernel/tracing; ";

  @TempDir private Path folder = Path.of("");

  @Test
  void patchForAnotherKernelIsRefused(@Guest TestGuest guest) {
    assertRefusedUnharmed(
        guest,
        Bundles.of(PATCH.recipe(), guest.release().replace("-cloud", "")),
        FitRefusal.WrongKernel.class,
        "the guest runs " + guest.release());
  }

  @Test
  @Contract
  void appliedPatchIsNotAppliedAgain(@Guest TestGuest guest) {
    Operator operator = new Operator(guest);
    guest.markKernelLog();
    operator.apply(PATCH.recipe());
    try {
      var refusal =
          Operator.refusal(StateRefusal.AlreadyApplied.class, () -> operator.apply(PATCH.recipe()));
      assertThat(refusal.patch()).isEqualTo(PATCH.recipe());
      PATCH.assertSeen(guest);
      operator.assertSound(1);
    } finally {
      operator.revert(PATCH.recipe());
    }
    PATCH.assertNotSeen(guest);
    assertThat(Operator.refusal(() -> operator.revert(PATCH.recipe())))
        .isEqualTo(new StateRefusal.NotApplied(PATCH.recipe()));
    guest.assertNoKernelWarnings();
  }

  @Test
  void siteThatAProbeUsesIsRefusedWhetherOptimisedOrNot(@Guest TestGuest guest) {
    long offset = siteOffset(guest);
    for (String optimised : List.of("0", "1")) {
      String before = guest.run("cat /proc/sys/debug/kprobes-optimization");
      guest.run("echo " + optimised + " >/proc/sys/debug/kprobes-optimization");
      probe(guest, offset);
      try {
        if (optimised.equals("1")) {
          guest.run("until grep -q OPTIMIZED /sys/kernel/debug/kprobes/list; do :; done; sleep 1");
        }
        assertRefusedUnharmed(
            guest,
            Bundles.of(PATCH.recipe(), guest.release()),
            BusyRefusal.SiteProbed.class,
            PATCH.function());
      } finally {
        unprobe(guest);
        guest.run("echo " + before + " >/proc/sys/debug/kprobes-optimization");
      }
    }
    applyAndRevert(guest);
  }

  @Test
  void probeElsewhereInAFunctionIsWarnedOf(@Guest TestGuest guest) {
    Operator operator = new Operator(guest);
    guest.markKernelLog();
    long offset = offsetBehindSite(guest);
    probe(guest, offset);
    try {
      var outcome = operator.apply(PATCH.recipe());
      assertThat(outcome.patches().get(0).warnings())
          .singleElement()
          .asString()
          .contains("kprobe", PATCH.function(), "no longer be hit");
      PATCH.assertSeen(guest);
      operator.revert(PATCH.recipe());
      PATCH.assertNotSeen(guest);
    } finally {
      unprobe(guest);
    }
    guest.assertNoKernelWarnings();
  }

  @Test
  void modulesOfAppliedPatchesCannotBeRemovedFromInside(@Guest TestGuest guest) {
    Operator operator = new Operator(guest);
    guest.markKernelLog();
    var applied = operator.apply(PATCH.recipe());
    CommandResult removal = guest.attempt("rmmod " + applied.patches().get(0).module());
    assertThat(removal.status()).isNotZero();
    assertThat(operator.modules()).containsExactly(applied.patches().get(0).module());
    PATCH.assertSeen(guest);
    operator.assertSound(1);
    operator.revert(PATCH.recipe());
    assertThat(operator.modules()).isEmpty();
    guest.assertNoKernelWarnings();
  }

  @Test
  void damagedAndTruncatedBundlesAreRefused(@Guest TestGuest guest) throws IOException {
    Path good = Bundles.of(PATCH.recipe(), guest.release());
    byte[] content = Files.readAllBytes(good);
    for (int i = 1; i < 4; i++) {
      byte[] damaged = content.clone();
      damaged[content.length * i / 4] ^= 0x20;
      Path file = Files.write(folder.resolve("damaged" + i), damaged);
      assertRefusedUnharmed(guest, file, InputRefusal.BadBundle.class, file.toString());
    }
    Path cut = folder.resolve("cut");
    Files.write(cut, Arrays.copyOf(content, content.length / 2));
    assertRefusedUnharmed(guest, cut, InputRefusal.BundleTruncated.class, cut.toString());
    Path missing = folder.resolve("missing");
    assertRefusedUnharmed(guest, missing, InputRefusal.BadBundle.class, missing.toString());
  }

  @Test
  void bundlesThatNobodyTrustedStandsForAreRefused(@Guest TestGuest guest) throws IOException {
    Path good = Bundles.of(PATCH.recipe(), guest.release());
    Path tampered = Rebundled.withAnotherImage(good, folder.resolve("tampered"));
    assertRefusedUnharmed(guest, tampered, InputRefusal.BundleTampered.class, "variant/0/image.o");
    Path changed = Rebundled.changedAfterSigning(good, folder.resolve("changed"));
    assertRefusedUnharmed(guest, changed, TrustRefusal.SignatureBad.class, "tests");
    Path resigned = Rebundled.changedAndSignedByAnother(good, folder.resolve("resigned"));
    assertRefusedUnharmed(guest, resigned, TrustRefusal.SignerUnknown.class, "unknown key");
    Path unsigned = Rebundled.unsigned(good, folder.resolve("unsigned"));
    assertRefusedUnharmed(guest, unsigned, TrustRefusal.BundleUnsigned.class, "not signed");

    Operator operator = new Operator(guest);
    var taken = operator.applyUnsigned(unsigned);
    assertThat(taken.patches().get(0).warnings()).singleElement().asString().contains("not signed");
    assertThat(taken.patches().get(0).signature().state()).isEqualTo("bundle-unsigned");
    assertThat(Path.of(taken.log())).content().contains("not signed", "bundle-unsigned");
    PATCH.assertSeen(guest);
    operator.revert(PATCH.recipe());
    var signed = operator.apply(PATCH.recipe());
    assertThat(signed.patches().get(0).signature().signer()).isEqualTo("tests.key");
    assertThat(Path.of(signed.log())).content().contains("\"signer\":\"tests.key\"");
    operator.revert(PATCH.recipe());
  }

  @Test
  void truncatedObjectsInAWellFormedBundleAreRefused(@Guest TestGuest guest) {
    Path good = Bundles.of(PATCH.recipe(), guest.release());
    for (int percent : List.of(0, 1, 40, 99)) {
      Path image = Rebundled.withTruncatedImage(good, folder.resolve("image" + percent), percent);
      assertRefusedUnharmed(guest, image, InputRefusal.BadBundle.class, image.toString());
      Path original =
          Rebundled.withTruncatedOriginal(good, folder.resolve("original" + percent), percent);
      assertRefusedUnharmed(guest, original, InputRefusal.BadBundle.class, original.toString());
    }
    applyAndRevert(guest);
  }

  private static void applyAndRevert(TestGuest guest) {
    Operator operator = new Operator(guest);
    operator.apply(PATCH.recipe());
    PATCH.assertSeen(guest);
    operator.revert(PATCH.recipe());
    PATCH.assertNotSeen(guest);
  }

  static void assertRefusedUnharmed(
      TestGuest guest, Path bundle, Class<? extends Refusal> kind, String inMessage) {
    Operator operator = new Operator(guest);
    Map<String, String> before = operator.text(List.of(PATCH.function()));
    guest.markKernelLog();
    Refusal refusal = Operator.refusal(kind, () -> operator.apply(bundle, Duration.ofSeconds(20)));
    assertThat(refusal.message()).contains(inMessage);
    assertThat(refusal.remedy()).isNotBlank();
    assertThat(operator.modules()).isEmpty();
    assertThat(operator.text(List.of(PATCH.function()))).isEqualTo(before);
    assertThat(guest.run("echo alive")).isEqualTo("alive");
    guest.assertNoKernelWarnings();
  }

  private static void probe(TestGuest guest, long offset) {
    guest.run(
        TRACING
            + "echo 'p:lucos_site "
            + PATCH.function()
            + "+"
            + offset
            + "' >>kprobe_events; echo 1 >events/kprobes/lucos_site/enable");
  }

  private static void unprobe(TestGuest guest) {
    guest.run(
        TRACING + "echo 0 >events/kprobes/lucos_site/enable; echo '-:lucos_site' >>kprobe_events");
  }

  /** Bytes from the beginning of the function to where the jump is going to be. */
  private static long siteOffset(TestGuest guest) {
    PlanPatch.Outcome plan = new Operator(guest).plan(Bundles.of(PATCH.recipe(), guest.release()));
    var function = plan.functions().get(0);
    return address(function.site()) - address(function.address());
  }

  /** The first instruction that the jump leaves whole. */
  private static long offsetBehindSite(TestGuest guest) {
    String text = new Operator(guest).text(List.of(PATCH.function())).values().iterator().next();
    byte[] code = HexFormat.of().parseHex(text);
    long site = siteOffset(guest);
    int at = (int) site;
    while (at < site + 5) {
      at += Decoder.decode(code, at, at).length();
    }
    return at;
  }

  private static long address(String text) {
    return new GuestVirtualAddress(Long.parseUnsignedLong(text.replaceFirst("^0x", ""), 16))
        .value();
  }
}
