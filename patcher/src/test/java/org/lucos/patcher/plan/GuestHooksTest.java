package org.lucos.patcher.plan;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;

import java.util.HexFormat;
import java.util.List;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.lucos.bridge.addr.AddressRange;
import org.lucos.bridge.addr.GuestVirtualAddress;
import org.lucos.patcher.bytes.Bytes;
import org.lucos.patcher.kernel.Kprobes;
import org.lucos.patcher.kernel.Kprobes.Kprobe;
import org.lucos.patcher.kernel.Livepatches.Diversion;
import org.lucos.patcher.refusal.BusyRefusal;
import org.lucos.patcher.refusal.Refusal;
import org.lucos.patcher.refusal.RefusedException;

class GuestHooksTest {
  private static final GuestVirtualAddress START = new GuestVirtualAddress(0xffffffff81000000L);
  // the slot; push %rbp; mov %rsp,%rbp; push %r14; push %rbx; mov $1,%eax; ret
  private static final String OWN = "0f1f440000" + "55" + "4889e5" + "4156" + "53" + "b801000000c3";
  private static final int SITE = 5;
  private static final AddressRange CODE = new AddressRange(START, OWN.length() / 2);

  @Test
  void aLivepatchedFunctionIsRefusedWithTheNameOfTheLivepatch() {
    GuestVirtualAddress elsewhere = new GuestVirtualAddress(0xffffffffc0001000L);
    GuestHooks hooks =
        new GuestHooks(List.of(), List.of(new Diversion(START, elsewhere)), List.of("klp_fix"));

    assertThat(refusal(() -> hooks.requireReached("alpha", CODE)))
        .isEqualTo(new BusyRefusal.FunctionLivepatched("alpha", "klp_fix"));
    hooks.requireReached("beta", new AddressRange(CODE.end(), 16));
  }

  @ParameterizedTest
  @ValueSource(ints = {SITE, SITE + 4})
  void whatAProbeStandsOnIsNotEdited(int offset) {
    assertThat(refusal(() -> hooks(offset, 0x55).requireNoProbe("alpha", restoring())))
        .isInstanceOf(BusyRefusal.SiteProbed.class);
  }

  @Test
  void aProbeInTheSlotOrBehindTheJumpIsNotInItsWay() {
    hooks(SITE + 6, 0x53).requireNoProbe("alpha", restoring());
    new GuestHooks(List.of(new Kprobe(START, true, false, Bytes.EMPTY)), List.of(), List.of())
        .requireNoProbe("alpha", restoring());
  }

  /** Behind the jump, which ends within {@code push %r14}, code reads otherwise than it was. */
  @ParameterizedTest
  @CsvSource({"10,56,true", "11,53,false", "12,b8,false", "13,01,true", "17,c3,false"})
  void aProbeThatWouldStandWithinAnInstructionIsRefused(int offset, String saved, boolean refused) {
    byte[] live = HexFormat.of().parseHex(OWN);
    System.arraycopy(redirected(), 0, live, SITE, redirected().length);
    live[offset] = (byte) 0xcc;
    GuestHooks hooks = hooks(offset, Integer.parseInt(saved, 16));

    ThrowingCallable check =
        () -> hooks.requireProbesFit("alpha", CODE, range -> live.clone(), restoring());
    if (refused) {
      assertThat(refusal(check).message()).contains("within an instruction", "kprobe at");
    } else {
      assertThat(catchThrowable(check)).isNull();
    }
  }

  @Test
  void whatProbesCoverIsSeenThroughThem() {
    byte[] text = HexFormat.of().parseHex("cc010203e9090909090a");
    Kprobe armed = new Kprobe(START, false, false, Bytes.of(new byte[] {(byte) 0xb8}));
    Kprobe jump = new Kprobe(START.plus(4), false, false, Bytes.of(new byte[] {4, 5, 6, 7, 8}));
    Kprobe cut = new Kprobe(START.plus(-1), false, false, Bytes.of(new byte[] {1, (byte) 0xb9}));

    Kprobes.uncover(List.of(armed, jump), START, text);
    assertThat(HexFormat.of().formatHex(text)).isEqualTo("b801020304050607080a");
    Kprobes.uncover(List.of(cut), START, text);
    assertThat(HexFormat.of().formatHex(text)).isEqualTo("b901020304050607080a");
  }

  private static GuestHooks hooks(int offset, int saved) {
    Kprobe probe =
        new Kprobe(START.plus(offset), false, false, Bytes.of(new byte[] {(byte) saved}));
    return new GuestHooks(List.of(probe), List.of(), List.of());
  }

  private static byte[] redirected() {
    return HexFormat.of().parseHex("e900100000");
  }

  private static TextEdit restoring() {
    byte[] own = HexFormat.of().parseHex(OWN.substring(2 * SITE, 2 * (SITE + 5)));
    return new TextEdit(START.plus(SITE), redirected(), own);
  }

  private static Refusal refusal(ThrowingCallable check) {
    RefusedException[] thrown = new RefusedException[1];
    assertThatThrownBy(check)
        .isInstanceOfSatisfying(RefusedException.class, each -> thrown[0] = each);
    return thrown[0].refusal();
  }
}
