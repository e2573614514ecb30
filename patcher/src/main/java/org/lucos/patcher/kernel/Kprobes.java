package org.lucos.patcher.kernel;

import java.util.ArrayList;
import java.util.List;
import org.lucos.bridge.addr.AddressRange;
import org.lucos.bridge.addr.GuestVirtualAddress;
import org.lucos.bridge.memory.GuestMemory;
import org.lucos.patcher.bytes.Bytes;

/** The kernel's registered kprobes (kernel/kprobes.c: {@code kprobe_table}). */
public final class Kprobes {
  private static final String SOURCE = "guest kprobe_table";

  /** {@code KPROBE_TABLE_SIZE}. */
  private static final int BUCKETS = 64;

  private static final int MOST_IN_BUCKET = 1 << 16;

  /** {@code KPROBE_FLAG_FTRACE}: the probe uses the function's ftrace slot. */
  private static final long FTRACE = 8;

  /** {@code KPROBE_FLAG_OPTIMIZED}: it is part of a {@code struct optimized_kprobe}. */
  private static final long OPTIMIZED = 4;

  /** An {@code int3}, or the {@code jmp rel32} that it may be turned into at any time. */
  private static final int LONGEST_PROBE = 5;

  private static final int JUMP = 0xe9;

  private final GuestMemory memory;
  private final SymbolTable symbols;
  private final BtfTypes types;

  Kprobes(GuestMemory memory, SymbolTable symbols, BtfTypes types) {
    this.memory = memory;
    this.symbols = symbols;
    this.types = types;
  }

  /**
   * A registered probe.
   *
   * @param address the instruction it stands for
   * @param onFtrace whether it is called through the function's ftrace slot and changes no other
   *     text
   * @param optimised whether it is a jump, or is about to become one
   * @param covered the bytes of the code that it stands on: one, or five where it is a jump now
   */
  public record Kprobe(
      GuestVirtualAddress address, boolean onFtrace, boolean optimised, Bytes covered) {
    /** The text it changes, now or when it is armed or optimised; for ftrace, the slot. */
    public AddressRange text() {
      return new AddressRange(address, LONGEST_PROBE);
    }
  }

  /** All registered probes, armed or not; none if the kernel has no kprobes. */
  public List<Kprobe> all() {
    return GuestLists.stable(this::read);
  }

  /** The probes that change text in a range. */
  public List<Kprobe> touching(AddressRange range) {
    return all().stream().filter(probe -> probe.text().overlaps(range)).toList();
  }

  private List<Kprobe> read() {
    List<Kprobe> probes = new ArrayList<>();
    if (symbols.all("kprobe_table").isEmpty()) {
      return probes;
    }
    GuestVirtualAddress table = symbols.address("kprobe_table");
    StructLayout kprobe = types.struct("kprobe");
    Field node = kprobe.field("hlist");
    byte[] heads = memory.bytes(table, BUCKETS * 8);
    for (int bucket = 0; bucket < BUCKETS; bucket++) {
      if (Little.u64(heads, bucket * 8) == 0) {
        continue;
      }
      GuestVirtualAddress head = table.plus(bucket * 8L);
      for (GuestVirtualAddress at : GuestLists.chain(memory, SOURCE, head, MOST_IN_BUCKET)) {
        GuestVirtualAddress probe = at.plus(-node.offset());
        GuestVirtualAddress address = kprobe.field("addr").readPointer(memory, probe);
        long flags = kprobe.field("flags").read(memory, probe);
        boolean onFtrace = (flags & FTRACE) != 0;
        GuestLists.requireText(SOURCE, probe, address);
        Bytes covered = onFtrace ? Bytes.EMPTY : covered(probe, address, flags);
        probes.add(new Kprobe(address, onFtrace, (flags & OPTIMIZED) != 0, covered));
      }
    }
    return probes;
  }

  /**
   * What a probe has saved (kernel/kprobes.c: {@code opcode}; arch/x86/kernel/kprobes/opt.c: {@code
   * copied_insn}, behind the first byte, of one that was turned into a jump).
   */
  private Bytes covered(GuestVirtualAddress probe, GuestVirtualAddress address, long flags) {
    int opcode = (int) types.struct("kprobe").field("opcode").read(memory, probe);
    boolean jump = (flags & OPTIMIZED) != 0 && isJump(probe, address);
    byte[] bytes = new byte[jump ? LONGEST_PROBE : 1];
    bytes[0] = (byte) opcode;
    if (jump) {
      long copy = types.struct("optimized_kprobe").offsetOf("optinsn.copied_insn");
      byte[] rest = memory.bytes(probe.plus(copy), LONGEST_PROBE - 1);
      System.arraycopy(rest, 0, bytes, 1, rest.length);
    }
    return Bytes.of(bytes);
  }

  /** Whether the displacement is in place: it is written before the opcode that makes it one. */
  private boolean isJump(GuestVirtualAddress probe, GuestVirtualAddress address) {
    byte[] text = memory.bytes(address, LONGEST_PROBE);
    long detour =
        types.struct("optimized_kprobe").field("optinsn.insn").readPointer(memory, probe).value();
    return (text[0] & 0xff) == JUMP
        || Little.i32(text, 1) == (int) (detour - address.value() - LONGEST_PROBE);
  }

  /**
   * Text as it is without probes: what they cover is put in their place.
   *
   * @param start where the text is
   */
  public static void uncover(List<Kprobe> probes, GuestVirtualAddress start, byte[] text) {
    for (Kprobe probe : probes) {
      for (int i = 0; i < probe.covered().size(); i++) {
        long at = probe.address().minus(start) + i;
        if (at >= 0 && at < text.length) {
          text[(int) at] = (byte) probe.covered().at(i);
        }
      }
    }
  }
}
