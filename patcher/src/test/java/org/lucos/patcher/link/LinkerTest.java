package org.lucos.patcher.link;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.fail;

import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.lucos.bridge.addr.GuestVirtualAddress;
import org.lucos.patcher.build.PatchVariant.Kind;
import org.lucos.patcher.bytes.Bytes;
import org.lucos.patcher.bytes.MalformedDataException;
import org.lucos.patcher.link.LinkedFunction.Referrer;
import org.lucos.patcher.refusal.FitRefusal;
import org.lucos.patcher.refusal.RefusedException;

class LinkerTest {
  private final SampleKernel kernel = new SampleKernel();

  @Test
  void aFunctionIsFoundWithItsPartsAndWhatIsSpecialInIt() {
    LinkedPatch linked = Linker.link(kernel.patch(), kernel.running());

    LinkedFunction alpha = linked.functions().get(0);
    assertThat(alpha.code().start().value()).isEqualTo(SampleKernel.TEXT);
    assertThat(alpha.parts())
        .singleElement()
        .satisfies(part -> assertThat(part.start().value()).isEqualTo(SampleKernel.COLD));
    assertThat(alpha.tracingSlot()).isEqualTo(OptionalLong.of(4));
    assertThat(alpha.body()).isEqualTo(9);
    assertThat(alpha.rewrites().stream().map(Rewrite::kind))
        .containsOnlyOnce(Rewrite.Kind.values());
    assertThat(alpha.referrers())
        .contains(
            new Referrer(mark("warn"), "__bug_table"),
            new Referrer(mark("end of alpha"), "__jump_table"),
            new Referrer(mark("end of alpha"), ".text.unlikely"));
    assertThat(alpha.changes()).isEmpty();
  }

  @Test
  void symbolsOfSeveralObjectsAreToldApartByWhereThisObjectIs() {
    LinkedPatch linked =
        Linker.link(
            kernel.patch(
                SampleKernel.global("global_value"),
                SampleKernel.local("beta", Kind.FUNCTION),
                SampleKernel.local("counter", Kind.OBJECT)),
            kernel.running());

    assertThat(linked.symbols())
        .containsEntry("global_value", address(SampleKernel.START + 0x8000))
        .containsEntry("fs/sample.o:beta", address(SampleKernel.TEXT + mark("beta")))
        .containsEntry("fs/sample.o:counter", address(SampleKernel.START + 0xa004));
  }

  @Test
  void anUnnamedSymbolIsReadFromRunningCode() {
    kernel.forget("global_value");

    LinkedPatch linked =
        Linker.link(kernel.patch(SampleKernel.global("global_value")), kernel.running());

    assertThat(linked.symbols())
        .containsEntry("global_value", address(SampleKernel.START + 0x8000));
  }

  @Test
  void aSymbolThatNothingTellsIsNotGuessed() {
    assertUnresolved(SampleKernel.global("no_such_symbol"), "no_such_symbol");
    assertUnresolved(SampleKernel.local("no_such_symbol", Kind.OBJECT), "no_such_symbol");
  }

  @Test
  void aGlobalNameTwiceIsRefused() {
    kernel.symbol("twice", SampleKernel.START + 0x9000, 'D');
    kernel.symbol("twice", SampleKernel.START + 0x9100, 'D');

    assertUnresolved(SampleKernel.global("twice"), "twice");
  }

  @Test
  void anAddressThatRunningCodeContradictsIsRefused() {
    kernel.forget("counter");
    kernel.symbol("counter", SampleKernel.START + 0xb000, 'b');

    assertThatThrownBy(() -> Linker.link(kernel.patch(), kernel.running()))
        .isInstanceOf(RefusedException.class)
        .hasMessageContaining("alpha");
  }

  @Test
  void namesThatPutASectionInTwoPlacesAreRefused() {
    kernel.forget("beta");
    kernel.symbol("beta", SampleKernel.TEXT + mark("beta") + 16, 't');

    assertThatThrownBy(() -> Linker.link(kernel.patch(), kernel.running()))
        .isInstanceOfSatisfying(
            RefusedException.class,
            refused ->
                assertThat(refused.refusal()).isInstanceOf(FitRefusal.SymbolNotResolved.class));
  }

  @Test
  void anotherKernelIsRefused() {
    RunningCode other = kernel.running();
    RunningCode newer =
        new RunningCode(
            new org.lucos.patcher.kernel.KernelIdentity(
                "6.1.0-test", "cd".repeat(20), 0, "", java.util.Optional.empty()),
            other.symbols(),
            other.memory(),
            other.text(),
            other.changes(),
            other.modules());

    assertThatThrownBy(() -> Linker.link(kernel.patch(), newer))
        .isInstanceOfSatisfying(
            RefusedException.class,
            refused -> assertThat(refused.refusal()).isInstanceOf(FitRefusal.WrongKernel.class));
  }

  @ParameterizedTest
  @CsvSource({
    "fentry,e811223344",
    "jump label,0f1f440000",
    "lock,3e",
    "lock,f0",
    "alternative,0f01cb",
    "alternative,0f1f00",
    "paravirt,e81122334490",
    "static call,0f1f440000",
    "static call,e811223344",
    "static call,2e2e2e31c0",
    "static call,66664831c0",
    "static call,e911223344",
    "static call,c3cccccccc",
    "retpoline,41ffd3909090",
    "pointer,48b80011223344556677",
    "shift,c1e811",
    "return,c3cccccccc",
    "return,e955667788"
  })
  void whatTheKernelWritesThereIsAccepted(String place, String form) {
    kernel.writeHex(SampleKernel.TEXT + mark(place), form);

    Linker.link(kernel.patch(), kernel.running());
  }

  @Test
  void aJumpLabelMayJumpToItsTargetOnly() {
    long at = SampleKernel.TEXT + mark("jump label");
    int distance = mark("end of alpha") - mark("jump label") - 5;
    kernel.writeHex(at, "e9%02x000000".formatted(distance));
    Linker.link(kernel.patch(), kernel.running());

    kernel.writeHex(at, "e9%02x000000".formatted(distance + 1));
    assertMismatch(mark("jump label"));
  }

  @Test
  void aSealedEndbrIsAccepted() {
    kernel.writeHex(SampleKernel.TEXT, "660f1f00");

    Linker.link(kernel.patch(), kernel.running());
  }

  @ParameterizedTest
  @CsvSource({
    "fentry,e911223344",
    "jump label,e811223344",
    "lock,90",
    "static call,9090909090",
    "return,c390909090",
    "string,48c7c7ff",
    "local call,e800000000"
  })
  void whatTheKernelNeverWritesThereIsRefused(String place, String form) {
    kernel.writeHex(SampleKernel.TEXT + mark(place), form);

    assertThatThrownBy(() -> Linker.link(kernel.patch(), kernel.running()))
        .isInstanceOfSatisfying(
            RefusedException.class,
            refused -> assertThat(refused.refusal()).isInstanceOf(FitRefusal.TextMismatch.class));
  }

  /** Turns every byte of the function over, one after the other. */
  @Test
  void noByteOutsideOfRewrittenPlacesCanChangeUnseen() {
    List<String> unseen = new ArrayList<>();
    long size = kernel.object.elf().symbols("alpha").get(0).size();
    Rewrites rewrites = new Rewrites(new ObjectImage("o", kernel.object.elf()));
    int text = kernel.object.elf().section(".text").orElseThrow().index();
    for (int offset = 0; offset < size; offset++) {
      long at = SampleKernel.TEXT + offset;
      int before = kernel.at(at);
      kernel.write(at, new byte[] {(byte) (before ^ 0x41)});
      boolean rewritten = rewrites.covering(text, offset).isPresent();
      try {
        Linker.link(kernel.patch(), kernel.running());
        if (!rewritten) {
          unseen.add(Integer.toHexString(offset));
        }
      } catch (RefusedException e) {
        assertThat(e.refusal())
            .isInstanceOfAny(FitRefusal.TextMismatch.class, FitRefusal.SymbolNotResolved.class);
      }
      kernel.write(at, new byte[] {(byte) before});
    }
    assertThat(unseen).isEmpty();
    Linker.link(kernel.patch(), kernel.running());
  }

  @Test
  void aProbeIsTakenIntoAccount() {
    int at = mark("global");
    kernel.writeHex(SampleKernel.TEXT + at, "cc");
    assertMismatch(at);

    LiveChange probe =
        new LiveChange(address(SampleKernel.TEXT + at), 1, LiveChange.Kind.PROBE, "kprobe");
    kernel.probes.add(probe);
    LinkedPatch linked = Linker.link(kernel.patch(), kernel.running());

    assertThat(linked.functions().get(0).changes()).containsExactly(probe);
  }

  @Test
  void ourOwnJumpIsRecognisedAndAnyOtherIsNot() {
    long site = SampleKernel.TEXT + mark("body");
    kernel.writeHex(site, "e900100000");
    assertMismatch(mark("body"));

    kernel.patchModules.put(site + 5 + 0x1000, "lucos_other");
    LinkedPatch linked = Linker.link(kernel.patch(), kernel.running());

    assertThat(linked.functions().get(0).changes())
        .containsExactly(new LiveChange(address(site), 5, LiveChange.Kind.REDIRECT, "lucos_other"));
  }

  @Test
  void whatAJumpOfOursLiesOnIsComparedInItsPlace() {
    long site = SampleKernel.TEXT + mark("body");
    byte[] own = kernel.bytes(address(site), 5);
    kernel.writeHex(site, "e900100000");
    kernel.patchModules.put(site + 5 + 0x1000, "lucos_other");
    kernel.underJumps.put(site, Bytes.of(own));
    LinkedPatch linked = Linker.link(kernel.patch(), kernel.running());
    assertThat(linked.functions().get(0).changes())
        .singleElement()
        .satisfies(change -> assertThat(change.own()).contains(Bytes.of(own)));

    own[0] ^= 1;
    kernel.underJumps.put(site, Bytes.of(own));
    assertMismatch(mark("body"));
  }

  @Test
  void callDepthTrackingMayMoveCallsAndFillPadding() {
    kernel.symbol("thunks_initialized", SampleKernel.START + 0xd000, 'd');
    kernel.symbol("skl_call_thunk_template", SampleKernel.START + 0xd100, 'R');
    kernel.symbol("skl_call_thunk_tail", SampleKernel.START + 0xd10a, 'R');
    long call = SampleKernel.TEXT + mark("local call");
    int distance = mark("beta") - mark("local call") - 5 - 10;
    String moved = "e8%02x000000".formatted(distance);
    kernel.writeHex(SampleKernel.TEXT + mark("beta") - 1, "77");
    kernel.writeHex(call, moved);
    assertMismatch(mark("local call") + 1);

    kernel.writeHex(SampleKernel.START + 0xd000, "01");
    Linker.link(kernel.patch(), kernel.running());
  }

  @Test
  void damagedObjectsEndInARefusalOrATypedError() {
    byte[] good = kernel.object.file();
    Random random = new Random(7);
    int accepted = 0;
    for (int round = 0; round < 20_000; round++) {
      byte[] bad = good.clone();
      for (int i = random.nextInt(4); i >= 0; i--) {
        bad[random.nextInt(bad.length)] =
            (byte)
                Set.of(0, 1, 127, 128, 255).stream()
                    .skip(random.nextInt(5))
                    .findFirst()
                    .orElseThrow()
                    .intValue();
      }
      try {
        Linker.link(kernel.patch(bad), kernel.running());
        accepted++;
      } catch (MalformedDataException | RefusedException e) {
        // what is wanted
      } catch (RuntimeException e) {
        fail("round " + round, e);
      }
    }
    assertThat(accepted).isPositive();
  }

  private void assertUnresolved(
      org.lucos.patcher.build.PatchVariant.SymbolReference reference, String name) {
    assertThatThrownBy(() -> Linker.link(kernel.patch(reference), kernel.running()))
        .isInstanceOfSatisfying(
            RefusedException.class,
            refused ->
                assertThat(refused.refusal())
                    .isInstanceOfSatisfying(
                        FitRefusal.SymbolNotResolved.class,
                        unresolved -> assertThat(unresolved.symbol()).isEqualTo(name)));
  }

  private void assertMismatch(long offset) {
    assertThatThrownBy(() -> Linker.link(kernel.patch(), kernel.running()))
        .isInstanceOfSatisfying(
            RefusedException.class,
            refused ->
                assertThat(refused.refusal())
                    .isInstanceOfSatisfying(
                        FitRefusal.TextMismatch.class,
                        mismatch -> {
                          assertThat(mismatch.function()).isEqualTo("alpha");
                          assertThat(mismatch.offset()).isEqualTo(offset);
                        }));
  }

  private int mark(String name) {
    return kernel.object.mark(name);
  }

  private static GuestVirtualAddress address(long value) {
    return new GuestVirtualAddress(value);
  }
}
