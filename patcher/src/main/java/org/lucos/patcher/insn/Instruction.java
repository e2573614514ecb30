package org.lucos.patcher.insn;

import java.util.OptionalLong;

/**
 * What one x86-64 instruction does to the flow of control, and how long it is.
 *
 * @param length bytes, 1 to 15; 0 for {@link Kind#UNKNOWN}
 * @param kind what it does to the flow of control
 * @param target where a direct branch goes, as a virtual address; empty for all others
 */
public record Instruction(int length, Kind kind, OptionalLong target) {

  /** The longest instruction a CPU takes, in bytes. */
  public static final int MAX_LENGTH = 15;

  static final Instruction UNKNOWN = new Instruction(0, Kind.UNKNOWN, OptionalLong.empty());

  /** What an instruction does to the flow of control. */
  public enum Kind {
    /**
     * Not a known instruction, cut off by the end of the data, or of a length that CPUs differ on.
     */
    UNKNOWN,
    /** Control goes on behind it. */
    PLAIN,
    /** A {@code nop} of any length: nothing happens and control goes on behind it. */
    NOP,
    /** {@code endbr64}: control goes on behind it, and an indirect branch may land here. */
    ENDBR64,
    /** {@code jmp} to a fixed target. */
    JUMP,
    /** {@code jcc}, {@code loop}, {@code jrcxz}, {@code xbegin}: to a fixed target or behind it. */
    CONDITIONAL_JUMP,
    /** {@code call} of a fixed target. */
    CALL,
    /** {@code jmp} through a register or memory, near or far. */
    INDIRECT_JUMP,
    /** {@code call} through a register or memory, near or far. */
    INDIRECT_CALL,
    /** {@code ret}, {@code iret}, {@code sysret}, {@code sysexit}. */
    RETURN,
    /** {@code int3}: a debugger's, or one that text patching has put here for a moment. */
    BREAKPOINT,
    /** {@code ud1} and {@code ud2}: always faults; the kernel's WARN and BUG. */
    UNDEFINED
  }

  /** Whether the bytes are an instruction at all. */
  public boolean known() {
    return kind != Kind.UNKNOWN;
  }

  /** Whether control can go on right behind it, a call having returned. */
  public boolean fallsThrough() {
    return switch (kind) {
      case UNKNOWN, JUMP, INDIRECT_JUMP, RETURN -> false;
      case PLAIN, NOP, ENDBR64, CONDITIONAL_JUMP, CALL, INDIRECT_CALL, BREAKPOINT, UNDEFINED ->
          true;
    };
  }
}
