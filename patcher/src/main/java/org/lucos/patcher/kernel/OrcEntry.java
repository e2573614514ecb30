package org.lucos.patcher.kernel;

/**
 * How to get from one stack frame to its caller's, at one place of kernel text.
 *
 * <p>Source: {@code struct orc_entry} in {@code arch/x86/include/asm/orc_types.h}; what each base
 * and kind means is read from {@code unwind_next_frame()} in {@code arch/x86/kernel/unwind_orc.c}.
 *
 * @param stackBase what the previous stack pointer is computed from
 * @param stackOffset signed bytes added to it
 * @param frameBase what the previous frame pointer is computed from
 * @param frameOffset signed bytes added to it
 * @param kind what lies at the previous stack pointer
 * @param signal whether the frame before was interrupted at its instruction pointer, rather than
 *     having called from just before it
 */
public record OrcEntry(
    Base stackBase, int stackOffset, Base frameBase, int frameOffset, Kind kind, boolean signal) {

  /** The {@code ORC_REG_} numbers, in order; they have not changed since ORC exists. */
  public enum Base {
    /** The register did not change, or nothing is known. */
    UNDEFINED,
    /** The previous stack pointer itself. */
    PREVIOUS_SP,
    /** RDX. */
    DX,
    /** RDI. */
    DI,
    /** RBP. */
    BP,
    /** RSP. */
    SP,
    /** R10. */
    R10,
    /** R13. */
    R13,
    /** The word at RBP plus offset. */
    BP_INDIRECT,
    /** The word at RSP, then plus offset. */
    SP_INDIRECT
  }

  /** What lies at the previous stack pointer. */
  public enum Kind {
    /** Nothing is known of this text. */
    UNDEFINED,
    /** There is no caller: the entry point of a task or of the kernel. */
    END_OF_STACK,
    /** A return address, right below it. */
    CALL,
    /** A whole {@code struct pt_regs}. */
    REGS,
    /** The last five words of a {@code struct pt_regs}, as the CPU pushes them. */
    REGS_PARTIAL
  }
}
