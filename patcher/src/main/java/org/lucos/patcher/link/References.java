package org.lucos.patcher.link;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.lucos.patcher.elf.ElfRelocation;
import org.lucos.patcher.elf.ElfSection;
import org.lucos.patcher.elf.ElfSymbol;
import org.lucos.patcher.link.LinkedFunction.Referrer;

/** Who in an object refers to places inside a function. */
final class References {
  /**
   * Lists of places that say nothing of control flow: what is rewritten (known apart), unwinding,
   * and what the linker drops.
   */
  private static final Set<String> LISTS =
      Set.of(
          "__mcount_loc",
          "__patchable_function_entries",
          ".altinstructions",
          ".parainstructions",
          ".retpoline_sites",
          ".return_sites",
          ".static_call_sites",
          ".smp_locks",
          ".call_sites",
          ".ibt_endbr_seal",
          ".orc_unwind_ip",
          ".orc_unwind");

  private References() {}

  /** References to places behind a function's first byte, in the order of sections. */
  static List<Referrer> into(ObjectImage object, ElfSymbol function) {
    List<Referrer> found = new ArrayList<>();
    for (ElfSection section : object.sections()) {
      if (!section.isAllocated() || LISTS.contains(section.name())) {
        continue;
      }
      for (ElfRelocation relocation : object.relocations(section.index()).values()) {
        if (relocation.symbol().section() == function.section()) {
          long place =
              relocation.symbol().value() + relocation.addend() + operandEnd(section, relocation);
          long offset = place - function.value();
          if (offset > 0 && offset < function.size()) {
            found.add(new Referrer(offset, section.name()));
          }
        }
      }
    }
    return found;
  }

  /** In code a relative operand counts from the end of its instruction; all we meet end with it. */
  private static long operandEnd(ElfSection section, ElfRelocation relocation) {
    return section.isCode() && relocation.type().isPcRelative() ? relocation.type().width() : 0;
  }
}
