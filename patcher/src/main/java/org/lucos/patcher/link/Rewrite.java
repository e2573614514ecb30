package org.lucos.patcher.link;

import java.util.Optional;

/**
 * A place in an object's code that the kernel rewrites at boot, when loading a module, or while it
 * runs, and so need not hold what the compiler put there.
 *
 * @param section index of the section in its object
 * @param offset first byte, from the section's beginning
 * @param length bytes
 * @param kind who rewrites it
 * @param target for a jump label, where in the object it may jump to; empty for the others
 */
public record Rewrite(int section, long offset, int length, Kind kind, Optional<Place> target) {

  /**
   * A place in an object.
   *
   * @param section index of the section
   * @param offset from its beginning
   */
  public record Place(int section, long offset) {}

  /** Who rewrites the place, and when. */
  public enum Kind {
    /** Instructions for another CPU: {@code apply_alternatives()}, at boot. */
    ALTERNATIVE(false),
    /** A paravirt call: {@code apply_paravirt()}, at boot. */
    PARAVIRT(false),
    /** A call or jump to a retpoline: {@code apply_retpolines()}, at boot. */
    RETPOLINE(false),
    /** A jump to the return thunk: {@code apply_returns()}, at boot. */
    RETURN(false),
    /** {@code endbr64} that no indirect branch needs: {@code apply_seal_endbr()}, at boot. */
    ENDBR(false),
    /** An address as an immediate operand: {@code runtime_const_fixup()}, at boot. */
    RUNTIME_POINTER(false),
    /** A shift count as an immediate operand: {@code runtime_const_fixup()}, at boot. */
    RUNTIME_SHIFT(false),
    /** A static call site: {@code __static_call_transform()}, at any time. */
    STATIC_CALL(true),
    /** A static branch: {@code arch_jump_label_transform()}, at any time. */
    JUMP_LABEL(true),
    /** The call of {@code __fentry__}: ftrace, at any time. */
    FENTRY(true),
    /** A lock prefix: {@code alternatives_enable_smp()}, when a second CPU comes up. */
    LOCK_PREFIX(true);

    private final boolean lasting;

    Kind(boolean lasting) {
      this.lasting = lasting;
    }

    /** Whether the kernel may write there again long after boot. */
    public boolean isLasting() {
      return lasting;
    }
  }

  /** The first byte behind the place. */
  public long end() {
    return offset + length;
  }

  /** Whether the place shares a byte with {@code size} bytes from {@code from} on. */
  public boolean overlaps(long from, long size) {
    return offset < from + size && from < end();
  }
}
