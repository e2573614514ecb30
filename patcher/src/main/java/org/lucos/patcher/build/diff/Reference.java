package org.lucos.patcher.build.diff;

import org.lucos.patcher.elf.RelocationType;

/**
 * A field that holds an address, or a distance to one.
 *
 * @param offset of the field, from the start of the piece or table entry it is in
 * @param type how it is computed
 * @param target the place it is about
 * @param delta what is added to the target's address; for operands of instructions relative to the
 *     instruction's end, minus the distance from the field to there
 * @param branch whether the field is the target of a direct call or jump
 */
record Reference(int offset, RelocationType type, Target target, long delta, boolean branch) {

  /** The type with calls through a linkage table and direct ones counted as the same. */
  RelocationType plainType() {
    return type == RelocationType.PLT32 ? RelocationType.PC32 : type;
  }
}
