package org.lucos.patcher.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.lucos.bridge.addr.GuestVirtualAddress;
import org.lucos.bridge.memory.GuestMemory;
import org.lucos.patcher.btf.BtfWriter;
import org.lucos.patcher.btf.BtfWriter.Member;
import org.lucos.patcher.kernel.Kprobes.Kprobe;

/** One probe in a few bytes of memory, at the moments in which the kernel rewrites its text. */
class KprobesTest {
  private static final long START = 0xffff_ffff_8100_0000L;
  private static final int TEXT = 0x100;
  private static final int TABLE = 0x400;
  private static final int PROBE = 0x800;
  private static final int DETOUR = 0xc00;
  private static final String OWN = "554889e541";
  private static final String JUMP = "e9fb0a0000"; // from TEXT to DETOUR
  private static final int OPTIMIZED = 4;

  private final ByteBuffer memory = ByteBuffer.allocate(0x1000).order(ByteOrder.LITTLE_ENDIAN);

  private Kprobe probe(String text, int flags) {
    memory.put(TEXT, HexFormat.of().parseHex(text));
    memory.putLong(TABLE, START + PROBE);
    memory.putLong(PROBE + 16, START + TEXT);
    memory.putInt(PROBE + 24, flags);
    memory.put(PROBE + 28, (byte) 0x55);
    memory.put(PROBE + 32, HexFormat.of().parseHex(OWN.substring(2)));
    memory.putLong(PROBE + 40, START + DETOUR);
    return kprobes().all().get(0);
  }

  private Kprobes kprobes() {
    BtfWriter types = new BtfWriter();
    int word = types.integer("long", 8);
    int half = types.integer("int", 4);
    int octet = types.integer("char", 1);
    int kprobe =
        types.struct(
            "kprobe",
            32,
            new Member("hlist", word, 0),
            new Member("addr", word, 16),
            new Member("flags", half, 24),
            new Member("opcode", octet, 28));
    int copied = types.array(octet, word, 4);
    int detour =
        types.struct("", 16, new Member("copied_insn", copied, 0), new Member("insn", word, 8));
    types.struct(
        "optimized_kprobe", 48, new Member("kp", kprobe, 0), new Member("optinsn", detour, 32));
    GuestMemory reader =
        (at, into, offset, length) -> memory.get((int) (at.value() - START), into, offset, length);
    SymbolTable symbols =
        SymbolTable.of(
            List.of(
                new KernelSymbol(
                    "kprobe_table",
                    new GuestVirtualAddress(START + TABLE),
                    'b',
                    Optional.empty())));
    return new Kprobes(reader, symbols, BtfTypes.parse("test", types.bytes()));
  }

  @ParameterizedTest
  @CsvSource({
    "cc4889e541, 0", // armed
    "cc4889e541, 4", // about to become a jump
    "ccfb0a0000, 4", // the displacement is there, the opcode not yet
    "e9fb0a0000, 4", // a jump
  })
  void whatItCoversIsSeenAtEveryStepOnTheWayToAJump(String text, int flags) {
    Kprobe probe = probe(text, flags);
    byte[] seen = HexFormat.of().parseHex(text);
    Kprobes.uncover(List.of(probe), probe.address(), seen);
    assertThat(HexFormat.of().formatHex(seen)).isEqualTo(OWN);
    assertThat(probe.optimised()).isEqualTo(flags == OPTIMIZED);
  }

  @Test
  void theCopyOfOneThatIsNoJumpIsNotBelieved() {
    assertThat(probe("cc4889e541", OPTIMIZED).covered().toHex()).isEqualTo("55");
    assertThat(probe(JUMP, 0).covered().toHex()).isEqualTo("55");
  }
}
