package org.lucos.patcher.plan;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.lucos.bridge.addr.AddressRange;
import org.lucos.bridge.addr.GuestVirtualAddress;
import org.lucos.bridge.memory.GuestMemory;
import org.lucos.patcher.bytes.Bytes;
import org.lucos.patcher.kernel.KernelIdentity;
import org.lucos.patcher.refusal.FitRefusal;
import org.lucos.patcher.refusal.RefusedException;

class PatchPlanTest {
  private static final GuestVirtualAddress CODE = new GuestVirtualAddress(0xffffffff81000000L);
  private static final GuestVirtualAddress NEW = new GuestVirtualAddress(0xffffffffc0000100L);

  private final PatchPlan plan =
      new PatchPlan(
          "fix",
          "stops it",
          List.of("CVE-2026-1", "CVE-2026-2"),
          new KernelIdentity("6.1.0-x", "abcd", 0, "", Optional.empty()),
          "lucos_fix",
          List.of(function("alpha", 0), function("beta", 0x100)),
          List.of("beware"));

  @Test
  void editsJumpFromEachSiteToItsReplacement() {
    List<TextEdit> edits = plan.edits(Map.of("new_alpha", NEW, "new_beta", NEW.plus(0x40)));

    assertThat(edits)
        .extracting(TextEdit::toString)
        .containsExactly(
            "0xffffffff81000009: 554889e541 -> e9f200003f",
            "0xffffffff81000109: 554889e541 -> e93200003f");
    assertThat(edits.get(1).at()).isEqualTo(CODE.plus(0x109));
  }

  @Test
  void revertingIsTheSameBackwards() {
    Map<String, GuestVirtualAddress> replacements =
        Map.of("new_alpha", NEW, "new_beta", NEW.plus(0x40));

    List<TextEdit> edits = plan.edits(replacements);
    List<TextEdit> back = plan.revertEdits(replacements);

    assertThat(back).containsExactly(edits.get(1).reversed(), edits.get(0).reversed());
  }

  @Test
  void aReplacementOutOfReachIsRefused() {
    Map<String, GuestVirtualAddress> far =
        Map.of("new_alpha", CODE.plus(-0x80000100L), "new_beta", NEW);

    assertThatThrownBy(() -> plan.edits(far))
        .isInstanceOfSatisfying(
            RefusedException.class,
            refused ->
                assertThat(refused.refusal())
                    .isInstanceOfSatisfying(
                        FitRefusal.NoRedirectSite.class,
                        none -> assertThat(none.function()).isEqualTo("alpha")));
  }

  @Test
  void itPrintsTheSameTextEveryTime() {
    assertThat(PlanRenderer.render(plan))
        .isEqualTo(
            """
            patch     fix: stops it
            fixes     CVE-2026-1, CVE-2026-2
            kernel    6.1.0-x, build-id abcd
            module    lucos_fix
            function  alpha of fs/sample.o
              code    0xffffffff81000000, 64 bytes
              part    0xffffffff81001000, 16 bytes
              site    0xffffffff81000009 (+0x9): 55 48 89 e5 41, instructions of 6 bytes, become a\
             jump to new_alpha
            function  beta of fs/sample.o
              code    0xffffffff81000100, 64 bytes
              part    0xffffffff81001100, 16 bytes
              site    0xffffffff81000109 (+0x9): 55 48 89 e5 41, instructions of 6 bytes, become a\
             jump to new_beta
            warning   beware
            """);
  }

  @Test
  void theVerifierTellsPendingAppliedAndDifferentApart() {
    TextEdit edit =
        new TextEdit(CODE, HexFormat.of().parseHex("5500"), HexFormat.of().parseHex("e9ff"));

    assertThat(state(edit, "5500")).isEqualTo(PlanVerifier.State.PENDING);
    assertThat(state(edit, "e9ff")).isEqualTo(PlanVerifier.State.APPLIED);
    assertThat(state(edit, "cc00")).isEqualTo(PlanVerifier.State.DIFFERENT);
    assertThat(PlanVerifier.all(PlanVerifier.State.APPLIED, List.of(edit), memory("e9ff")))
        .isTrue();
  }

  private static PlanVerifier.State state(TextEdit edit, String there) {
    return PlanVerifier.inspect(List.of(edit), memory(there)).get(0).state();
  }

  private static GuestMemory memory(String content) {
    byte[] bytes = HexFormat.of().parseHex(content);
    return (at, into, offset, length) -> System.arraycopy(bytes, 0, into, offset, length);
  }

  private static PlannedFunction function(String name, long offset) {
    return new PlannedFunction(
        name,
        "fs/sample.o",
        new AddressRange(CODE.plus(offset), 64),
        List.of(new AddressRange(CODE.plus(0x1000 + offset), 16)),
        CODE.plus(offset + 9),
        Bytes.of(HexFormat.of().parseHex("554889e541")),
        6,
        "new_" + name);
  }
}
