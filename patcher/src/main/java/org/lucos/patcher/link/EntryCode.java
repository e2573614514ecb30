package org.lucos.patcher.link;

import java.util.OptionalLong;
import org.lucos.patcher.elf.ElfSymbol;
import org.lucos.patcher.link.Rewrite.Kind;

/**
 * What a function begins with before its own code: {@code endbr64}, then the 5 bytes of ftrace.
 *
 * @param tracingSlot offset of those 5 bytes, if there are any
 * @param end offset of the function's own code
 */
record EntryCode(OptionalLong tracingSlot, long end) {
  private static final int ENDBR = 4;
  private static final int SLOT = 5;

  static EntryCode of(MatchedObject object, ElfSymbol function) {
    byte[] code = object.object().content(function.section());
    boolean endbr = function.size() >= ENDBR && RewriteForms.isEndbr(code, (int) function.value());
    long at = endbr ? ENDBR : 0;
    boolean slot =
        object.rewrites().overlapping(function.section(), function.value() + at, SLOT).stream()
            .anyMatch(each -> each.kind() == Kind.FENTRY && each.offset() == function.value() + at);
    return slot
        ? new EntryCode(OptionalLong.of(at), at + SLOT)
        : new EntryCode(OptionalLong.empty(), at);
  }
}
