package org.lucos.patcher.build.diff;

import java.util.Optional;

/**
 * Arrays the kernel keeps about places in its code. The first relocation of an entry names the
 * place; how long an entry is follows from where the next one's first relocation is.
 */
enum TableFormat {
  /** struct alt_instr, arch/x86/include/asm/alternative.h: the place and its replacement. */
  ALTERNATIVES(".altinstructions", 2, true),
  /** struct paravirt_patch_site, arch/x86/include/asm/paravirt_types.h; gone since 6.8. */
  PARAVIRT(".parainstructions", 1, true),
  /** struct bug_entry, include/asm-generic/bug.h: the place, the file, line and flags. */
  BUGS("__bug_table", 2, true),
  /** struct exception_table_entry, arch/x86/include/asm/extable.h: the place and its fixup. */
  EXCEPTIONS("__ex_table", 2, true),
  /** struct static_call_site, include/linux/static_call_types.h: the place and its key. */
  STATIC_CALLS(".static_call_sites", 2, true),
  /** struct jump_entry, include/linux/jump_label.h: the place, its target and its key. */
  JUMP_LABELS("__jump_table", 3, true),
  /**
   * Immediate operands that hold what a variable of the kernel held at boot
   * (arch/x86/include/asm/runtime-const.h): a table a variable, named after it.
   */
  RUNTIME_CONSTANTS("runtime_", 1, true),
  /** Lock prefixes. */
  SMP_LOCKS(".smp_locks", 1, false),
  /** Calls and jumps through thunks, found by objtool. */
  RETPOLINES(".retpoline_sites", 1, false),
  RETURNS(".return_sites", 1, false),
  CALLS(".call_sites", 1, false),
  /** endbr64 instructions that nobody needs. */
  IBT_SEALS(".ibt_endbr_seal", 1, false),
  CFI_SITES(".cfi_sites", 1, false),
  /** Calls of __fentry__. */
  FENTRIES("__mcount_loc", 1, false),
  /** Addresses of the entries of {@link #ORC_DATA}. */
  ORC(".orc_unwind_ip", 1, false);

  /** struct orc_entry, arch/x86/include/asm/orc_types.h; as many as {@link #ORC} has. */
  static final String ORC_DATA = ".orc_unwind";

  /** Tells which layout {@link #ORC_DATA} has; the loader refuses modules with another one. */
  static final String ORC_HEADER = ".orc_header";

  private final String section;
  private final int relocations;
  private final boolean behaviour;

  TableFormat(String section, int relocations, boolean behaviour) {
    this.section = section;
    this.relocations = relocations;
    this.behaviour = behaviour;
  }

  static Optional<TableFormat> of(String section) {
    for (TableFormat format : values()) {
      if (format.isFormatOf(section)) {
        return Optional.of(format);
      }
    }
    return Optional.empty();
  }

  /** Whether a section of this name is such a table. */
  boolean isFormatOf(String name) {
    return this == RUNTIME_CONSTANTS
        ? name.startsWith(section + "ptr_") || name.startsWith(section + "shift_")
        : name.equals(section);
  }

  String section() {
    return section;
  }

  /** Relocations of one entry. */
  int relocations() {
    return relocations;
  }

  /** Whether an entry says something the code it is about does not. */
  boolean isBehaviour() {
    return behaviour;
  }
}
