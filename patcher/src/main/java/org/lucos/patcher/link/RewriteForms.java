package org.lucos.patcher.link;

import java.util.OptionalLong;
import org.lucos.patcher.insn.Decoder;
import org.lucos.patcher.insn.Instruction;

/**
 * Which bytes the kernel may have put at a place it rewrites. Where the forms are few they are all
 * known (arch/x86/kernel/{alternative,static_call,jump_label,ftrace}.c), so that a change by
 * someone else is still seen; where they depend on the CPU, anything goes.
 */
final class RewriteForms {
  private static final byte[] NOP2 = {0x66, (byte) 0x90};
  private static final byte[] NOP5 = {0x0f, 0x1f, 0x44, 0, 0};
  private static final byte[] ENDBR64 = {(byte) 0xf3, 0x0f, 0x1e, (byte) 0xfa};

  /** What {@code gen_endbr_poison()} leaves of a sealed endbr64. */
  private static final byte[] POISON = {0x66, 0x0f, 0x1f, 0};

  /** {@code xor5rax} of static_call.c, with REX prefixes and, later, with CS prefixes. */
  private static final byte[] XOR_CS = {0x2e, 0x2e, 0x2e, 0x31, (byte) 0xc0};

  private static final byte[] XOR_DATA = {0x66, 0x66, 0x48, 0x31, (byte) 0xc0};

  private static final int CALL = 0xe8;
  private static final int JUMP = 0xe9;
  private static final int RETURN = 0xc3;
  private static final int INT3 = 0xcc;

  private RewriteForms() {}

  /**
   * Whether a running kernel may hold these bytes.
   *
   * @param rewrite the place
   * @param code bytes that contain it
   * @param at where in {@code code} it begins
   * @param address the virtual address of that place
   * @param target for a jump label the virtual address it jumps to
   */
  static boolean allows(Rewrite rewrite, byte[] code, int at, long address, OptionalLong target) {
    int length = rewrite.length();
    int first = code[at] & 0xff;
    return switch (rewrite.kind()) {
      case ALTERNATIVE, PARAVIRT, RETPOLINE, RUNTIME_POINTER, RUNTIME_SHIFT -> true;
      case RETURN -> first == JUMP || (first == RETURN && filled(code, at + 1, length - 1));
      case ENDBR -> same(code, at, ENDBR64) || same(code, at, POISON);
      case STATIC_CALL ->
          first == CALL
              || first == JUMP
              || (first == RETURN && filled(code, at + 1, 4))
              || (length == 6 && first == 0x0f && (code[at + 1] & 0xf0) == 0x80)
              || same(code, at, NOP5)
              || same(code, at, XOR_CS)
              || same(code, at, XOR_DATA);
      case JUMP_LABEL ->
          same(code, at, length == 2 ? NOP2 : NOP5)
              || jumpsTo(target, Decoder.decode(code, at, address), length);
      case FENTRY -> same(code, at, NOP5) || first == CALL;
      case LOCK_PREFIX -> first == 0xf0 || first == 0x3e;
    };
  }

  /** Whether a place of this kind may hold anything. */
  static boolean isAnything(Rewrite.Kind kind) {
    return switch (kind) {
      case ALTERNATIVE, PARAVIRT, RETPOLINE, RUNTIME_POINTER, RUNTIME_SHIFT -> true;
      case RETURN, ENDBR, STATIC_CALL, JUMP_LABEL, FENTRY, LOCK_PREFIX -> false;
    };
  }

  private static boolean jumpsTo(OptionalLong target, Instruction instruction, int length) {
    return instruction.kind() == Instruction.Kind.JUMP
        && instruction.length() == length
        && instruction.target().equals(target);
  }

  static boolean isNop5(byte[] code, int at) {
    return same(code, at, NOP5);
  }

  static boolean isEndbr(byte[] code, int at) {
    return same(code, at, ENDBR64) || same(code, at, POISON);
  }

  private static boolean filled(byte[] code, int at, int length) {
    for (int i = 0; i < length; i++) {
      if ((code[at + i] & 0xff) != INT3) {
        return false;
      }
    }
    return true;
  }

  private static boolean same(byte[] code, int at, byte[] form) {
    if (code.length - at < form.length) {
      return false;
    }
    for (int i = 0; i < form.length; i++) {
      if (code[at + i] != form[i]) {
        return false;
      }
    }
    return true;
  }
}
