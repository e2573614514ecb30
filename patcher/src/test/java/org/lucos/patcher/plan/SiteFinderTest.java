package org.lucos.patcher.plan;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Supplier;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.lucos.bridge.addr.AddressRange;
import org.lucos.bridge.addr.GuestVirtualAddress;
import org.lucos.patcher.build.PatchVariant.TargetFunction;
import org.lucos.patcher.bytes.Bytes;
import org.lucos.patcher.kernel.Kprobes.Kprobe;
import org.lucos.patcher.kernel.StaticSites;
import org.lucos.patcher.link.LinkedFunction;
import org.lucos.patcher.link.LinkedFunction.Referrer;
import org.lucos.patcher.link.LiveChange;
import org.lucos.patcher.link.Rewrite;
import org.lucos.patcher.refusal.BusyRefusal;
import org.lucos.patcher.refusal.FitRefusal;
import org.lucos.patcher.refusal.RefusedException;
import org.lucos.patcher.refusal.StateRefusal;

class SiteFinderTest {
  private static final GuestVirtualAddress START = new GuestVirtualAddress(0xffffffff81000100L);
  private static final GuestVirtualAddress COLD = new GuestVirtualAddress(0xffffffff81000200L);

  // endbr64; nop5; push %rbp; mov %rsp,%rbp; push %r12; xor %eax,%eax; je .+0; pop..; ret
  private static final String USUAL =
      "f30f1efa" + "0f1f440000" + "55" + "4889e5" + "4154" + "31c0" + "7400" + "415c5dc3";

  private String code = USUAL;
  private String cold = "";
  private long body = 9;
  private final List<Rewrite> rewrites = new ArrayList<>();
  private final List<Referrer> referrers = new ArrayList<>();
  private final List<LiveChange> changes = new ArrayList<>();
  private final List<StaticSites.Site> sites = new ArrayList<>();
  private final List<Kprobe> probes = new ArrayList<>();
  private List<String> warnings = List.of();

  @Test
  void theSiteIsBehindTheSlotAndTakesWholeInstructions() {
    PlannedFunction planned = find();

    assertThat(planned.site()).isEqualTo(START.plus(9));
    assertThat(planned.original().toHex()).isEqualTo("554889e541");
    assertThat(planned.taken()).isEqualTo(6);
    assertThat(planned.siteOffset()).isEqualTo(9);
    assertThat(planned.replacement()).isEqualTo("new_alpha");
    assertThat(warnings).isEmpty();
  }

  @Test
  void withoutSlotTheSiteIsTheBeginning() {
    code = "4889f8" + "4829f0" + "c3";
    body = 0;

    assertThat(find().site()).isEqualTo(START);
  }

  @ParameterizedTest
  @CsvSource({"c3", "31c0c3", "554889e5", "''"})
  void tooShortAFunctionIsRefused(String rest) {
    code = "f30f1efa0f1f440000" + rest;

    assertNoSite("bytes of its own code");
  }

  @Test
  void anUnknownInstructionIsRefused() {
    code = "f30f1efa0f1f440000" + "06" + "9090909090c3";

    assertNoSite("no known instruction");
  }

  @ParameterizedTest
  @CsvSource({"4,false", "8,false", "9,true", "10,true", "13,true", "14,false", "15,false"})
  void aBranchToTheSiteOrIntoItIsRefused(int target, boolean refused) {
    String before = "f30f1efa0f1f440000" + "90".repeat(15);
    int behind = before.length() / 2 + 2;
    code = before + "74" + HexFormat.of().toHexDigits((byte) (target - behind)) + "c3";

    if (refused) {
      assertNoSite("branches to");
    } else {
      assertThat(find().taken()).isEqualTo(5);
    }
  }

  @Test
  void aBranchFromAnotherPartIsRefused() {
    // at COLD: jmp to START + 10
    cold = "e9" + little(START.plus(10).minus(COLD.plus(5)));

    assertNoSite("branches to");
  }

  @ParameterizedTest
  @EnumSource(Rewrite.Kind.class)
  void rewrittenCodeIsRefusedUnlessItIsAFinishedReturn(Rewrite.Kind kind) {
    rewrites.add(new Rewrite(1, 13, 5, kind, Optional.empty()));

    if (kind == Rewrite.Kind.RETURN) {
      find();
    } else {
      assertNoSite(kind.name().toLowerCase(java.util.Locale.ROOT).replace('_', ' '));
    }
  }

  @Test
  void rewrittenCodeBeforeAndBehindTheSiteIsFine() {
    rewrites.add(new Rewrite(1, 4, 5, Rewrite.Kind.FENTRY, Optional.empty()));
    rewrites.add(new Rewrite(1, 15, 2, Rewrite.Kind.JUMP_LABEL, Optional.empty()));

    find();
  }

  @ParameterizedTest
  @EnumSource(StaticSites.Kind.class)
  void whatTheKernelsTablesNameIsRefused(StaticSites.Kind kind) {
    sites.add(new StaticSites.Site(kind, new AddressRange(START.plus(14), 1)));

    assertNoSite("the kernel has an entry for");
  }

  @Test
  void whatOtherSectionsReferToIsRefused() {
    referrers.add(new Referrer(15, ".rodata"));
    find();
    referrers.add(new Referrer(14, ".rodata"));

    assertNoSite(".rodata");
  }

  @Test
  void aRedirectedFunctionIsAlreadyPatched() {
    changes.add(new LiveChange(START.plus(9), 5, LiveChange.Kind.REDIRECT, "lucos_other"));

    assertThatThrownBy(this::find)
        .isInstanceOfSatisfying(
            RefusedException.class,
            refused ->
                assertThat(refused.refusal())
                    .isEqualTo(new StateRefusal.AlreadyPatched("alpha", "lucos_other")));
  }

  @Test
  void aFunctionWhoseOwnCodeIsOnRecordIsJudgedByThat() {
    code = USUAL.replace("554889e541", "e900001000");
    changes.add(
        new LiveChange(
            START.plus(9),
            5,
            LiveChange.Kind.REDIRECT,
            "lucos_other",
            Optional.of(Bytes.of(HexFormat.of().parseHex("554889e541")))));

    PlannedFunction planned = find();
    assertThat(planned.original().toHex()).isEqualTo("554889e541");
    assertThat(planned.taken()).isEqualTo(6);
  }

  @ParameterizedTest
  @CsvSource({"5,true", "8,true", "9,true", "14,true", "4,false", "15,false", "17,false"})
  void aProbeAtTheSiteIsRefusedAndOneElsewhereIsToldOf(int offset, boolean refused) {
    probes.add(new Kprobe(START.plus(offset), false, false, Bytes.EMPTY));

    if (refused) {
      assertThatThrownBy(this::find)
          .isInstanceOfSatisfying(
              RefusedException.class,
              each -> assertThat(each.refusal()).isInstanceOf(BusyRefusal.SiteProbed.class));
    } else {
      find();
      assertThat(warnings).singleElement().asString().contains("kprobe", "alpha");
    }
  }

  @Test
  void aProbeInTheSlotAndOneOfAnotherFunctionAreFine() {
    probes.add(new Kprobe(START, true, false, Bytes.EMPTY));
    probes.add(new Kprobe(START.plus(0x400), false, false, Bytes.EMPTY));

    find();
    assertThat(warnings).isEmpty();
  }

  @Test
  void codeUnderAProbeIsReadAsItIsWithoutIt() {
    String probed = "cc1f4000"; // of nopl 0(%rax)
    code = USUAL.replace("31c0", probed);
    assertNoSite("no known instruction at");

    long at = code.indexOf(probed) / 2;
    probes.add(new Kprobe(START.plus(at), false, false, Bytes.of(new byte[] {0x0f})));
    assertThat(find().taken()).isEqualTo(6);
  }

  @Test
  void aTracedFunctionIsToldOf() {
    code = USUAL.replace("0f1f440000", "e811223344");

    assertThat(find().original().toHex()).isEqualTo("554889e541");
    assertThat(warnings).singleElement().asString().contains("traced");
  }

  @Test
  void textIsReadUntilItIsStillAndIsBusyIfItNeverIs() {
    AtomicInteger reads = new AtomicInteger();
    Supplier<FunctionText> settles = () -> text(Math.min(3, reads.incrementAndGet()));
    assertThat(Planner.stable(settles, function()).code()).containsExactly(3);
    assertThat(reads).hasValue(4);

    Supplier<FunctionText> never = () -> text(reads.incrementAndGet());
    assertThatThrownBy(() -> Planner.stable(never, function()))
        .isInstanceOfSatisfying(
            RefusedException.class,
            each -> assertThat(each.refusal()).isInstanceOf(BusyRefusal.SiteProbed.class));
  }

  private static FunctionText text(int code) {
    return new FunctionText(new byte[] {(byte) code}, List.of(), range -> List.of(), List.of());
  }

  private PlannedFunction find() {
    LinkedFunction function = function();
    byte[] bytes = HexFormat.of().parseHex(code);
    byte[] coldBytes = HexFormat.of().parseHex(cold);
    SiteFinder finder =
        new SiteFinder(
            function,
            FunctionText.of(
                function,
                bytes,
                List.of(coldBytes),
                range -> sites.stream().filter(site -> site.range().overlaps(range)).toList(),
                probes));
    PlannedFunction planned = finder.find();
    warnings = finder.warnings();
    return planned;
  }

  private LinkedFunction function() {
    byte[] bytes = HexFormat.of().parseHex(code);
    byte[] coldBytes = HexFormat.of().parseHex(cold);
    return new LinkedFunction(
        new TargetFunction(
            "alpha",
            "fs/sample.o",
            Optional.empty(),
            false,
            bytes.length,
            "",
            "new_alpha",
            List.of(),
            List.of()),
        new AddressRange(START, bytes.length),
        List.of(new AddressRange(COLD, coldBytes.length)),
        body == 9 ? OptionalLong.of(4) : OptionalLong.empty(),
        body,
        rewrites,
        referrers,
        changes);
  }

  private void assertNoSite(String detail) {
    assertThatThrownBy(this::find)
        .isInstanceOfSatisfying(
            RefusedException.class,
            refused ->
                assertThat(refused.refusal())
                    .isInstanceOfSatisfying(
                        FitRefusal.NoRedirectSite.class,
                        none -> {
                          assertThat(none.function()).isEqualTo("alpha");
                          assertThat(none.detail()).contains(detail);
                        }));
  }

  private static String little(long distance) {
    return HexFormat.of().toHexDigits(Integer.reverseBytes((int) distance));
  }
}
